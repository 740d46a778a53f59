"""Judge leads against the definition in force, and tell how each criterion stands and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import reduce
from operator import and_
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Case, CharField, Exists, OuterRef, Q, Value, When
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leads import definitions, scoring, stages
from leads.criteria import CriterionState, criteria, met, missing, requests
from leads.definitions import definition_for, put_in_force
from leads.models import (
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
    "AnswerRefused",
    "CriterionState",
    "Judged",
    "answer",
    "criteria",
    "definition_for",
    "judge",
    "judgeable",
    "missing",
    "put_in_force",
    "refusal",
    "refusals",
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

    Qualified is a latch: it holds for the definition's days; then a lead that still qualifies stays, another goes back
    to nurturing. An inquiry becomes nurturing once it has points or an interaction that counts. Left alone is what is
    blocked, suppressed, excluded, merged, recycled until a date ahead (unless it asks to be contacted), with sales or
    at an end; and a lead of an imported past, until something happens with it that is no part of an import.

    Args:
        leads: rows or ids; their scores should be those of `now`.
        now: the moment.

    Returns:
        What changed. Judging again at the same moment changes nothing.
    """
    rows = leads if isinstance(leads, LeadQuerySet) else Lead.objects.filter(pk__in=list(leads))
    judged = Judged(returned=_end_recycling(rows, now=now))
    in_force = definitions.in_force(now=now)
    may_be_judged = judgeable(rows, now=now).annotate(definition=definitions.applying(in_force, now=now))
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
        judgeable(rows, now=now).filter(has_points, stage=Stage.INQUIRY), to=Stage.NURTURING, now=now
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


def _end_recycling(rows: LeadQuerySet, *, now: datetime) -> list[int]:
    over = Q(recycled_until__lte=now) | Q(Exists(requests(now=now)))
    recycled = rows.living().filter(over, recycled_until__isnull=False, stage__in=_OPEN, blocked_at=None)
    ids = sorted(recycled.order_by().values_list("pk", flat=True))
    Lead.objects.filter(pk__in=ids).update(recycled_until=None)
    return ids


def judgeable(rows: LeadQuerySet, *, now: datetime) -> LeadQuerySet:
    """Return those of some leads that are judged at all; see `judge` for who is left alone."""
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
    enough = Q(intent__gte=definition.intent_at_least) | Q(counted_interactions__gte=definition.interactions_at_least)
    nurtured = Q(score__gte=definition.threshold) & enough & required_by_nurtured(definition, now=now)
    return _Doors(asked_door(definition, now=now), nurtured)


def asked_door(definition: Definition, *, now: datetime) -> Q:
    """Return the filter of leads that went through the door of those who asked to be contacted."""
    since = now - timedelta(days=definition.asked_within_days)
    required = [met(each, now=now) for each in definition.criteria.all() if each.required_by_asked]
    return reduce(and_, required, Q(Exists(requests(now=now).filter(occurred_at__gte=since))))


def required_by_nurtured(definition: Definition, *, now: datetime) -> Q:
    """Return the filter of leads that meet the criteria of the door of the nurtured, whatever their score."""
    return reduce(and_, [met(each, now=now) for each in definition.criteria.all() if each.required_by_nurtured], Q())


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


# --- what a person says ----------------------------------------------------------------------------------------------


class AnswerRefused(ValueError):  # noqa: N818  # it names what happened, not an error of the program
    """An answer to a criterion that cannot be kept; `field` says which of its parts is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def answer(lead: Lead, *, code: str, verdict: Verdict | str, evidence: str, by: User | None, now: datetime) -> Judged:
    """Keep what a person says of a criterion; it counts before the condition from now on, and the lead is judged.

    Args:
        lead: whom it is about.
        code: of a criterion of the definition that applies.
        verdict: met, not met or unknown.
        evidence: what it rests on; needed unless the verdict is unknown.
        by: who says so; None for the lead itself.
        now: when.

    Returns:
        What judging changed.

    Raises:
        AnswerRefused: there is no such criterion, or a part is missing.
    """
    definition = definition_for(lead, now=now)
    if definition is None or not definition.criteria.filter(code=code).exists():
        raise AnswerRefused("code", _("The definition that applies to this lead has no such criterion."))
    if verdict not in Verdict.values:
        raise AnswerRefused("verdict", _("Say met, not met or unknown."))
    evidence = evidence.replace("\x00", "").strip()
    if not evidence and verdict != Verdict.UNKNOWN:
        raise AnswerRefused("evidence", _("Say what this rests on: a quote, a name, a document."))
    if len(evidence) > 2000:
        raise AnswerRefused("evidence", _("At most 2,000 characters fit here."))
    CriterionAnswer.objects.update_or_create(
        lead=lead, code=code, defaults={"verdict": verdict, "evidence": evidence, "by": by, "answered_at": now}
    )
    scoring.score([lead.pk], now=now)
    return judge([lead.pk], now=now)


# --- why not ---------------------------------------------------------------------------------------------------------


def refusal(lead: Lead, *, now: datetime) -> str:
    """Say why a lead may not be handed over; "" if it may."""
    return refusals([lead], now=now)[lead.pk]


def refusals(leads: Sequence[Lead], *, now: datetime) -> dict[int, str]:
    """Say of each lead of a page why it may not be handed over; "" if it may. The number of queries does not grow."""
    plain = {lead.pk: _plain_refusal(lead, now=now) for lead in leads}
    open_ones = [lead for lead in leads if plain[lead.pk] is None]
    if not open_ones:
        return {pk: why or "" for pk, why in plain.items()}
    lacking = missing(open_ones, now=now)
    in_force = definitions.in_force(now=now)
    which = dict(
        Lead.objects.filter(pk__in=[lead.pk for lead in open_ones])
        .annotate(definition=definitions.applying(in_force, now=now))
        .values_list("pk", "definition")
    )
    by_id = {each.pk: each for each in in_force}
    for lead in open_ones:
        plain[lead.pk] = _shortfall(lead, by_id.get(which.get(lead.pk) or 0), lacking[lead.pk])
    return {pk: why or "" for pk, why in plain.items()}


def _plain_refusal(lead: Lead, *, now: datetime) -> str | None:  # noqa: PLR0911  # one answer per reason
    """Return what the lead alone tells: a reason, "" if it is qualified, None if the definition must be asked."""
    stage = Stage(lead.stage)
    if lead.merged_into_id is not None:
        return _("This lead was merged into another. Hand that one over.")
    if lead.blocked_at is not None:
        return _("This lead is blocked: it is never handed over again.")
    if lead.suppressed_at is not None:
        return _("This lead must not be contacted.")
    if lead.excluded_because:
        return _("This lead is excluded: %(why)s.") % {"why": _excluded(lead.excluded_because)}
    if stage == Stage.QUALIFIED:
        if lead.qualified_until is not None and lead.qualified_until <= now:
            return _("It was qualified until %(day)s and must be judged again.") % {"day": _day(lead.qualified_until)}
        return ""
    if stage not in _OPEN:
        return _("It is past handing over: %(stage)s.") % {"stage": str(stage.label).lower()}
    if lead.recycled_until is not None and lead.recycled_until > now:
        return _("Recycled until %(day)s: %(why)s.") % {
            "day": _day(lead.recycled_until),
            "why": lead.recycled_because or _("no reason given"),
        }
    return None


def _excluded(code: str) -> str:
    return {"competitor": _("competitor"), "own_domain": _("our own domain"), "test": _("a test")}.get(code, code)


def _day(moment: datetime) -> str:
    return date_format(moment.astimezone(ZoneInfo(settings.TIME_ZONE)), "j M Y")


def _shortfall(lead: Lead, definition: Definition | None, lacking: Sequence[CriterionState]) -> str:
    if definition is None:
        return _("No definition of qualified covers this lead.")
    reasons = []
    failed = [state.label.lower() for state in lacking if state.verdict == Verdict.NOT_MET]
    unknown = [state.label.lower() for state in lacking if state.verdict != Verdict.NOT_MET]
    if failed:
        reasons.append(_("Not met: %(names)s.") % {"names": ", ".join(failed)})
    if unknown:
        count = ngettext("%(n)d required fact is missing", "%(n)d required facts are missing", len(unknown))
        reasons.append(_("%(count)s: %(names)s.") % {"count": count % {"n": len(unknown)}, "names": ", ".join(unknown)})
    score = lead.score or Decimal(0)
    if score < definition.threshold:
        words = _("The score is %(score)s, under %(line)s.")
        reasons.append(words % {"score": _floored(score), "line": _floored(definition.threshold)})
    elif (lead.intent or 0) < definition.intent_at_least and (
        lead.counted_interactions < definition.interactions_at_least
    ):
        words = _("Too little was done: intent of %(intent)s or %(n)d interactions that count are needed.")
        reasons.append(words % {"intent": _floored(definition.intent_at_least), "n": definition.interactions_at_least})
    if not reasons:
        return _("It belongs to an imported past; it qualifies once something new happens.")
    return " ".join(reasons)


def _floored(points: Decimal) -> str:
    return str(points.to_integral_value(ROUND_FLOOR))
