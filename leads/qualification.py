"""Judge leads against the definition in force, and tell how each criterion stands and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Case, CharField, Exists, F, IntegerField, OuterRef, Q, Value, When
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads import conditions, definitions, scoring, stages
from leads.definitions import definition_for, put_in_force
from leads.models import (
    ASKED_KINDS,
    Criterion,
    CriterionAnswer,
    Definition,
    Door,
    Interaction,
    Lead,
    Origin,
    Stage,
    Temperature,
    Verdict,
)
from leads.querysets import LeadQuerySet
from leadsla.accounts.models import User

__all__ = [
    "CriterionState",
    "Judged",
    "answer",
    "criteria",
    "definition_for",
    "judge",
    "missing",
    "put_in_force",
    "refusal",
    "return_recycled",
]

_OPEN = (Stage.INQUIRY, Stage.NURTURING)
_IMPORTED = "import"  # how the interactions of an import begin to name their way in


@dataclass
class Judged:
    """What judging changed, as ids of leads.

    Attributes:
        qualified: went through a door.
        hotter: were qualified already and now ask to be contacted.
        nurturing: left `inquiry`.
        expired: were qualified for their time, were not handed over and do not qualify any more.
        returned: their recycling ended, by its date or by a new request to be contacted.
    """

    qualified: list[int] = field(default_factory=list)
    hotter: list[int] = field(default_factory=list)
    nurturing: list[int] = field(default_factory=list)
    expired: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)


@transaction.atomic
def judge(leads: LeadQuerySet | Sequence[int], *, now: datetime) -> Judged:
    """Judge leads by the definition that applies to each, moving them among inquiry, nurturing and qualified only.

    Qualified is a latch: it holds for the definition's days; then a lead that still qualifies stays, another goes back to
    nurturing. An inquiry becomes nurturing once it has points or an interaction that counts. Left alone is what is blocked,
    suppressed, excluded, merged, recycled until a date ahead (unless it asks to be contacted), with sales or at an end;
    and a lead of an imported past, until something happens with it that is no part of an import.

    Args:
        leads: rows or ids; their scores should be those of `now`.
        now: the moment.

    Returns:
        What changed. Judging again at the same moment changes nothing.
    """
    rows = leads if isinstance(leads, LeadQuerySet) else Lead.objects.filter(pk__in=list(leads))
    judged = Judged(returned=_end_recycling(rows, now=now))
    in_force = definitions.in_force(now=now)
    may_be_judged = _judgeable(rows, now=now).annotate(definition=definitions.applying(in_force, now=now))
    for definition in in_force:
        _judge_by(definition, may_be_judged.filter(definition=definition.pk), judged, now=now)
    judged.expired = _moved(
        rows.living().filter(stage=Stage.QUALIFIED, qualified_until__lte=now, blocked_at=None),
        to=Stage.NURTURING,
        now=now,
        door="",
        temperature="",
    )
    has_points = Q(score__gt=0) | Q(counted_interactions__gt=0)
    judged.nurturing = _moved(
        _judgeable(rows, now=now).filter(has_points, stage=Stage.INQUIRY), to=Stage.NURTURING, now=now
    )
    return judged


def return_recycled(*, now: datetime) -> Judged:
    """Let leads return from recycling whose date has come; their points have faded since, so they are scored first."""
    due = list(Lead.objects.living().filter(recycled_until__lte=now).values_list("pk", flat=True))
    if not due:
        return Judged()
    scoring.score(due, now=now)
    return judge(due, now=now)


def _moved(rows: LeadQuerySet, *, to: Stage, now: datetime, **columns: Any) -> list[int]:
    ids = sorted(rows.order_by().values_list("pk", flat=True))
    if ids:
        stages.move(rows.filter(pk__in=ids), to=to, now=now, **columns)
    return ids


def _request(*, now: datetime) -> Any:
    """Return requests to be contacted that count for a lead, for use in Exists.

    A request counts once: not if it came before the lead was recycled, and not if it was known when the lead qualified
    before and then went back (its handoff was withdrawn, or it was not handed over in time).
    """
    is_new = Q(lead__engagement_since=None) | Q(occurred_at__gt=F("lead__engagement_since"))
    is_unused = (
        Q(lead__qualified_at=None) | Q(lead__stage=Stage.QUALIFIED) | Q(recorded_at__gt=F("lead__qualified_at"))
    )
    return Interaction.objects.filter(
        is_new, is_unused, lead=OuterRef("pk"), kind__in=ASKED_KINDS, occurred_at__lte=now
    ).order_by()


def _end_recycling(rows: LeadQuerySet, *, now: datetime) -> list[int]:
    over = Q(recycled_until__lte=now) | Q(Exists(_request(now=now)))
    recycled = rows.living().filter(over, recycled_until__isnull=False, stage__in=_OPEN, blocked_at=None)
    ids = sorted(recycled.order_by().values_list("pk", flat=True))
    Lead.objects.filter(pk__in=ids).update(recycled_until=None)
    return ids


def _judgeable(rows: LeadQuerySet, *, now: datetime) -> LeadQuerySet:
    happened = Interaction.objects.filter(lead=OuterRef("pk")).order_by()
    alive = Q(origin=Origin.LIVE) | Q(Exists(happened.exclude(via__startswith=_IMPORTED)))
    return (
        rows.living()
        .order_by()
        .filter(
            alive,
            recycled_until=None,
            stage__in=[*_OPEN, Stage.QUALIFIED],
            blocked_at=None,
            suppressed_at=None,
            excluded_because="",
        )
    )


@dataclass(frozen=True)
class _Doors:
    asked: Q
    nurtured: Q


def _doors(definition: Definition, *, now: datetime) -> _Doors:
    required = list(definition.criteria.all())
    asked = Q(Exists(_request(now=now).filter(occurred_at__gte=now - timedelta(days=definition.asked_within_days))))
    enough = Q(intent__gte=definition.intent_at_least) | Q(counted_interactions__gte=definition.interactions_at_least)
    nurtured = Q(score__gte=definition.threshold) & enough
    for criterion in required:
        met = _met(criterion, now=now) if criterion.required_by_asked or criterion.required_by_nurtured else Q()
        asked = asked & met if criterion.required_by_asked else asked
        nurtured = nurtured & met if criterion.required_by_nurtured else nurtured
    return _Doors(asked, nurtured)


def _met(criterion: Criterion, *, now: datetime) -> Q:
    """A person's answer counts before the condition, whatever it says."""
    answers = CriterionAnswer.objects.filter(lead=OuterRef("pk"), code=criterion.code)
    met = Q(Exists(answers.filter(verdict=Verdict.MET)))
    if criterion.condition is None:
        return met
    return met | (Q(~Exists(answers)) & conditions.compile(criterion.condition, now=now).holds)


def _judge_by(definition: Definition, rows: LeadQuerySet, judged: Judged, *, now: datetime) -> None:
    doors = _doors(definition, now=now)
    through: dict[str, Any] = {
        "qualified_until": now + timedelta(days=definition.valid_days),
        "qualified_by": definition,
    }
    asked = {"door": Door.ASKED, "temperature": Temperature.HOT, "qualified_at": now, **through}
    for_sales = {"handover_not_before": None, "handover_failures": 0, "handover_error": ""}
    qualified = rows.filter(stage=Stage.QUALIFIED)
    judged.hotter += _updated(qualified.filter(doors.asked, door=Door.NURTURED), {**asked, **for_sales})
    # A latch that has run out is renewed where the lead would qualify now; since when it is qualified stays.
    _updated(qualified.filter(doors.asked | doors.nurtured, qualified_until__lte=now), through)
    waiting = rows.filter(stage__in=_OPEN)
    judged.qualified += _moved(waiting.filter(doors.asked), to=Stage.QUALIFIED, now=now, **asked, **for_sales)
    judged.qualified += _moved(
        waiting.filter(doors.nurtured),
        to=Stage.QUALIFIED,
        now=now,
        door=Door.NURTURED,
        temperature=_WARM_OR_COOL,
        qualified_at=now,
        **through,
        **for_sales,
    )


_WARM_OR_COOL = Case(
    When(Q(grade__endswith="1") | Q(grade__endswith="2"), then=Value(Temperature.WARM)),
    default=Value(Temperature.COOL),
    output_field=CharField(),
)


def _updated(rows: LeadQuerySet, columns: dict[str, Any]) -> list[int]:
    ids = sorted(rows.values_list("pk", flat=True))
    if ids:
        Lead.objects.filter(pk__in=ids, stage=Stage.QUALIFIED).update(**columns)
    return ids
