"""Which source and campaign `utm_` parameters stand for: an ordered list of rules, the first that holds counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache
from re import IGNORECASE, Pattern
from re import compile as compile_pattern
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from leads.facts import clean
from leads.models import Campaign, Source, UtmRule

PARAMETERS = ("utm_source", "utm_medium", "utm_campaign", "utm_content")
LONGEST = 200  # of a parameter that is looked at
LONGEST_ADDRESS = 4000


class Refused(Exception):  # noqa: N818  # a refusal is an answer
    """A rule or an address cannot be like this; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


# --- what they say ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What a rule says of an arrival.

    Attributes:
        source: code; "" where the rule names none.
        campaign: code; "" where the rule names none.
    """

    source: str
    campaign: str


def parameters_of(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the `utm_` parameters of what a sender said, whatever their case; empty without any."""
    found: dict[str, str] = {}
    for name, value in data.items():
        code = str(name).lower()
        if code in PARAMETERS and isinstance(value, str | int) and (text := clean(value)[:LONGEST]):
            found.setdefault(code, text)
    return found


def in_force() -> list[UtmRule]:
    """Return the rules that are used, in their order."""
    return list(UtmRule.objects.filter(is_active=True).select_related("source", "campaign"))


def first_that_holds(rules: Sequence[UtmRule], told: Mapping[str, str]) -> UtmRule | None:
    """Return the first rule that holds for parameters, None when none does."""
    return next((rule for rule in rules if told and _holds(rule, told)), None)


def judge(rows: Sequence[Mapping[str, Any]]) -> list[Verdict | None]:
    """Say what the rules in force make of many arrivals, with at most one query.

    Args:
        rows: what the sender of each said (`Arrival.data`).

    Returns:
        A verdict for each in the same order; None where it has no parameters or no rule holds.
    """
    told = [parameters_of(row) for row in rows]
    rules = in_force() if any(told) else []
    found = [first_that_holds(rules, each) for each in told]
    return [
        Verdict(rule.source.code if rule.source else "", rule.campaign.code if rule.campaign else "") if rule else None
        for rule in found
    ]


def _holds(rule: UtmRule, told: Mapping[str, str]) -> bool:
    wanted = ((getattr(rule, name), told.get(name, "")) for name in PARAMETERS)
    return all(not pattern or _pattern(pattern).match(text) for pattern, text in wanted)


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Pattern[str]:
    """Read a pattern: `*` stands for anything, everything else for itself, whatever its case."""
    literal = text.replace("[", "[[]").replace("?", "[?]")
    return compile_pattern(translate(literal), IGNORECASE)


# --- trying them -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """What the rules would make of an address.

    Attributes:
        told: its parameters.
        rule: the first that holds, None when none does.
    """

    told: dict[str, str]
    rule: UtmRule | None


def dry_run(address: str) -> Trial:
    """Say what the rules in force would make of a pasted address; nothing changes.

    Raises:
        Refused: it is no address of the web.
    """
    address = clean(address)
    try:
        parts = urlsplit(address)
        told = parameters_of(dict(parse_qsl(parts.query, max_num_fields=200)))
    except ValueError:
        parts, told = urlsplit(""), {}
    if len(address) > LONGEST_ADDRESS or parts.scheme not in {"http", "https"} or not parts.netloc:
        raise Refused({"address": _("This is no web address. Paste it whole, as https://example.com/?utm_source=…")})
    return Trial(told, first_that_holds(in_force(), told))


# --- changing them ---------------------------------------------------------------------------------------------------


@transaction.atomic
def save(
    rule: UtmRule | None, *, patterns: Mapping[str, str], source: Source | None, campaign: Campaign | None
) -> UtmRule:
    """Add a rule at the end, or change one in place; it counts from the next arrival on.

    Args:
        rule: which; None for a new one.
        patterns: by name of the parameter; "" holds for everything, `*` stands for anything.
        source: where an arrival comes from for which the rule holds; None leaves what it says itself.
        campaign: likewise.

    Raises:
        Refused: by field.
    """
    read = {name: clean(patterns.get(name, "")) for name in PARAMETERS}
    errors = {name: _("At most 120 characters fit here.") for name, text in read.items() if len(text) > 120}
    if not any(read.values()):
        errors["utm_source"] = _("Give at least one parameter: without one the rule would hold for everything.")
    if source is None and campaign is None:
        errors["source"] = _("Choose a source or a campaign, else the rule says nothing.")
    if errors:
        raise Refused(errors)
    if rule is None:
        last = UtmRule.objects.aggregate(last=Max("position"))["last"]
        rule = UtmRule(position=1 if last is None else last + 1)
    for name, text in read.items():
        setattr(rule, name, text)
    rule.source, rule.campaign = source, campaign
    rule.save()
    return rule


@transaction.atomic
def move(rule: UtmRule, *, up: bool) -> bool:
    """Put a rule before the one above it, or after the one below.

    Returns:
        False when it is the first, or the last, already.
    """
    rules = list(UtmRule.objects.select_for_update())
    here = next(place for place, each in enumerate(rules) if each.pk == rule.pk)
    there = here - 1 if up else here + 1
    if not 0 <= there < len(rules):
        return False
    rules[here], rules[there] = rules[there], rules[here]
    for position, each in enumerate(rules, start=1):
        each.position = position
    UtmRule.objects.bulk_update(rules, ["position"])
    return True


def switch(rule: UtmRule, *, on: bool) -> bool:
    """Leave a rule out, or use it again.

    Returns:
        False when it stood so already.
    """
    return UtmRule.objects.filter(pk=rule.pk, is_active=not on).update(is_active=on) == 1
