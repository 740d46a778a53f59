"""Say score models in words: each rule as a sentence, the groups with their caps, and what differs between versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads import conditions
from leads.models import InteractionKind, ScoreModel, ScoreRule

Group = ScoreRule.Group


@dataclass(frozen=True)
class RuleInWords:
    """A rule with its sentences."""

    rule: ScoreRule
    points: str
    asks: str
    terms: str
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class GroupInWords:
    """The rules of a group, with what the group adds at most."""

    code: str
    label: str | Promise
    cap: Decimal | None
    rules: list[RuleInWords]


def groups(model: ScoreModel, rules: Sequence[ScoreRule]) -> list[GroupInWords]:
    """Return the rules of a model by group, in their order."""
    caps = {Group.FIT: model.fit_cap, Group.INTENT: model.intent_cap, Group.ENGAGEMENT: model.engagement_cap}
    found = []
    for group in Group:
        mine = [rule for rule in rules if rule.group == group]
        told = [
            RuleInWords(
                rule, points(rule.points, signed=True), asks(rule), terms(rule), place == 0, place == len(mine) - 1
            )
            for place, rule in enumerate(mine)
        ]
        found.append(GroupInWords(group.value, group.label, caps.get(group), told))
    return found


def asks(rule: ScoreRule) -> str:
    """Say what a rule gives its points for."""
    if not rule.kinds:
        return conditions.in_words(rule.condition)
    return get_text_list([str(InteractionKind(kind).label) for kind in rule.kinds], _("or"))


def terms(rule: ScoreRule) -> str:
    """Say how often a rule counts, how it fades and what it gives at most; "" where nothing limits it."""
    told = []
    if rule.limit is not None:
        words = _("at most %(n)d %(per)s")
        told.append(words % {"n": rule.limit, "per": ScoreRule.Per(rule.limit_per).label})
    if rule.half_life_days is not None:
        told.append(
            ngettext("fades by half every day", "fades by half every %(n)d days", rule.half_life_days)
            % {"n": rule.half_life_days}
        )
    if rule.cap is not None:
        told.append(_("in all at most %(points)s points") % {"points": points(abs(rule.cap))})
    return ", ".join(told)


def points(number: Decimal, *, signed: bool = False) -> str:
    """Write points without a decimal that says nothing, with a real minus."""
    text = number_format(abs(number).normalize(), decimal_pos=0 if number == number.to_integral() else 1)
    sign = "−" if number < 0 else "+" if signed else ""
    return sign + text


def difference(old: ScoreModel, new: ScoreModel) -> list[str]:
    """Say what differs in a version from another one, rule by rule; nothing where both say the same."""
    told = _of_settings(old, new)
    before = {rule.code: rule for rule in old.rules.all()}
    after = {rule.code: rule for rule in new.rules.all()}
    for code, rule in after.items():
        if code not in before:
            words = _("New: “%(rule)s”, %(points)s points for: %(asks)s.")
            told.append(words % _named(rule))
        else:
            told += _of_rule(before[code], rule)
    gone = _("Removed: “%(rule)s”, %(points)s points for: %(asks)s.")
    told += [gone % _named(rule) for code, rule in before.items() if code not in after]
    kept = [code for code in after if code in before]
    if kept != [code for code in before if code in after]:
        told.append(_("The rules stand in another order."))
    return told


def _named(rule: ScoreRule) -> dict[str, str]:
    return {"rule": rule.label, "points": points(rule.points, signed=True), "asks": asks(rule)}


def _of_settings(old: ScoreModel, new: ScoreModel) -> list[str]:
    told = []
    if old.name != new.name:
        told.append(_("Called “%(new)s”, before “%(old)s”.") % {"new": new.name, "old": old.name})
    for name, group in (("fit_cap", Group.FIT), ("intent_cap", Group.INTENT), ("engagement_cap", Group.ENGAGEMENT)):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            words = _("%(group)s gives at most %(new)s points, before %(old)s.")
            told.append(words % {"group": group.label, "new": points(now), "old": points(was)})
    grades = (("fit_grades", _("A, B, C")), ("engagement_grades", _("1, 2, 3")))
    for name, label in grades:
        was, now = getattr(old, name), getattr(new, name)
        if list(was) != list(now):
            words = _("Grades %(grades)s begin at %(new)s points, before %(old)s.")
            told.append(words % {"grades": label, "new": _listed(now), "old": _listed(was)})
    return told


def _listed(numbers: Sequence[Decimal]) -> str:
    return ", ".join(points(number) for number in numbers) or _("nothing")


def _of_rule(old: ScoreRule, new: ScoreRule) -> list[str]:
    told = []
    if old.label != new.label:
        told.append(_("called “%(new)s”") % {"new": new.label})
    if old.group != new.group:
        told.append(
            _("in the group %(new)s, before %(old)s") % {"new": Group(new.group).label, "old": Group(old.group).label}
        )
    if old.points != new.points:
        told.append(
            _("%(new)s points, before %(old)s")
            % {"new": points(new.points, signed=True), "old": points(old.points, signed=True)}
        )
    if asks(old) != asks(new):
        told.append(_("for: %(new)s; before for: %(old)s") % {"new": asks(new), "old": asks(old)})
    if terms(old) != terms(new):
        told.append(
            _("%(new)s; before: %(old)s")
            % {"new": terms(new) or _("without a limit"), "old": terms(old) or _("without a limit")}
        )
    return [_("“%(rule)s”: %(changes)s.") % {"rule": old.label, "changes": "; ".join(told)}] if told else []
