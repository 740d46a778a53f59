"""Which open leads only one thing keeps from being qualified, and who has been idle too long. One statement for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import add
from typing import Any

from django.db.models import Case, CharField, Count, Exists, F, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from leads import definitions, qualification
from leads.conditions import Compare
from leads.criteria import met, requests
from leads.models import Criterion, Definition, Interaction, Stage
from leads.querysets import LeadQuerySet

SCORE, INTEREST, IDLE = "score", "interest", "idle"
CRITERION = "c-"  # before the code of a criterion
_OPEN = (Stage.INQUIRY, Stage.NURTURING)


@dataclass(frozen=True)
class Group:
    """Leads that one thing keeps from being qualified.

    Attributes:
        code: `c-` and the criterion's code, `score` or `interest`.
        label: what it is.
        leads: how many.
    """

    code: str
    label: str
    leads: int


@dataclass(frozen=True)
class _Blocker:
    """One thing that a door asks for, and the filter of leads that lack it."""

    code: str
    has: Q


def open_leads(leads: LeadQuerySet, *, now: datetime) -> LeadQuerySet:
    """Return those of some leads that are judged and not qualified yet; resting, blocked and the like are not."""
    return qualification.judgeable(leads, now=now).filter(stage__in=_OPEN)


def one_thing_away(leads: LeadQuerySet, *, now: datetime) -> LeadQuerySet:
    """Return open leads that lack one thing only, annotated with it as `lacks_only`.

    A lead that asks to be contacted is judged by that door first, then by the other. What a person said of a criterion
    counts before its condition, as for the judge.

    Args:
        leads: to choose from.
        now: the moment for which definitions and conditions are taken.
    """
    in_force = definitions.in_force(now=now)
    rows = open_leads(leads, now=now)
    if not in_force:
        return rows.annotate(lacks_only=Value("", output_field=CharField())).none()
    rows = rows.annotate(definition=definitions.applying(in_force, now=now))
    lacks = Case(
        *(When(definition=each.pk, then=_lacks_only(each, now=now)) for each in in_force),
        default=None,
        output_field=CharField(),
    )
    return rows.annotate(lacks_only=lacks).filter(Q(lacks_only__isnull=False))


def _lacks_only(definition: Definition, *, now: datetime) -> Case:
    criteria = list(definition.criteria.all())
    since = now - timedelta(days=definition.asked_within_days)
    asks = Q(Exists(requests(now=now).filter(occurred_at__gte=since)))
    asked = _criteria([each for each in criteria if each.required_by_asked], now=now)
    enough = Q(intent__gte=definition.intent_at_least) | Q(counted_interactions__gte=definition.interactions_at_least)
    nurtured = [
        *_criteria([each for each in criteria if each.required_by_nurtured], now=now),
        _Blocker(SCORE, Q(score__gte=definition.threshold)),
        _Blocker(INTEREST, enough),
    ]
    whens = [When(_is_one(nurtured), then=_first(nurtured))]
    if asked:
        whens.insert(0, When(asks & _is_one(asked), then=_first(asked)))
    return Case(*whens, default=None, output_field=CharField())


def _criteria(criteria: Sequence[Criterion], *, now: datetime) -> list[_Blocker]:
    return [_Blocker(CRITERION + each.code, met(each, now=now)) for each in criteria]


def _is_one(blockers: Sequence[_Blocker]) -> Q:
    number: Any = reduce(add, [_lacked(each) for each in blockers])
    return Q(Compare(number, "=", Value(1)))


def _lacked(blocker: _Blocker) -> Case:
    return Case(When(blocker.has, then=Value(0)), default=Value(1), output_field=IntegerField())


def _first(blockers: Sequence[_Blocker]) -> Case | Value:
    """Return the first of some that is lacked: walk them backwards, so that each is one `WHEN has THEN the next`."""
    found: Case | Value = Value("", output_field=CharField())
    for blocker in reversed(blockers):
        found = Case(When(blocker.has, then=found), default=Value(blocker.code), output_field=CharField())
    return found


def groups(leads: LeadQuerySet, *, labels: Mapping[str, str], now: datetime) -> list[Group]:
    """Return how many of some leads only one thing keeps from being qualified, by thing; empty groups are left out.

    Args:
        leads: to choose from.
        labels: of `labels`.
        now: the moment for which definitions and conditions are taken.

    Returns:
        Criteria in the order of their definitions, then the score, then too little interest.
    """
    rows = one_thing_away(leads, now=now).order_by().values(thing=F("lacks_only")).annotate(leads=Count("pk"))
    counted = {row["thing"]: row["leads"] for row in rows}
    return [Group(code, label, counted[code]) for code, label in labels.items() if code in counted]


def labels(*, now: datetime) -> dict[str, str]:
    """Return what a lead can lack by the definitions in force, with what people call it."""
    found: dict[str, str] = {}
    rows = Criterion.objects.filter(definition__in=definitions.in_force(now=now))
    for criterion in rows.order_by("definition__position", "position", "pk"):
        if criterion.required_by_asked or criterion.required_by_nurtured:
            found.setdefault(CRITERION + criterion.code, criterion.label)
    return found | {SCORE: _("Score"), INTEREST: _("More interest")}


def idle(leads: LeadQuerySet, *, days: int, now: datetime) -> LeadQuerySet:
    """Return open leads with which nothing has happened for some days, on neither side, the longest first.

    Args:
        leads: to choose from.
        days: for how many.
        now: counted back from.

    Returns:
        Those, annotated with `idle_since`: their last interaction, or since when they are known.
    """
    done = Interaction.objects.filter(lead=OuterRef("pk"), occurred_at__lte=now).order_by("-occurred_at")
    last = Coalesce(Subquery(done.values("occurred_at")[:1]), F("captured_at"), F("created_at"))
    rows = open_leads(leads, now=now).annotate(idle_since=last)
    return rows.filter(idle_since__lte=now - timedelta(days=days)).order_by("idle_since", "pk")
