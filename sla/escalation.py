"""Take the steps that an agreement plans for clocks that nobody stops: remind, tell, offer, reassign. Each once."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from leads.models import Lead
from leadsla.accounts.models import AwayTime, Side, User
from leadsla.display import moment_text
from leadsla.outbox import messages
from leadsla.outbox.models import Message
from sla import calendars, clocks, handoff, notices
from sla.models import Clock, ClockStep, EscalationStep, Handoff, PersonalCalendar

log = logging.getLogger(__name__)

Action = EscalationStep.Action
Kind = ClockStep.Kind

AGAIN_AFTER = timedelta(minutes=5)  # a step that failed is tried again
SOON_AFTER = timedelta(seconds=30)  # somebody is at work on the handoff this very moment
REMINDED_FOR = timedelta(hours=1)  # one reminder per lead: what it named needs no second one for so long
TELLS = {
    Action.OWNER: Kind.WARNED,
    Action.MANAGER: Kind.ESCALATED,
    Action.OTHER_SIDE: Kind.ESCALATED,
    Action.PERSON: Kind.ESCALATED,
}
MOVES = {Action.OFFER: Kind.OFFERED, Action.REASSIGN: Kind.REASSIGNED}


@dataclass(frozen=True)
class Swept:
    """What a sweep did: clocks that it claimed, steps that it took, clocks that it found past due."""

    claimed: int
    steps: int
    breached: int


@dataclass(frozen=True)
class Due:
    """One step of one clock that is to be taken."""

    clock: Clock
    step: EscalationStep
    at: datetime


def sweep(*, now: datetime, limit: int = 500, moves_handoffs: bool = True) -> Swept:
    """Take every step that is due and record what is past due, each once however many workers sweep.

    Claim, steps and messages are one transaction: whoever is killed in between has done nothing, and the next sweep
    does it. Steps that move a handoff come after it, one transaction each, because they lock the handoff first, as
    whoever answers it does. What fails is tried again after five minutes and stops no other.

    Args:
        now: what is due by then; sweeping twice, or again for an earlier moment, changes nothing.
        limit: how many clocks at most.
        moves_handoffs: False to record offers and reassignments as not done: of a past that is told at once.

    Returns:
        What was done.
    """
    with transaction.atomic():
        claimed = clocks.claim_due(now=now, limit=limit)
        if not claimed:
            return Swept(0, 0, 0)
        found = _loaded(claimed)
        clocks.plan_unplanned(found, now=now)
        taken = clocks.taken(found)
        new = [clock for clock in found if clock.breached_at is not None and not taken[clock.pk].is_breached]
        _record_breaches(new, now=now)
        due = _due(found, taken, now=now)
        done = _tell_all([one for one in due if one.step.action in TELLS], now=now)
        moves = [one for one in due if one.step.action in MOVES]
        if not moves_handoffs:
            done += _record(moves, now=now, what=_("Not done: it lay in the past when it was entered."), is_done=False)
            moves = []
        _keep_due(moves)
    for one in moves:
        done += _move(one, now=now)
    return Swept(len(found), done, len(new))


def _loaded(ids: list[int]) -> list[Clock]:
    return list(
        Clock.objects.filter(pk__in=ids)
        .select_related(
            "lead__company",
            "lead__owner__manager",
            "handoff__owner",
            "handoff__handed_over_by",
            "owner__manager",
            "responsible",
            "team",
            "commitment",
            "calendar_version",
            "agreement",
            "limit",
        )
        .order_by("due_at", "pk")
    )


def _due(found: list[Clock], taken: dict[int, clocks.Taken], *, now: datetime) -> list[Due]:
    wanted = {clock.pk: taken[clock.pk].due_of(clock, now=now) for clock in found}
    ids = {step for steps in wanted.values() for step in steps}
    steps = {step.pk: step for step in EscalationStep.objects.filter(pk__in=ids).select_related("recipient")}
    return [
        Due(clock, steps[step], clock.plan_at[clock.plan_steps.index(step)])
        for clock in found
        for step in wanted[clock.pk]
        if step in steps
    ]


def _record_breaches(found: list[Clock], *, now: datetime) -> None:
    rows = [
        ClockStep(
            clock=clock,
            kind=Kind.BREACHED,
            due_at=clock.due_at,
            taken_at=now,
            what=_("With %(owner)s.") % {"owner": clock.responsible or clock.team or _("nobody")},
        )
        for clock in found
    ]
    ClockStep.objects.bulk_create(rows, ignore_conflicts=True)
    for clock in found:
        notices.breached(clock, now=now)


def _record(found: Iterable[Due], *, now: datetime, what: str, is_done: bool = True) -> int:
    rows = [
        ClockStep(
            clock=one.clock,
            step=one.step,
            kind=(TELLS | MOVES)[Action(one.step.action)],
            due_at=one.at,
            taken_at=now,
            what=what[:250],
            is_done=is_done,
        )
        for one in found
    ]
    return len(ClockStep.objects.bulk_create(rows, ignore_conflicts=True))


# --- steps that tell somebody


def _tell_all(due: list[Due], *, now: datetime) -> int:
    """Tell each person once per lead, whatever number of its clocks and steps is due."""
    groups: dict[tuple[object, ...], list[Due]] = defaultdict(list)
    people: dict[tuple[object, ...], User | None] = {}
    for one in due:
        person = _recipient(one, now=now)
        key: tuple[object, ...] = (
            one.clock.lead_id,
            one.clock.owner_id,
            one.clock.side,
            one.step.action == Action.OWNER,
            person,
        )
        groups[key].append(one)
        people[key] = person
    done = 0
    for owed, group in groups.items():
        person = people[owed]
        try:
            with transaction.atomic():
                done += _record(group, now=now, what=_tell(group, to=person, now=now))
        except Exception:
            # One bad row never stops a sweep.
            log.exception("Steps of %s failed; they are tried again", [one.clock.public_id for one in group])
            _again(group, now=now)
    return done


def _again(group: list[Due], *, now: datetime) -> None:
    ids = [one.clock.pk for one in group]
    Clock.objects.filter(pk__in=ids, stopped_at=None).update(next_step_at=now + AGAIN_AFTER)


def _tell(group: list[Due], *, to: User | None, now: datetime) -> str:
    """Write one message and return in words who was told; a reminder that was given already is not repeated."""
    if to is None:
        return _("Nobody to tell.")
    first = group[0]
    is_owner = first.step.action == Action.OWNER
    if is_owner and (why := _reminded_already(group, now=now)):
        return why
    not_before = None if any(one.step.is_urgent for one in group) else _opens_for(to, first.clock, now=now)
    notices.reminded(
        [one.clock for one in group],
        to=to,
        event=f"clock:{first.clock.pk}:step:{first.step.pk}:told",
        is_owner=is_owner,
        now=now,
        not_before=not_before,
    )
    if not_before is None:
        return str(to)
    return _("%(person)s, from %(moment)s") % {"person": to, "moment": moment_text(not_before, now)}


def _recipient(one: Due, *, now: datetime) -> User | None:
    """Return whom a step tells; never more than one person."""
    clock = one.clock
    if one.step.action == Action.PERSON:
        return one.step.recipient
    if one.step.action == Action.OWNER:
        return clock.owner
    if one.step.action == Action.MANAGER:
        return manager_of(clock, now=now)
    return other_side_of(clock)


def manager_of(clock: Clock, *, now: datetime) -> User | None:
    """Return the manager of who owes: their own, else one of the team; their stand-in while they are away."""
    found = notices.managers_of(user=clock.owner, team=clock.team)
    if not found:
        return None
    away = AwayTime.objects.filter(user=found[0], starts_at__lte=now, ends_at__gt=now, stand_in__is_active=True)
    stands_in = away.select_related("stand_in").first()
    return stands_in.stand_in if stands_in is not None else found[0]


def other_side_of(clock: Clock) -> User | None:
    """Return the other side's person of a clock's lead: who has the lead in marketing, or the handoff in sales."""
    found = clock.handoff
    if clock.side == Side.MARKETING:
        person = found.owner if found is not None else None
    else:
        person = clock.lead.owner or (found.handed_over_by if found is not None else None)
    return person if person is not None and person.is_active else None


def _reminded_already(group: list[Due], *, now: datetime) -> str:
    """Say why an owner needs no reminder now: each clock was named by one that they got a moment ago; else ""."""
    if all(_came_with_the_lead(one) for one in group):
        return _("Told with the new lead.")
    clock = group[0].clock
    reminders = ClockStep.objects.filter(
        clock__lead=clock.lead_id,
        clock__owner=clock.owner_id,
        clock__side=clock.side,
        step__action=Action.OWNER,
        taken_at__gt=now - REMINDED_FOR,
        taken_at__gte=max(one.clock.recorded_at for one in group),
    )
    if any(one.step.is_urgent for one in group):
        reminders = reminders.filter(step__is_urgent=True)
    last = reminders.order_by("taken_at").last()
    if last is None or any(one.clock.due_at < now for one in group):
        return ""
    return _("Reminded of this lead at %(moment)s.") % {"moment": moment_text(last.taken_at, now)}


def _came_with_the_lead(one: Due) -> bool:
    """Tell whether the notice of the new lead was this reminder: it named the clock when the step was due."""
    found = one.clock.handoff
    if found is None or one.clock.side != Side.SALES or one.at > one.clock.recorded_at:
        return False
    event = f"handoff:{found.pk}:round:{one.clock.round}:handed_over"
    return Message.objects.filter(event=event, recipient=one.clock.owner_id).exists()


def _opens_for(person: User, clock: Clock, *, now: datetime) -> datetime | None:
    """Return from when a person may be told: within their own hours, else the clock's; None for at once."""
    personal = PersonalCalendar.objects.filter(user=person).select_related("calendar").first()
    version = calendars.current(personal.calendar, now=now) if personal is not None else clock.calendar_version
    hours = calendars.working_time(version)
    return None if hours.is_open(now) else hours.next_open(now)


# A reminder names the clocks of one lead whose steps were taken with it.
_OVERTAKEN = """
    SELECT DISTINCT message.event
    FROM outbox_message AS message
    JOIN sla_clock AS first ON first.id = substring(message.event FROM '^clock:([0-9]+):step:')::bigint
    WHERE message.sent_at IS NULL AND message.dead_at IS NULL AND message.next_attempt_at > %(now)s
      AND message.not_before > %(now)s
      AND NOT EXISTS (
        SELECT FROM sla_clockstep AS taken
        JOIN sla_escalationstep AS step ON step.id = taken.step_id
        JOIN sla_clock AS clock ON clock.id = taken.clock_id
        WHERE clock.lead_id = first.lead_id AND taken.taken_at = message.created_at
          AND clock.outcome = 'running' AND clock.stopped_at IS NULL
          AND (step.action <> 'owner' OR clock.owner_id = message.recipient_id))
"""


def withdraw_overtaken(*, now: datetime) -> int:
    """Withdraw reminders that wait for somebody's hours once nothing they name is still owed; returns how many rows.

    What was done in the night is not asked for in the morning, nor from somebody who no longer has the lead.

    Args:
        now: reminders that are due by then are left: they may have been read.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OVERTAKEN, {"now": now})
        events: list[str] = [row[0] for row in cursor.fetchall()]
    return sum(messages.withdraw(event_prefix=event) for event in events)


# --- steps that move a handoff


def _keep_due(moves: list[Due]) -> None:
    """Leave clocks whose handoff is yet to be moved to be claimed again, should this worker be killed before."""
    first: dict[int, datetime] = {}
    for one in moves:
        first[one.clock.pk] = min(one.at, first.get(one.clock.pk, one.at))
    for pk, at in first.items():
        Clock.objects.filter(pk=pk, stopped_at=None).update(next_step_at=at)


def _move(one: Due, *, now: datetime) -> int:
    """Offer or reassign the handoff of one clock; returns how many steps that took."""
    try:
        with transaction.atomic():
            return _moved(one, now=now)
    except Exception:
        log.exception("%s for %s failed; it is tried again", one.step.action, one.clock.public_id)
        _again([one], now=now)
        return 0


def _moved(one: Due, *, now: datetime) -> int:
    if not _is_held(one.clock):
        Clock.objects.filter(pk=one.clock.pk, stopped_at=None).update(next_step_at=now + SOON_AFTER)
        return 0
    for clock in clocks.locked(Clock.objects.filter(pk=one.clock.pk)):
        steps = clocks.taken([clock])[clock.pk]
        done = 0
        if one.step.pk not in steps.steps:
            is_done, what = _carry_out(one, clock.handoff, now=now)
            done = _record([one], now=now, what=what, is_done=is_done)
            steps.steps.add(one.step.pk)
        clock.refresh_from_db(fields=["plan_at", "plan_steps", "due_at"])  # reassigning may start it anew
        Clock.objects.filter(pk=clock.pk).update(next_step_at=steps.next_of(clock))
        return done
    return 0


def _is_held(clock: Clock) -> bool:
    """Lock a clock's lead and handoff, in the order of all; False when somebody is at work on them this moment."""
    rows: tuple[QuerySet[Any], ...] = (
        Lead.objects.filter(pk=clock.lead_id),
        Handoff.objects.filter(pk__in=[clock.handoff_id] if clock.handoff_id else []),
    )
    return all(
        found.select_for_update(of=("self",), skip_locked=True, no_key=True).values_list("pk", flat=True).first()
        for found in rows
        if found.exists()
    )


def _carry_out(one: Due, found: Handoff | None, *, now: datetime) -> tuple[bool, str]:
    """Offer or reassign a handoff, unless sales is at work on it; return whether it was done, and in words what."""
    if found is None or one.clock.side != Side.SALES or found.closed_at is not None or found.is_returned:
        return False, _("Not done: sales owes nothing here now.")
    if found.decision or found.first_follow_up_at is not None:
        return False, _("Not done: somebody is at work on it.")
    action = Action(one.step.action)
    of_round = ClockStep.objects.filter(clock__handoff=found, clock__round=found.round, is_done=True)
    if of_round.filter(kind=MOVES[action]).exists():
        return False, _("Not done: it was done for another clock of this lead.")
    return _offer(found, now=now) if action == Action.OFFER else _reassign(found, now=now)


def _offer(found: Handoff, *, now: datetime) -> tuple[bool, str]:
    if handoff.offer(found, now=now):
        return True, _("To %(team)s.") % {"team": found.to_team}
    return False, _("Not done: the whole team sees it already.")


def _reassign(found: Handoff, *, now: datetime) -> tuple[bool, str]:
    had = found.owner or found.to_team
    to = handoff.pass_to_next(found, now=now)
    if to is None:
        return False, _("Not done: nobody else is available.")
    return True, _("From %(before)s to %(to)s.") % {"before": had, "to": to}
