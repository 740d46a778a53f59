"""Start, stop, cancel, reopen and sweep SLA clocks. Knows handoffs, not decisions."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, Subquery

from leads import conditions
from leads.models import Lead, Origin, Stage, Temperature
from leadsla.accounts.models import Side, Team, User
from sla import notices
from sla.calendars import budget, current, working_time
from sla.countdown import Countdown, countdown
from sla.models import Agreement, Assignment, Clock, ClockStep, Commitment, Handoff, TimeLimit

__all__ = [
    "Countdown",
    "Swept",
    "cancel",
    "confirm",
    "countdown",
    "hand_to",
    "limit_for",
    "reopen",
    "start",
    "start_hand_over",
    "stop",
    "stop_hand_over",
    "sweep",
    "worst",
]

log = logging.getLogger(__name__)

Measure = Commitment.Measure
Outcome = Clock.Outcome
AGAIN_AFTER = timedelta(minutes=5)  # a step that failed is tried again


# --- start and stop


def limit_for(agreement: Agreement, *, measure: str, temperature: str) -> TimeLimit | None:
    """Return the time that an agreement gives for something at a temperature; None where it gives none."""
    limits = TimeLimit.objects.filter(
        target__agreement=agreement, target__commitment__measure=measure, temperature=temperature
    )
    return limits.select_related("calendar", "target__commitment").first()


def start(
    *,
    measure: str,
    lead: Lead,
    agreement: Agreement,
    temperature: str,
    at: datetime,
    now: datetime,
    handoff: Handoff | None = None,
    round_number: int = 1,
    owner: User | None = None,
    team: Team | None = None,
    left: timedelta | None = None,
) -> Clock | None:
    """Start a clock; out of hours it begins to run at the next opening.

    Args:
        measure: of which commitment.
        lead: whom it is about.
        agreement: the one that the clock stays under.
        temperature: chooses among the limits.
        at: when it starts.
        now: when that is recorded.
        handoff: of which handoff; None for a clock before any.
        round_number: of which round.
        owner: who owes.
        team: the team that owes.
        left: working time that an earlier clock of the same promise left over; None for all that is agreed.

    Returns:
        The clock, or None where the agreement gives no time for this.
    """
    limit = limit_for(agreement, measure=measure, temperature=temperature)
    if limit is None:
        return None
    version = current(limit.calendar, now=at)
    hours = working_time(version)
    length = budget(limit, hours) if left is None else left
    warn_at = hours.add(at, length * float(limit.warn_share))
    return Clock.objects.create(
        lead=lead,
        handoff=handoff,
        round=round_number,
        commitment=limit.target.commitment,
        measure=measure,
        side=limit.target.commitment.side,
        temperature=temperature,
        agreement=agreement,
        limit=limit,
        calendar_version=version,
        started_at=at,
        budget_seconds=length.total_seconds(),
        due_at=hours.add(at, length),
        warn_at=warn_at,
        next_step_at=warn_at,
        owner=owner,
        team=team,
        recorded_at=now,
    )


def stop(handoff: Handoff, *, measure: str, at: datetime, now: datetime) -> int:
    """Stop a handoff's running clock of a measure at the moment when what was owed was done.

    Stopping exactly at the due time is in time. A clock that was already found past due and now turns out to have been
    kept ends in time, "entered late", and keeps its breach.

    Args:
        handoff: whose clock.
        measure: what was done.
        at: when it was done.
        now: when that is recorded.

    Returns:
        How many clocks were stopped.
    """
    running = _locked(Clock.objects.filter(handoff=handoff, measure=measure))
    return sum(_end(clock, at=at, now=now) for clock in running)


def confirm(handoff: Handoff, *, measure: str, at: datetime) -> bool:
    """Let a clock that ended late end in time, because what was owed turns out to have been done in time.

    It keeps its breach, and says "entered late". Returns False when no clock ended late that `at` would have kept.
    """
    late = Clock.objects.select_related("calendar_version").filter(
        handoff=handoff, measure=measure, outcome=Outcome.LATE, due_at__gte=at
    )
    confirmed = 0
    for clock in late:
        columns = _used(clock, until=max(at, clock.started_at)) | {"outcome": Outcome.MET, "entered_late": True}
        confirmed += Clock.objects.filter(pk=clock.pk, outcome=Outcome.LATE).update(**columns)
    return confirmed > 0


def cancel(handoff: Handoff, *, now: datetime, side: str = Side.SALES) -> int:
    """End a handoff's running clocks of a side without the act they wait for.

    What is past due by now ends as missed, stamped with its due time whether or not a sweep noticed; the rest is
    cancelled. Returns how many clocks ended.
    """
    ended = 0
    for clock in _locked(Clock.objects.filter(handoff=handoff, side=side)):
        is_late = clock.breached_at is not None or clock.due_at < now
        columns = _used(clock, until=now) | {"outcome": Outcome.MISSED if is_late else Outcome.CANCELLED}
        if is_late and clock.breached_at is None:
            columns |= _breach(clock)
        ended += Clock.objects.filter(pk=clock.pk, stopped_at=None).update(**columns)
    return ended


def reopen(handoff: Handoff, *, round_number: int, stopped_at: datetime, measures: Collection[str]) -> int:
    """Let clocks of a round run on that an act stopped which is now taken back; the time used stays used.

    Args:
        handoff: whose clocks.
        round_number: of which round.
        stopped_at: the moment at which the act stopped or cancelled them.
        measures: which ones.

    Returns:
        How many run again.
    """
    stopped = Clock.objects.filter(
        handoff=handoff, round=round_number, stopped_at=stopped_at, measure__in=measures
    ).exclude(outcome=Outcome.WAIVED)
    taken = Q(pk__in=ClockStep.objects.filter(kind=ClockStep.Kind.BREACHED).values("clock"))
    running: dict[str, Any] = {
        "outcome": Outcome.RUNNING,
        "stopped_at": None,
        "used_seconds": None,
        "waited_seconds": None,
        "entered_late": False,
    }
    # Whoever was told of the breach is not told again; the others still have their steps ahead.
    told = stopped.filter(taken).update(next_step_at=None, **running)
    warned = stopped.filter(warned_at__isnull=False).update(next_step_at=F("due_at"), **running)
    fresh = stopped.update(next_step_at=F("warn_at"), **running)
    return told + warned + fresh


def hand_to(handoff: Handoff, *, owner: User | None, team: Team | None) -> int:
    """Make somebody else responsible for the running clocks of sales; their times go on."""
    running = Clock.objects.filter(handoff=handoff, side=Side.SALES, stopped_at=None, outcome=Outcome.RUNNING)
    return running.update(owner=owner, team=team)


def _locked(clocks: Any) -> list[Clock]:
    running = clocks.filter(stopped_at=None, outcome=Outcome.RUNNING)
    return list(running.select_related("calendar_version", "handoff").select_for_update(of=("self",)).order_by("pk"))


def _end(clock: Clock, *, at: datetime, now: datetime) -> int:
    done_at = max(at, clock.started_at)
    columns = _used(clock, until=done_at)
    if done_at > clock.due_at:
        columns["outcome"] = Outcome.LATE
        if clock.breached_at is None:
            columns |= _breach(clock)
    else:
        columns |= {"outcome": Outcome.MET, "entered_late": clock.breached_at is not None}
    return Clock.objects.filter(pk=clock.pk, stopped_at=None).update(**columns)


def _used(clock: Clock, *, until: datetime) -> dict[str, Any]:
    """Return the columns of a clock that ends: when, and the working and elapsed seconds it took."""
    used = working_time(clock.calendar_version).between(clock.started_at, until).total_seconds()
    return {
        "stopped_at": until,
        "next_step_at": None,
        "used_seconds": max(0.0, used - clock.paused_seconds),
        "waited_seconds": max(0.0, (until - clock.started_at).total_seconds()),
    }


def _breach(clock: Clock) -> dict[str, Any]:
    return {"breached_at": clock.due_at, "responsible_id": _responsible(clock)}


def _responsible(clock: Clock) -> int | None:
    """Return who owed at the due time: by the ledger of turns for sales, else the clock's owner."""
    if clock.handoff_id is None or clock.side != Side.SALES:
        return clock.owner_id
    had = Assignment.objects.filter(handoff=clock.handoff_id, assigned_at__lte=clock.due_at).order_by(
        "-assigned_at", "-pk"
    )
    return had.values_list("user_id", flat=True).first()


# --- before the handover: marketing's clock on a qualified lead


def start_hand_over(*, now: datetime, limit: int = 5_000) -> int:
    """Start marketing's clock for leads that are qualified and wait, and end those of leads that no longer do.

    Set-based: one pass per agreement and temperature. Returns how many were started.
    """
    _end_stale_hand_over(now=now)
    waiting = Lead.objects.living().filter(
        stage=Stage.QUALIFIED, blocked_at=None, origin=Origin.LIVE, qualified_at__lte=now
    )
    clocked = Clock.objects.filter(lead=OuterRef("pk"), measure=Measure.HAND_OVER, started_at=OuterRef("qualified_at"))
    waiting = waiting.annotate(clocked=Subquery(clocked.values("pk")[:1])).filter(clocked=None)
    # Who hands a lead over holds its row and starts the clock too: such a lead is left to them.
    free = waiting.select_for_update(of=("self",), skip_locked=True, no_key=True)
    started = 0
    claimed: list[int] = []
    for agreement in Agreement.objects.in_force(now=now):
        with transaction.atomic():
            mine = free.filter(conditions.compile(agreement.scope, now=now).holds)
            leads = list(mine.exclude(pk__in=claimed).order_by("qualified_at")[:limit])
            claimed += [lead.pk for lead in leads]
            for temperature in Temperature.values:
                of_this = [lead for lead in leads if (lead.temperature or Temperature.COOL) == temperature]
                started += _start_many(of_this, agreement=agreement, temperature=temperature, now=now)
    return started


def _start_many(leads: Sequence[Lead], *, agreement: Agreement, temperature: str, now: datetime) -> int:
    limit = limit_for(agreement, measure=Measure.HAND_OVER, temperature=temperature) if leads else None
    if limit is None:
        return 0
    version = current(limit.calendar, now=now)
    hours = working_time(version)
    length = budget(limit, hours).total_seconds()
    began = [lead.qualified_at for lead in leads if lead.qualified_at is not None]
    starts = np.array([moment.timestamp() for moment in began])
    ends = hours.add_many(starts, length)
    warnings = hours.add_many(starts, length * float(limit.warn_share))
    rows = [
        Clock(
            lead=lead,
            commitment=limit.target.commitment,
            measure=Measure.HAND_OVER,
            side=limit.target.commitment.side,
            temperature=temperature,
            agreement=agreement,
            limit=limit,
            calendar_version=version,
            started_at=moment,
            budget_seconds=length,
            due_at=datetime.fromtimestamp(due, UTC),
            warn_at=datetime.fromtimestamp(warn, UTC),
            next_step_at=datetime.fromtimestamp(warn, UTC),
            owner_id=lead.owner_id,
            team_id=lead.team_id,
            recorded_at=now,
        )
        for lead, moment, due, warn in zip(leads, began, ends.tolist(), warnings.tolist(), strict=True)
    ]
    return len(Clock.objects.bulk_create(rows, ignore_conflicts=True))


def _end_stale_hand_over(*, now: datetime) -> None:
    """End running clocks of leads that are no longer qualified; what is past due by then is missed."""
    stale = Clock.objects.filter(
        handoff=None, measure=Measure.HAND_OVER, outcome=Outcome.RUNNING, stopped_at=None
    ).exclude(lead__stage=Stage.QUALIFIED, lead__merged_into=None, lead__blocked_at=None)
    late = Q(due_at__lt=now)
    stale.filter(late).update(
        outcome=Outcome.MISSED, breached_at=F("due_at"), responsible=F("owner"), stopped_at=now, next_step_at=None
    )
    stale.update(outcome=Outcome.CANCELLED, stopped_at=now, next_step_at=None)


def stop_hand_over(handoff: Handoff, *, agreement: Agreement, now: datetime) -> Clock | None:
    """Stop marketing's clock of the lead of a new handoff, starting it first if no sweep has yet.

    Returns:
        The clock, now the handoff's; None where the lead was not qualified or the agreement gives no time.
    """
    lead = handoff.lead
    if lead.qualified_at is None or lead.stage != Stage.QUALIFIED:
        return None
    clock = Clock.objects.filter(
        lead=lead, measure=Measure.HAND_OVER, handoff=None, started_at=lead.qualified_at
    ).first() or start(
        measure=Measure.HAND_OVER,
        lead=lead,
        agreement=agreement,
        temperature=handoff.temperature,
        at=lead.qualified_at,
        now=now,
        owner=lead.owner,
        team=lead.team,
    )
    if clock is None:
        return None
    Clock.objects.filter(pk=clock.pk).update(handoff=handoff)
    stop(handoff, measure=Measure.HAND_OVER, at=now, now=now)
    return clock


# --- the sweep


@dataclass(frozen=True)
class Swept:
    """What a sweep found: clocks whose owners were warned, and clocks past due."""

    warned: int
    breached: int


_CLAIM = """
    WITH due AS (
        SELECT id FROM sla_clock
        WHERE next_step_at <= %(now)s AND outcome = 'running' AND stopped_at IS NULL AND paused_at IS NULL
          AND (next_step_at < due_at OR due_at < %(now)s)
        ORDER BY next_step_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    UPDATE sla_clock AS clock SET
        warned_at = CASE WHEN clock.due_at < %(now)s THEN clock.warned_at ELSE %(now)s END,
        breached_at = CASE WHEN clock.due_at < %(now)s THEN clock.due_at END,
        responsible_id = CASE
            WHEN clock.due_at >= %(now)s THEN NULL
            WHEN clock.side = 'sales' AND clock.handoff_id IS NOT NULL THEN (
                SELECT user_id FROM sla_assignment
                WHERE handoff_id = clock.handoff_id AND assigned_at <= clock.due_at
                ORDER BY assigned_at DESC, id DESC LIMIT 1)
            ELSE clock.owner_id END,
        next_step_at = CASE WHEN clock.due_at < %(now)s THEN NULL ELSE clock.due_at END
    FROM due WHERE clock.id = due.id
    RETURNING clock.id
"""


def sweep(*, now: datetime, limit: int = 500) -> Swept:
    """Warn of clocks that end soon and record those past due, each once however many workers sweep.

    A breach is stamped with the due time and with who owed then. People are told once per lead and sweep. A message
    that cannot be written puts its clocks off by five minutes and does not stop the others.

    Args:
        now: what is due by then; sweeping twice, or again for an earlier moment, changes nothing.
        limit: how many clocks at most.

    Returns:
        How many clocks were warned of and how many were found past due.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"now": now, "limit": limit})
            claimed = [row[0] for row in cursor.fetchall()]
        clocks = list(
            Clock.objects.filter(pk__in=claimed).select_related(
                "lead__company", "handoff", "owner__manager", "team", "commitment"
            )
        )
        late = [clock for clock in clocks if clock.breached_at is not None]
        soon = [clock for clock in clocks if clock.breached_at is None]
        for kind, found in ((ClockStep.Kind.BREACHED, late), (ClockStep.Kind.WARNED, soon)):
            for group in _by_lead_and_owner(found):
                _take_step(group, kind=kind, now=now)
    return Swept(len(soon), len(late))


def _by_lead_and_owner(clocks: Iterable[Clock]) -> list[list[Clock]]:
    groups: dict[tuple[int, int | None, str], list[Clock]] = defaultdict(list)
    for clock in clocks:
        groups[clock.lead_id, clock.owner_id, clock.side].append(clock)
    return list(groups.values())


def _take_step(clocks: list[Clock], *, kind: ClockStep.Kind, now: datetime) -> None:
    is_breach = kind == ClockStep.Kind.BREACHED
    try:
        with transaction.atomic():
            steps = [
                ClockStep(
                    clock=clock, kind=kind, due_at=clock.due_at if is_breach else clock.warn_at or now, taken_at=now
                )
                for clock in clocks
            ]
            ClockStep.objects.bulk_create(steps, ignore_conflicts=True)
            (notices.breached if is_breach else notices.warned)(clocks, now=now)
    except Exception:
        # One bad row never stops a sweep.
        log.exception("Nobody could be told of clocks %s; they are tried again", [clock.pk for clock in clocks])
        Clock.objects.filter(pk__in=[clock.pk for clock in clocks]).update(next_step_at=now + AGAIN_AFTER)


# --- reading


def worst(handoffs: Iterable[Handoff], *, now: datetime) -> dict[int, Clock]:
    """Return of each handoff the running clock that ends first (or ended longest ago), in one query.

    Args:
        handoffs: any number.
        now: the moment at which they are looked at; clocks that start later are left out.

    Returns:
        Clock by handoff id, ready for `countdown`; handoffs without a running clock are missing.
    """
    running = Clock.objects.filter(
        handoff__in=[handoff.pk for handoff in handoffs],
        outcome=Outcome.RUNNING,
        stopped_at=None,
        started_at__lte=now,
    )
    first = running.select_related("calendar_version").order_by("handoff_id", "due_at", "pk").distinct("handoff_id")
    return {clock.handoff_id: clock for clock in first if clock.handoff_id is not None}
