"""Whose a handoff is: reassign, claim, offer, pass to the next in turn. Serves sla.handoff."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, OuterRef, Subquery
from django.utils.translation import gettext as _

from leadsla.accounts.models import Side, Team, User
from sla import calendars, clocks, notices, routing, turn_notices, turns
from sla.gate import HandoverRefused
from sla.locking import lead_first
from sla.models import Clock, Commitment, Decision, Handoff
from sla.querysets import HandoffQuerySet
from sla.rounds import assign, owes

Measure = Commitment.Measure
TRIES = 20  # others claim at the same moment


def route_again(handoff: Handoff, team: Team, *, by: User | None, now: datetime) -> None:
    """Give a handoff to whose turn it is in a team, but not to who had it."""
    but_not = [handoff.owner.pk] if handoff.owner else []
    turns.lock(handoff.to_team, team)
    route = routing.route_in(team, lead=handoff.lead, temperature=handoff.temperature, now=now, but_not=but_not)
    set_owner(handoff, user=route.user, team=team, now=now, routing=route.as_json())
    assign(handoff, user=route.user, team=team, why=route.reasons[-1], now=now, by=by, shares=route.shares)


def set_owner(handoff: Handoff, *, user: User | None, team: Team, now: datetime, **columns: Any) -> None:
    """Write whose a handoff is, with further columns; the caller writes the ledger."""
    handoff.owner, handoff.to_team, handoff.owner_since = user, team, now if user else None
    for column, value in columns.items():
        setattr(handoff, column, value)
    handoff.save(update_fields=["owner", "to_team", "owner_since", *columns])


@transaction.atomic
def reassign(handoff: Handoff, *, to: User, by: User, now: datetime) -> bool:
    """Give an open handoff to somebody else in sales; its clocks go on, or begin anew where the agreement says so.

    Returns:
        False when it changed hands meanwhile, is closed, or is theirs already.

    Raises:
        HandoverRefused: the person cannot have it; the text says why.
    """
    refuse_unfit(to)
    before = handoff.owner
    if before == to or not _hand_to(handoff, to=to, by=by, why=_("Reassigned by %(by)s.") % {"by": by}, now=now):
        return False
    notices.reassigned(handoff, before=before, by=by, now=now)
    return True


def refuse_unfit(to: User) -> None:
    """Refuse somebody who cannot have handoffs.

    Raises:
        HandoverRefused: in words.
    """
    if not to.is_active or to.team is None or not to.has_role(*routing.SALES):
        raise HandoverRefused(_("%(to)s is not an active member of a sales team.") % {"to": to})


def _hand_to(
    handoff: Handoff,
    *,
    to: User,
    by: User | None,
    why: str,
    now: datetime,
    shares: Mapping[int, float] | None = None,
    **columns: Any,
) -> bool:
    """Give an open handoff to somebody else; False when it changed hands since it was loaded, or is closed."""
    assert to.team is not None  # the callers took nobody without one
    lead_first(handoff)
    mine = Handoff.objects.open().filter(pk=handoff.pk, owner=handoff.owner, is_notice=False)
    if mine.update(owner=to, to_team=to.team, owner_since=now, **columns) != 1:
        return False
    handoff.refresh_from_db()
    clocks.hand_to(handoff, owner=to, team=to.team, now=now, by=by)
    assign(handoff, user=to, team=to.team, why=why, now=now, by=by, shares=shares)
    return True


@transaction.atomic
def pass_to_next(handoff: Handoff, *, now: datetime) -> User | None:
    """Give an open handoff to the next in turn of its team, because its owner lets it lie; the clocks go on.

    The turn of who had it is not given back.

    Returns:
        Who has it now; None when nobody else is there, it is closed or rejected, or it changed hands meanwhile.
    """
    before, team = handoff.owner or _had_last(handoff), handoff.to_team
    if before is None or team is None or handoff.decision == Decision.REJECTED:
        return None
    route = routing.route_in(
        team, lead=handoff.lead, temperature=handoff.temperature, now=now, but_not=[before.pk], takes_turn=False
    )
    if route.user is None:
        return None
    lead_first(handoff)
    route = routing.route_in(team, lead=handoff.lead, temperature=handoff.temperature, now=now, but_not=[before.pk])
    if route.user is None or not _hand_to(
        handoff,
        to=route.user,
        by=None,
        why=route.reasons[-1],
        now=now,
        shares=route.shares,
        routing=route.as_json(),
    ):
        return None
    turn_notices.passed_to_next(handoff, before=before, now=now)
    return route.user


def _had_last(handoff: Handoff) -> User | None:
    """Return who had what now waits in the team's queue, because it was offered there."""
    line = handoff.assignments.exclude(user=None).select_related("user").last()
    return line.user if line is not None else None


@transaction.atomic
def offer(handoff: Handoff, *, now: datetime) -> bool:
    """Put a handoff that its owner lets lie back into the team's queue, where everybody in it may claim it.

    Its clocks go on, against the team.

    Returns:
        False when nobody has it, it was answered, or it changed hands meanwhile.
    """
    before, team = handoff.owner, handoff.to_team
    if before is None or team is None:
        return False
    lead_first(handoff)
    waiting = Handoff.objects.waiting().filter(pk=handoff.pk, round=handoff.round, owner=before)
    if waiting.update(owner=None, owner_since=None) != 1:
        return False
    handoff.refresh_from_db()
    clocks.hand_to(handoff, owner=None, team=team)
    assign(
        handoff, user=None, team=team, why=_("Offered to the team: it lay with %(owner)s.") % {"owner": before}, now=now
    )
    turn_notices.offered(handoff, before=before, now=now)
    return True


# --- the team's queue


def next_in_line(team: Team) -> Handoff | None:
    """Return what is claimed next of a team's queue: due first, then without a time, longest waiting first."""
    running = Clock.objects.filter(
        handoff=OuterRef("pk"), side=Side.SALES, outcome=Clock.Outcome.RUNNING, stopped_at=None
    )
    queue = Handoff.objects.waiting().filter(owner=None, to_team=team)
    due = queue.annotate(due_at=Subquery(running.order_by("due_at").values("due_at")[:1]))
    return due.order_by(F("due_at").asc(nulls_last=True), "handed_over_at", "pk").first()


@transaction.atomic
def claim(handoff: Handoff, *, by: User, now: datetime) -> bool:
    """Take the handoff that is next in line in its team's queue. It goes back there unless it is followed up in time.

    Returns:
        False when somebody was first, it does not wait there any more, or another one is next.
    """
    if handoff.to_team is None or next_in_line(handoff.to_team) != handoff:
        return False
    lapses_at = _lapses_at(handoff, by=by, now=now)
    why = _("Claimed from the team's queue.")
    if not take(Handoff.objects.waiting(), handoff, by=by, why=why, now=now, lapses_at=lapses_at):
        return False
    handoff.refresh_from_db()
    return True


def claim_next(*, by: User, now: datetime) -> Handoff | None:
    """Take the handoff in the person's team's queue that is due first; None when nothing waits there.

    No cherry-picking: who claims gets the next in line.
    """
    for _attempt in range(TRIES):
        found = next_in_line(by.team) if by.team else None
        if found is None or claim(found, by=by, now=now):
            return found
    return None


def _lapses_at(handoff: Handoff, *, by: User, now: datetime) -> datetime | None:
    """Return when a claim lapses: after the time for the first follow-up; None where there was one or none is owed."""
    if handoff.first_follow_up_at is not None or handoff.agreement is None or not owes(handoff):
        return None
    limit = clocks.limit_for(handoff.agreement, measure=Measure.FIRST_FOLLOW_UP, temperature=handoff.temperature)
    if limit is None:
        return None
    hours = calendars.working_time(calendars.calendar_for(limit, owner=by, now=now))
    return hours.add(now, calendars.budget(limit, hours))


def take(
    among: HandoffQuerySet,
    handoff: Handoff,
    *,
    by: User,
    why: str,
    now: datetime,
    lapses_at: datetime | None = None,
) -> bool:
    """Make a person the owner of a handoff that nobody owns; False when somebody was first or it is not among those."""
    lead_first(handoff)
    queued = among.filter(pk=handoff.pk, round=handoff.round, owner=None, is_notice=False)
    if queued.update(owner=by, owner_since=now) != 1:
        return False
    team = handoff.to_team or by.team
    clocks.hand_to(handoff, owner=by, team=team)
    if team is not None:
        assign(handoff, user=by, team=team, why=why, now=now, by=by, lapses_at=lapses_at)
    return True


_LAPSE = """
    WITH due AS (
        SELECT line.id, line.handoff_id, line.user_id, line.team_id, line.temperature, line.lapses_at
        FROM sla_assignment AS line JOIN sla_handoff AS handoff ON handoff.id = line.handoff_id
        WHERE line.lapses_at <= %(now)s
        ORDER BY line.lapses_at LIMIT %(limit)s FOR UPDATE OF handoff SKIP LOCKED),
    back AS (
        UPDATE sla_handoff AS handoff SET owner_id = NULL, owner_since = NULL FROM due
        WHERE handoff.id = due.handoff_id AND handoff.owner_id = due.user_id AND handoff.closed_at IS NULL
          AND handoff.decision = '' AND NOT handoff.is_returned AND handoff.first_follow_up_at IS NULL
        RETURNING handoff.id),
    ended AS (
        UPDATE sla_assignment AS line SET lapses_at = NULL,
            ended_at = CASE WHEN back.id IS NULL THEN line.ended_at ELSE coalesce(line.ended_at, due.lapses_at) END
        FROM due LEFT JOIN back ON back.id = due.handoff_id WHERE line.id = due.id),
    queued AS (
        INSERT INTO sla_assignment
            (handoff_id, team_id, temperature, assigned_at, why, counts, shares, credited_back)
        SELECT due.handoff_id, due.team_id, due.temperature, due.lapses_at, %(why)s, false, '{}', false
        FROM due JOIN back ON back.id = due.handoff_id),
    handed AS (
        UPDATE sla_clock AS clock SET owner_id = NULL FROM back
        WHERE clock.handoff_id = back.id AND clock.side = 'sales' AND clock.outcome = 'running'
          AND clock.stopped_at IS NULL)
    SELECT due.handoff_id, due.user_id FROM due JOIN back ON back.id = due.handoff_id
"""


@transaction.atomic
def lapse_claims(*, now: datetime, limit: int = 500) -> int:
    """Put what was claimed and neither followed up nor answered in time back into the team's queue; clocks go on.

    One statement, whatever number of workers sweep; it ends with the moment at which the claim lapsed.

    Args:
        now: what has lapsed by then.
        limit: how many at most.

    Returns:
        How many claims lapsed.
    """
    why = str(_("The claim lapsed: no follow-up in time."))
    with connection.cursor() as cursor:
        cursor.execute(_LAPSE, {"now": now, "limit": limit, "why": why})
        lapsed: dict[int, int] = dict(cursor.fetchall())
    people = User.objects.in_bulk(set(lapsed.values()))
    for handoff in Handoff.objects.filter(pk__in=lapsed).select_related("lead__company", "to_team"):
        turn_notices.claim_lapsed(handoff, before=people[lapsed[handoff.pk]], now=now)
    return len(lapsed)
