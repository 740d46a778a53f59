"""What is known of a lead, in groups, with where each fact came from. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from leads.facts import FACTS
from leads.models import Identity, Lead
from leadsla.accounts.models import User
from leadsla.display import day_text, moment_text, number

PERSON = ("name", "email", "phone", "title", "seniority", "job_function", "language", "timezone")
COMPANY = ("company_name", "industry", "employees", "country", "region", "city")
SAID = ("need", "decision_maker", "authority", "budget", "timeframe", "note")


@dataclass(frozen=True)
class Known:
    """One line: a label, what is known ("" for nothing), and where it came from."""

    label: str
    value: str
    source: str = ""


@dataclass(frozen=True)
class Group:
    """Lines under one heading."""

    title: str
    lines: list[Known]


def label(code: str) -> str:
    """Return what people call a fact, by its column or an own field's key."""
    fact = FACTS.get(code)
    return str(fact.label) if fact is not None else code.removeprefix("own.").replace("_", " ")


def _ways() -> dict[str, str]:
    return {
        "hand": _("by hand"),
        "form": _("form"),
        "api": _("API"),
        "import": _("import"),
        "merge": _("merge"),
        "title": _("read from the job title"),
        "asked": _("said so when asked"),
    }


def told(lead: Lead, code: str) -> tuple[str, datetime | None]:
    """Return who or what told a fact of a lead, in words, and when; "" and None where nobody noted it."""
    proof = lead.fact_sources.get(code)
    if not isinstance(proof, Mapping):
        return "", None
    return _teller(proof, User.objects.in_bulk({proof["by"]} if proof.get("by") else ())), _told_at(proof)


def _teller(proof: Mapping[str, Any], people: Mapping[int, User]) -> str:
    way, _colon, rest = str(proof.get("via") or "").partition(":")
    person = people.get(proof.get("by") or 0)
    words = str(person) if person is not None and way == "hand" else _ways().get(way, way)
    return f"{words} ({rest})" if rest else words


def _told_at(proof: Mapping[str, Any]) -> datetime | None:
    return parse_datetime(str(proof.get("at") or ""))


def _source(proof: Mapping[str, Any] | None, people: Mapping[int, User], *, now: datetime) -> str:
    """Write where a fact came from: `form, 19 Oct` or the person who entered it."""
    if not proof:
        return ""
    at = _told_at(proof)
    return ", ".join(part for part in (_teller(proof, people), day_text(at, now) if at else "") if part)


def _value(lead: Lead, code: str) -> str:
    if code in {"seniority", "job_function"}:
        display = lead.get_seniority_display() if code == "seniority" else lead.get_job_function_display()
        return str(display)
    value = getattr(lead, code)
    if value is None:
        return ""
    return number(value) if isinstance(value, int) else str(value)


def _first_letter_up(text: str) -> str:
    return text[:1].upper() + text[1:]


def groups(lead: Lead, *, now: datetime) -> list[Group]:
    """Return all that is known of a lead.

    Args:
        lead: with company, owner, team, sources and campaigns fetched.
        now: today, for days in words.

    Returns:
        Groups in the order of the page; what is unknown has an empty value. Two queries.
    """
    authors = {proof.get("by") for proof in lead.fact_sources.values() if isinstance(proof, Mapping)} - {None}
    people = User.objects.in_bulk(authors) if authors else {}

    def known(code: str) -> Known:
        return Known(
            _first_letter_up(label(code)), _value(lead, code), _source(lead.fact_sources.get(code), people, now=now)
        )

    found = [
        Group(_("Person"), [known(code) for code in PERSON]),
        Group(_("Company"), [known(code) for code in COMPANY]),
        Group(_("What they said"), [known(code) for code in SAID]),
        Group(_("Where from"), _where_from(lead, now=now)),
        Group(_("Known as"), _identities(lead)),
    ]
    if lead.own:
        own = [Known(_first_letter_up(label(f"own.{key}")), str(value)) for key, value in sorted(lead.own.items())]
        found.append(Group(_("Own fields"), own))
    return found


def _where_from(lead: Lead, *, now: datetime) -> list[Known]:
    captured = ""
    if lead.captured_at is not None:
        captured = day_text(lead.captured_at, now) if lead.captured_is_date else moment_text(lead.captured_at, now)
    return [
        Known(_("First contact"), captured),
        Known(_("First source"), lead.first_source.name if lead.first_source else ""),
        Known(_("First campaign"), lead.first_campaign.name if lead.first_campaign else ""),
        Known(_("Last source"), lead.last_source.name if lead.last_source else ""),
        Known(_("Last campaign"), lead.last_campaign.name if lead.last_campaign else ""),
        Known(_("In the portal since"), moment_text(lead.created_at, now)),
        Known(_("Marketer"), str(lead.owner or "")),
        Known(_("Team"), str(lead.team or "")),
        Known(_("Cycle"), str(lead.cycle)),
    ]


def _identities(lead: Lead) -> list[Known]:
    rows = Identity.objects.filter(lead=lead).order_by("kind", "system", "value")
    return [Known(row.system or str(Identity.Kind(row.kind).label), row.value) for row in rows]
