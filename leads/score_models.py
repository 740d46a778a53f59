"""Draft, change, publish and roll back score models, which never change once they were published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, ProtectedError
from django.utils.text import slugify
from django.utils.translation import gettext as _

from leads import conditions
from leads.models import InteractionKind, ScoreModel, ScoreRule
from leadsla.accounts.models import User

Group, Per, Status = ScoreRule.Group, ScoreRule.Per, ScoreModel.Status

LOCK = 20260407  # of all acts that change which score models there are
MOST_POINTS = Decimal(200)
MOST_OF_CAP = Decimal(1000)
LONGEST_HALF_LIFE = 3650  # days
MOST_TIMES = 1000
MOST_RULES = 200
WHOLE = ""  # the key of a refusal that belongs to no single field
_TENTH = Decimal("0.1")
_COPIED = (
    "code",
    "label",
    "group",
    "position",
    "condition",
    "kinds",
    "points",
    "cap",
    "limit",
    "limit_per",
    "half_life_days",
)


class Refused(Exception):  # noqa: N818  # a refusal is an answer
    """A score model cannot be changed so: `errors` says per field why and what to do; the key "" is the whole."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class RuleFacts:
    """What a rule says.

    Attributes:
        label: what people call it.
        group: of `ScoreRule.Group`.
        points: to one decimal, never 0; below 0 takes away.
        condition: of a rule on facts; None for a rule on interactions.
        kinds: of a rule on interactions, the kinds that count.
        cap: the most that the rule adds or takes in all; None for no cap.
        limit: how many interactions count in each bucket; None for all.
        limit_per: the bucket, of `ScoreRule.Per`; "" without a limit.
        half_life_days: after so many days half of the points are left; None where they do not fade.
    """

    label: str
    group: str
    points: Decimal
    condition: conditions.Condition = None
    kinds: Sequence[str] = ()
    cap: Decimal | None = None
    limit: int | None = None
    limit_per: str = ""
    half_life_days: int | None = None


@dataclass(frozen=True)
class Settings:
    """What a model says beside its rules; grades are the lowest points of A, B, C and of 1, 2, 3."""

    name: str
    why: str
    fit_cap: Decimal
    intent_cap: Decimal
    engagement_cap: Decimal
    fit_grades: Sequence[Decimal] = field(default_factory=list)
    engagement_grades: Sequence[Decimal] = field(default_factory=list)


# --- versions --------------------------------------------------------------------------------------------------------


def published() -> ScoreModel | None:
    """Return the published model; None on a portal that has none."""
    return ScoreModel.objects.filter(status=Status.PUBLISHED).select_related("published_by").first()


@transaction.atomic
def draft(base: ScoreModel, *, by: User, now: datetime, why: str = "") -> ScoreModel:
    """Start a new version as a copy of another one, rules and all.

    Args:
        base: any version, also a draft.
        by: who starts it.
        now: the moment.
        why: what it is for; can be said later.

    Returns:
        The draft. It counts for no lead until it is published.
    """
    _lock_the_versions()
    latest = ScoreModel.objects.aggregate(latest=Max("version"))["latest"] or 0
    copied = ScoreModel.objects.create(
        version=latest + 1,
        name=base.name,
        fit_cap=base.fit_cap,
        intent_cap=base.intent_cap,
        engagement_cap=base.engagement_cap,
        fit_grades=base.fit_grades,
        engagement_grades=base.engagement_grades,
        based_on=base,
        why=why,
        created_at=now,
        created_by=by,
    )
    ScoreRule.objects.bulk_create(
        ScoreRule(model=copied, **{name: getattr(rule, name) for name in _COPIED}) for rule in base.rules.all()
    )
    return copied


@transaction.atomic
def discard(model: ScoreModel) -> None:
    """Throw a draft away; it never counted for anybody.

    Raises:
        Refused: for what is no draft, or what a definition of qualified names.
    """
    found = _opened(model)
    try:
        with transaction.atomic():
            found.delete()
    except ProtectedError:
        words = _("A draft of an agreement uses this version. Choose another one there first.")
        raise Refused({WHOLE: words}) from None


@transaction.atomic
def publish(model: ScoreModel, *, by: User, now: datetime) -> ScoreModel:
    """Publish a draft; the version published until now is retired. From now on it stays as it is.

    Whether leads are scored by it follows from the definitions of qualified, which agreements sign.

    Args:
        model: a draft.
        by: who publishes it.
        now: the moment.

    Returns:
        The published version.

    Raises:
        Refused: for what is no draft, or says something that cannot be computed.
    """
    _lock_the_versions()
    found = _opened(model)
    wrong = problems(found)
    if wrong:
        raise Refused({WHOLE: " ".join(wrong)})
    ScoreModel.objects.filter(status=Status.PUBLISHED).update(status=Status.RETIRED)
    found.status, found.published_at, found.published_by = Status.PUBLISHED, now, by
    found.save(update_fields=["status", "published_at", "published_by"])
    return found


@transaction.atomic
def roll_back(version: ScoreModel, *, by: User, now: datetime) -> ScoreModel:
    """Publish a copy of an older version, so that history stays in one line.

    Raises:
        Refused: for a draft, or for what is published already.
    """
    if version.status != Status.RETIRED:
        raise Refused({WHOLE: _("Only a version that was published earlier can be gone back to.")})
    why = _("Back to version %(number)d.") % {"number": version.version}
    return publish(draft(version, by=by, now=now, why=why), by=by, now=now)


def problems(model: ScoreModel) -> list[str]:
    """Say why a version cannot be published; nothing when it can."""
    rules = list(model.rules.all())
    if not rules:
        return [_("It has no rule: every score would be 0. Add one.")]
    found = []
    for rule in rules:
        errors = _wrong_in_rule(_facts_of(rule))
        if errors:
            found.append(_("“%(rule)s”: %(why)s") % {"rule": rule.label, "why": " ".join(errors.values())})
    return found


# --- what it says ----------------------------------------------------------------------------------------------------


@transaction.atomic
def change(model: ScoreModel, told: Settings) -> ScoreModel:
    """Change name, caps and grades of a draft.

    Raises:
        Refused: with what is wrong, by field.
    """
    found = _opened(model)
    errors = _wrong_in_settings(told)
    if errors:
        raise Refused(errors)
    found.name, found.why = told.name.strip(), told.why.strip()
    found.fit_cap, found.intent_cap, found.engagement_cap = told.fit_cap, told.intent_cap, told.engagement_cap
    found.fit_grades, found.engagement_grades = list(told.fit_grades), list(told.engagement_grades)
    found.save()
    return found


@transaction.atomic
def add_rule(model: ScoreModel, told: RuleFacts) -> ScoreRule:
    """Add a rule at the end of its group.

    Raises:
        Refused: with what is wrong, by field.
    """
    found = _opened(model)
    _refuse_rule(found, told, but=None)
    if found.rules.count() >= MOST_RULES:
        raise Refused({WHOLE: _("A score has at most %(most)d rules. Remove one first.") % {"most": MOST_RULES}})
    last = found.rules.aggregate(last=Max("position"))["last"]
    return ScoreRule.objects.create(
        model=found, code=_free_code(found, told.label), position=0 if last is None else last + 1, **_columns(told)
    )


@transaction.atomic
def change_rule(model: ScoreModel, code: str, told: RuleFacts) -> ScoreRule:
    """Change a rule; it keeps its code, by which versions are compared.

    Raises:
        Refused: with what is wrong, by field.
    """
    found = _opened(model)
    rule = _rule(found, code)
    _refuse_rule(found, told, but=rule)
    for name, value in _columns(told).items():
        setattr(rule, name, value)
    rule.save()
    return rule


@transaction.atomic
def remove_rule(model: ScoreModel, code: str) -> None:
    """Remove a rule from a draft.

    Raises:
        Refused: for what is no draft, or a rule that is gone.
    """
    _rule(_opened(model), code).delete()


@transaction.atomic
def move_rule(model: ScoreModel, code: str, *, up: bool) -> bool:
    """Put a rule one place up or down in its group; False when it stands at the end already.

    Raises:
        Refused: for what is no draft, or a rule that is gone.
    """
    found = _opened(model)
    rule = _rule(found, code)
    rules = list(found.rules.all())
    mine = [each for each in rules if each.group == rule.group]
    place = mine.index(rule)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(mine):
        return False
    here, there = rules.index(rule), rules.index(mine[other])
    rules[here], rules[there] = rules[there], rules[here]
    for position, each in enumerate(rules):
        each.position = position
    ScoreRule.objects.bulk_update(rules, ["position"])
    return True


# --- what is wrong ---------------------------------------------------------------------------------------------------


def _wrong_in_settings(told: Settings) -> dict[str, str]:
    errors = {}
    if not 0 < len(told.name.strip()) <= 120:
        errors["name"] = _("Give it a name of up to 120 characters.")
    if len(told.why) > 500:
        errors["why"] = _("At most 500 characters fit here.")
    for name in ("fit_cap", "intent_cap", "engagement_cap"):
        cap = getattr(told, name)
        if not 0 < cap <= MOST_OF_CAP or not _to_a_tenth(cap):
            errors[name] = _("Give points above 0 and up to 1,000, with at most one decimal.")
    for name in ("fit_grades", "engagement_grades"):
        grades = list(getattr(told, name))
        if len(grades) != 3 or sorted(set(grades), reverse=True) != grades or not all(map(_is_grade, grades)):
            errors[name] = _("Give three numbers, the highest first, as 55, 40, 20.")
    return errors


def _is_grade(points: Decimal) -> bool:
    return 0 < points <= MOST_OF_CAP and _to_a_tenth(points)


def _refuse_rule(model: ScoreModel, told: RuleFacts, *, but: ScoreRule | None) -> None:
    errors = _wrong_in_rule(told)
    label = told.label.strip()
    others = model.rules.exclude(pk=but.pk) if but else model.rules.all()
    if "label" not in errors and others.filter(label__iexact=label).exists():
        errors["label"] = _("Another rule is called so. Give it a name of its own.")
    if errors:
        raise Refused(errors)


def _wrong_in_rule(told: RuleFacts) -> dict[str, str]:
    errors = {}
    if not 0 < len(told.label.strip()) <= 120:
        errors["label"] = _("Give it a name of up to 120 characters.")
    if told.group not in Group.values:
        errors["group"] = _("There is no such group. Choose one of the list.")
    errors |= _wrong_points(told)
    if told.cap is not None and (not 0 < abs(told.cap) <= MOST_OF_CAP or not _to_a_tenth(told.cap)):
        errors["cap"] = _("Give points above 0 and up to 1,000, with at most one decimal, or nothing.")
    return errors | (_wrong_on_interactions(told) if told.kinds else _wrong_on_facts(told))


def _wrong_points(told: RuleFacts) -> dict[str, str]:
    if told.points == 0:
        return {"points": _("0 points change nothing. Give some, or remove the rule.")}
    if abs(told.points) > MOST_POINTS or not _to_a_tenth(told.points):
        return {"points": _("Give −200 to 200 points, with at most one decimal.")}
    if told.group == Group.NEGATIVE and told.points > 0:
        return {"points": _("What counts against somebody has points below 0. Write a minus, or choose another group.")}
    return {}


def _wrong_on_facts(told: RuleFacts) -> dict[str, str]:
    errors = {}
    try:
        conditions.validate(told.condition, of_judgement=True)
    except conditions.ConditionError as wrong:
        errors["condition"] = str(wrong)
    else:
        if _is_empty(told.condition):
            errors["condition"] = _("The condition is empty: say what must hold, in at least one row.")
    if told.half_life_days is not None:
        errors["half_life_days"] = _("Only points for interactions fade. Leave this empty for a rule on facts.")
    if told.limit is not None or told.limit_per:
        errors["limit"] = _("Only interactions are counted. Leave this empty for a rule on facts.")
    return errors


def _is_empty(condition: conditions.Condition) -> bool:
    """Tell whether a condition asks nothing in one of its parts, and so holds for everybody or for nobody."""
    if condition is None:
        return True
    for word in ("all", "any"):
        if word in condition:
            return not condition[word] or any(_is_empty(part) for part in condition[word])
    return _is_empty(condition["not"]) if "not" in condition else False


def _wrong_on_interactions(told: RuleFacts) -> dict[str, str]:
    errors = {}
    unknown = [kind for kind in told.kinds if kind not in InteractionKind.values]
    if unknown:
        words = _("There is no kind of interaction “%(kind)s”. Choose from the list.")
        errors["kinds"] = words % {"kind": str(unknown[0])[:60]}
    if told.condition is not None:
        errors["condition"] = _("A rule is on facts or on interactions. Make two rules of it.")
    if told.half_life_days is not None and not 1 <= told.half_life_days <= LONGEST_HALF_LIFE:
        errors["half_life_days"] = _("Give a whole number of days from 1 to 3,650, or nothing: then they do not fade.")
    if (told.limit is None) != (not told.limit_per):
        errors["limit"] = _("A limit has a number and a time: at most 1 a day. Give both, or neither.")
    elif told.limit is not None and not 1 <= told.limit <= MOST_TIMES:
        errors["limit"] = _("Give a whole number from 1 to 1,000.")
    elif told.limit_per and told.limit_per not in Per.values:
        errors["limit"] = _("There is no such time. Choose day, week, month or ever.")
    return errors


def _to_a_tenth(points: Decimal) -> bool:
    return points == points.quantize(_TENTH)


# --- rows ------------------------------------------------------------------------------------------------------------


def _lock_the_versions() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _opened(model: ScoreModel) -> ScoreModel:
    """Lock a draft and return it as it is now."""
    found = ScoreModel.objects.select_for_update().filter(pk=model.pk).first()
    if found is None:
        raise Refused({WHOLE: _("This draft was discarded meanwhile. Start a new one.")})
    if found.status != Status.DRAFT:
        words = _("Version %(number)d was published and stays as it is. Start a new draft from it.")
        raise Refused({WHOLE: words % {"number": found.version}})
    return found


def _rule(model: ScoreModel, code: str) -> ScoreRule:
    rule = model.rules.filter(code=code).first()
    if rule is None:
        raise Refused({WHOLE: _("This rule was removed meanwhile.")})
    return rule


def _facts_of(rule: ScoreRule) -> RuleFacts:
    return RuleFacts(**{each: getattr(rule, each) for each in RuleFacts.__dataclass_fields__})


def _columns(told: RuleFacts) -> dict[str, Any]:
    return {
        "label": told.label.strip(),
        "group": told.group,
        "points": told.points,
        "condition": told.condition,
        "kinds": list(dict.fromkeys(told.kinds)),
        "cap": told.cap,
        "limit": told.limit,
        "limit_per": told.limit_per,
        "half_life_days": told.half_life_days,
    }


def _free_code(model: ScoreModel, label: str) -> str:
    taken = set(model.rules.values_list("code", flat=True))
    stem = slugify(label)[:50] or "rule"
    return next(code for n in range(1, MOST_RULES + 2) if (code := stem if n == 1 else f"{stem}-{n}") not in taken)
