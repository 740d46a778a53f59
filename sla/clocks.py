"""Start, stop, cancel, reopen SLA clocks and claim what is due. Knows handoffs, not decisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from leads import conditions
from leads.models import Lead, Origin, Stage, Temperature
from leadsla.accounts.models import Side, Team, User
from sla import plans
from sla.calendars import budget, calendar_for, working_time
from sla.countdown import Countdown, countdown
from sla.models import (
    Agreement,
    Assignment,
    CalendarVersion,
    Clock,
    ClockChange,
    ClockStep,
    Commitment,
    EscalationStep,
    Handoff,
    ReleaseItem,
    TimeLimit,
)

__all__ = [
    "Countdown",
    "Taken",
    "cancel",
    "claim_due",
    "confirm",
    "countdown",
    "ended",
    "hand_to",
    "limit_for",
    "locked",
    "plan_unplanned",
    "put_in_order",
    "reopen",
    "shown",
    "start",
    "start_hand_over",
    "stop",
    "stop_hand_over",
    "taken",
    "worst",
]

Measure = Commitment.Measure
Outcome = Clock.Outcome


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
    version = calendar_for(limit, owner=owner, now=at)
    hours = working_time(version)
    length = budget(limit, hours) if left is None else left
    due_at = hours.add(at, length)
    steps = plans.steps_of(agreement, measure=measure, temperature=temperature)
    planned = plans.plan(steps, hours=hours, start=at, budget=length)
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
        due_at=due_at,
        warn_at=hours.add(at, length * float(limit.warn_share)),
        plan_at=planned.at,
        plan_steps=planned.steps,
        next_step_at=planned.next_after(due_at),
        owner=owner,
        team=team,
        recorded_at=now,
    )


def stop(handoff: Handoff, *, measure: str, at: datetime, now: datetime, begun_by: datetime | None = None) -> int:
    """Stop a handoff's running clock of a measure at the moment when what was owed was done.

    Stopping exactly at the due time is in time. A clock that was already found past due and now turns out to have been
    kept ends in time, "entered late", and keeps its breach.

    Args:
        handoff: whose clock.
        measure: what was done.
        at: when it was done.
        now: when that is recorded.
        begun_by: only clocks that had started by then; None for all.

    Returns:
        How many clocks were stopped.
    """
    found = Clock.objects.filter(handoff=handoff, measure=measure)
    running = locked(found if begun_by is None else found.filter(started_at__lte=begun_by))
    return sum(_end(clock, at=at, now=now) for clock in running)


def confirm(
    handoff: Handoff, *, measure: str, at: datetime, now: datetime | None = None, by: User | None = None, why: str = ""
) -> bool:
    """Let a clock that ended late end in time, because what was owed turns out to have been done in time.

    It keeps its breach, says "entered late", and what it said before is kept for both sides to see.

    Args:
        handoff: whose clock.
        measure: what was done.
        at: when it was done.
        now: when that is confirmed.
        by: who confirms it; None for an import or another system.
        why: in words.

    Returns:
        False when no clock ended late that `at` would have kept.
    """
    late = locked(Clock.objects.filter(handoff=handoff, measure=measure, due_at__gte=at), outcome=Outcome.LATE)
    for clock in late:
        before = shown(clock, "outcome", "stopped_at", "used_seconds", "waited_seconds")
        columns = ended(clock, until=max(at, clock.started_at)) | {"outcome": Outcome.MET, "entered_late": True}
        Clock.objects.filter(pk=clock.pk).update(**columns)
        ClockChange.objects.create(
            clock=clock, kind=ClockChange.Kind.RETRACTED, at=now or at, by=by, why=why[:500], before=before
        )
    return bool(late)


def cancel(handoff: Handoff, *, now: datetime, side: str = Side.SALES) -> int:
    """End a handoff's running clocks of a side without the act they wait for.

    What is past due by now ends as missed, stamped with its due time whether or not a sweep noticed; the rest is
    cancelled. Returns how many clocks ended.
    """
    running = locked(Clock.objects.filter(handoff=handoff, side=side))
    for clock in running:
        is_late = clock.breached_at is not None or clock.due_at < now
        columns = ended(clock, until=now) | {"outcome": Outcome.MISSED if is_late else Outcome.CANCELLED}
        if is_late and clock.breached_at is None:
            columns |= _breach(clock)
        Clock.objects.filter(pk=clock.pk).update(**columns)
    return len(running)


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
    found = list(stopped.select_for_update().order_by("pk"))
    steps = taken(found)
    for clock in found:
        # Whoever was told is not told again; the others still have their steps ahead.
        next_step_at = steps[clock.pk].next_of(clock)
        Clock.objects.filter(pk=clock.pk).update(
            outcome=Outcome.RUNNING,
            stopped_at=None,
            used_seconds=None,
            waited_seconds=None,
            entered_late=False,
            next_step_at=next_step_at,
        )
    return len(found)


def hand_to(
    handoff: Handoff, *, owner: User | None, team: Team | None, now: datetime | None = None, by: User | None = None
) -> int:
    """Make somebody else responsible for the running clocks of sales.

    Their times go on, unless the agreement says that reassigning starts them anew: then those that are not past due
    start at `now` for the new owner, and how they stood is kept.

    Args:
        handoff: whose clocks.
        owner: who is responsible from now on; None for the team.
        team: the team.
        now: the moment; None keeps all times.
        by: who hands it over.

    Returns:
        How many clocks it are.
    """
    mine = Clock.objects.filter(handoff=handoff, side=Side.SALES)
    if now is not None and owner is not None and handoff.agreement and handoff.agreement.restarts_on_reassignment:
        for clock in locked(mine.filter(owner__isnull=False, due_at__gte=now).exclude(owner=owner)):
            _restart(clock, owner=owner, now=now, by=by)
    running = mine.filter(stopped_at=None, outcome=Outcome.RUNNING)
    return running.update(owner=owner, team=team)


def _restart(clock: Clock, *, owner: User, now: datetime, by: User | None) -> None:
    before = shown(clock, "started_at", "due_at", "budget_seconds", "paused_seconds", "owner_id")
    before["calendar_version"] = str(clock.calendar_version)
    clock.calendar_version = calendar_for(clock.limit, owner=owner, now=now)
    clock.started_at, clock.paused_at, clock.paused_until, clock.paused_seconds = now, None, None, 0
    clock.budget_seconds = budget(clock.limit, working_time(clock.calendar_version)).total_seconds()
    put_in_order(clock)
    why = _("Now with %(owner)s.") % {"owner": owner}
    ClockChange.objects.create(
        clock=clock, kind=ClockChange.Kind.RESTARTED, at=now, by=by, why=why[:500], before=before
    )


def shown(clock: Clock, *columns: str) -> dict[str, Any]:
    """Return columns as JSON takes them, to keep what a change replaces."""
    values = {column: getattr(clock, column) for column in columns}
    return {
        column: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        for column, value in values.items()
    }


def locked(clocks: Any, *, outcome: str = Outcome.RUNNING) -> list[Clock]:
    """Lock clocks with an outcome for this transaction, in one order for all, and return them as they are now."""
    found = clocks.filter(outcome=outcome)
    if outcome == Outcome.RUNNING:
        found = found.filter(stopped_at=None)
    found = found.select_related(
        "calendar_version", "handoff", "limit__target", "limit__calendar", "commitment", "agreement", "owner"
    )
    return list(found.select_for_update(of=("self",)).order_by("pk"))


def _end(clock: Clock, *, at: datetime, now: datetime) -> int:
    done_at = max(at, clock.started_at)
    columns = ended(clock, until=done_at)
    if done_at > clock.due_at:
        columns["outcome"] = Outcome.LATE
        if clock.breached_at is None:
            columns |= _breach(clock)
    else:
        columns |= {"outcome": Outcome.MET, "entered_late": clock.breached_at is not None}
        if clock.breached_at is not None:
            why = _("It was done in time, and entered after the due time.")
            ClockChange.objects.create(
                clock=clock, kind=ClockChange.Kind.RETRACTED, at=now, why=why, before={"outcome": Outcome.RUNNING}
            )
    return Clock.objects.filter(pk=clock.pk, stopped_at=None).update(**columns)


def ended(clock: Clock, *, until: datetime) -> dict[str, Any]:
    """Return the columns of a clock that ends: when, and the working and elapsed seconds it took.

    Of a pause counts what had passed of it by then.
    """
    hours = working_time(clock.calendar_version)
    used = hours.between(clock.started_at, until).total_seconds()
    if clock.paused_seconds:
        begun = clock.pauses.filter(starts_at__gte=clock.started_at, starts_at__lt=until)
        used -= sum(hours.between(pause.starts_at, min(pause.ends_at, until)).total_seconds() for pause in begun)
    return {
        "stopped_at": until,
        "next_step_at": None,
        "used_seconds": max(0.0, used),
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
    waiting = waiting.exclude(pk__in=_planned())
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
    steps = plans.steps_of(agreement, measure=Measure.HAND_OVER, temperature=temperature)
    under: dict[CalendarVersion, list[Lead]] = defaultdict(list)
    versions: dict[int | None, CalendarVersion] = {}
    for lead in leads:
        counted_for = lead.owner_id if limit.target.counts_owner_hours else None
        if counted_for not in versions:
            versions[counted_for] = calendar_for(limit, owner=lead.owner if counted_for else None, now=now)
        under[versions[counted_for]].append(lead)
    rows = [
        clock
        for version, found in under.items()
        for clock in _hand_over_rows(found, limit=limit, version=version, steps=steps, agreement=agreement, now=now)
    ]
    return len(Clock.objects.bulk_create(rows, ignore_conflicts=True))


def _hand_over_rows(
    leads: Sequence[Lead],
    *,
    limit: TimeLimit,
    version: CalendarVersion,
    steps: Sequence[EscalationStep],
    agreement: Agreement,
    now: datetime,
) -> list[Clock]:
    hours = working_time(version)
    length = budget(limit, hours)
    seconds = length.total_seconds()
    began = [lead.qualified_at for lead in leads if lead.qualified_at is not None]
    starts = np.array([moment.timestamp() for moment in began])
    ends = [datetime.fromtimestamp(due, UTC) for due in hours.add_many(starts, seconds).tolist()]
    warnings = hours.add_many(starts, seconds * float(limit.warn_share)).tolist()
    planned = plans.plan_many(steps, hours=hours, starts=starts, budget=length)
    return [
        Clock(
            lead=lead,
            commitment=limit.target.commitment,
            measure=Measure.HAND_OVER,
            side=limit.target.commitment.side,
            temperature=limit.temperature,
            agreement=agreement,
            limit=limit,
            calendar_version=version,
            started_at=moment,
            budget_seconds=seconds,
            due_at=due,
            warn_at=datetime.fromtimestamp(warn, UTC),
            plan_at=plan.at,
            plan_steps=plan.steps,
            next_step_at=plan.next_after(due),
            owner_id=lead.owner_id,
            team_id=lead.team_id,
            recorded_at=now,
        )
        for lead, moment, due, warn, plan in zip(leads, began, ends, warnings, planned, strict=True)
    ]


def _end_stale_hand_over(*, now: datetime) -> None:
    """End running clocks of leads that are not qualified any more or wait in a release plan; what is late is missed."""
    running = Clock.objects.filter(handoff=None, measure=Measure.HAND_OVER, outcome=Outcome.RUNNING, stopped_at=None)
    waits = Q(lead__stage=Stage.QUALIFIED, lead__merged_into=None, lead__blocked_at=None)
    stale = running.filter(~waits | Q(lead__in=_planned()))
    late = Q(due_at__lt=now)
    stale.filter(late).update(
        outcome=Outcome.MISSED, breached_at=F("due_at"), responsible=F("owner"), stopped_at=now, next_step_at=None
    )
    stale.update(outcome=Outcome.CANCELLED, stopped_at=now, next_step_at=None)


def _planned() -> QuerySet[ReleaseItem, int]:
    """Return the leads that a release plan hands over in its own time."""
    return ReleaseItem.objects.filter(released_at=None, dropped_at=None).order_by().values_list("lead", flat=True)


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


# --- what is due


class Taken:
    """Which steps of a clock were taken: ids of escalation steps, and whether the breach was recorded."""

    def __init__(self) -> None:
        self.steps: set[int] = set()
        self.is_breached = False

    def next_of(self, clock: Clock) -> datetime | None:
        """Return when a running clock has its next step; None when there is none left."""
        planned = plans.Plan(clock.plan_at, clock.plan_steps)
        return planned.next_after(clock.due_at, taken=self.steps, is_breached=self.is_breached)

    def due_of(self, clock: Clock, *, now: datetime) -> list[int]:
        """Return the ids of the steps that are due, in order.

        Stopping exactly at the due time is in time: steps at or after it are due when it has passed.
        """
        planned = zip(clock.plan_at, clock.plan_steps, strict=True)
        return [
            step for at, step in planned if step not in self.steps and (at <= now if at < clock.due_at else at < now)
        ]


def taken(clocks: Iterable[Clock]) -> dict[int, Taken]:
    """Return of each clock which steps were taken, in one query."""
    found = {clock.pk: Taken() for clock in clocks}
    rows = ClockStep.objects.filter(clock__in=list(found)).values_list("clock_id", "step_id", "kind")
    for clock, step, kind in rows:
        if kind == ClockStep.Kind.BREACHED:
            found[clock].is_breached = True
        else:
            found[clock].steps.add(step)
    return found


def put_in_order(clock: Clock, *, steps: Sequence[EscalationStep] | None = None) -> None:
    """Work out anew and save when a running clock is due and when its steps are.

    From its start, budget, calendar and pauses; what was taken is not taken again.

    Args:
        clock: locked, with the columns that changed already set.
        steps: of its escalation; None for those that it has.
    """
    hours = working_time(clock.calendar_version)
    pauses = list(clock.pauses.filter(starts_at__gte=clock.started_at)) if clock.paused_seconds else []
    length = timedelta(seconds=clock.budget_seconds)
    if steps is None:
        steps = list(EscalationStep.objects.filter(pk__in=clock.plan_steps))
    at = [
        (plans.moment(clock.started_at, plans.offset(step, length), hours=hours, pauses=pauses), step.pk)
        for step in steps
    ]
    planned = plans.in_order(at)
    warn = length * float(clock.limit.warn_share)
    clock.due_at = plans.moment(clock.started_at, length, hours=hours, pauses=pauses)
    clock.warn_at = plans.moment(clock.started_at, warn, hours=hours, pauses=pauses)
    clock.plan_at, clock.plan_steps = planned.at, planned.steps
    clock.next_step_at = taken([clock])[clock.pk].next_of(clock)
    clock.save(
        update_fields=[
            "agreement",
            "limit",
            "calendar_version",
            "started_at",
            "budget_seconds",
            "paused_at",
            "paused_until",
            "paused_seconds",
            "due_at",
            "warn_at",
            "plan_at",
            "plan_steps",
            "next_step_at",
        ]
    )


def plan_unplanned(found: Iterable[Clock], *, now: datetime) -> None:
    """Plan the steps of running clocks that started before steps were planned; those that lie behind are left out.

    Args:
        found: locked.
        now: what is due later is planned.
    """
    for clock in found:
        steps = (
            []
            if clock.plan_steps
            else plans.steps_of(clock.agreement, measure=clock.measure, temperature=clock.temperature)
        )
        hours, length = working_time(clock.calendar_version), timedelta(seconds=clock.budget_seconds)
        ahead = [step for step in steps if hours.add(clock.started_at, plans.offset(step, length)) > now]
        if ahead:
            put_in_order(clock, steps=ahead)


_CLAIM = """
    WITH due AS (
        SELECT id FROM sla_clock
        WHERE next_step_at <= %(now)s AND outcome = 'running' AND stopped_at IS NULL
          AND (next_step_at < due_at OR next_step_at < %(now)s)
        ORDER BY next_step_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    UPDATE sla_clock AS clock SET
        breached_at = CASE WHEN clock.due_at < %(now)s THEN clock.due_at ELSE clock.breached_at END,
        responsible_id = CASE
            WHEN clock.due_at >= %(now)s OR clock.breached_at IS NOT NULL THEN clock.responsible_id
            WHEN clock.side = 'sales' AND clock.handoff_id IS NOT NULL THEN (
                SELECT user_id FROM sla_assignment
                WHERE handoff_id = clock.handoff_id AND assigned_at <= clock.due_at
                ORDER BY assigned_at DESC, id DESC LIMIT 1)
            ELSE clock.owner_id END,
        next_step_at = (
            SELECT min(planned.at) FROM unnest(clock.plan_at || clock.due_at) AS planned (at)
            WHERE planned.at > %(now)s OR (planned.at = %(now)s AND planned.at >= clock.due_at))
    FROM due WHERE clock.id = due.id
    RETURNING clock.id
"""


def claim_due(*, now: datetime, limit: int) -> list[int]:
    """Claim clocks with something to do, stamp those past due, and set when each is next; within a transaction.

    One statement: what two sweeps want at once, one of them gets, and the other skips. A breach is stamped with the due
    time and with who owed then. The index on `next_step_at` holds running clocks only and is read up to `now`, so that
    a sweep costs what is due, not what exists.

    Args:
        now: what is due by then.
        limit: how many clocks at most.

    Returns:
        Ids; they are locked until the transaction ends.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "limit": limit})
        return [row[0] for row in cursor.fetchall()]


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
