"""Open a round of a handoff: its pack, its place in the ledger of turns, its clocks, its notice. Serves sla.handoff."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from leads.models import Lead
from leadsla.accounts.models import Team, User
from sla import clocks, notices, packs, turns
from sla.calendars import calendar_for, working_time
from sla.models import Assignment, Clock, Commitment, Handoff, ReleasePlan, Round

Measure = Commitment.Measure


def open_round(
    handoff: Handoff,
    *,
    because: Round.OpenedBecause,
    now: datetime,
    lead: Lead | None = None,
    plan: ReleasePlan | None = None,
    note: str = "",
) -> Round:
    """Open the round that the handoff's columns name: freeze a pack, start what sales owes, tell the owner.

    *Decide* starts with each round, *first follow-up* until there was one. A notice has a pack, but owes nothing; so
    does a second leg whose agreement does not cover it. After an overturned rejection there is nothing to decide.

    Args:
        handoff: saved, with round, team and owner of the new round.
        because: why.
        now: the moment.
        lead: the handoff's, where it is at hand as `loaded` gives it.
        plan: the release plan that it comes from, with its own times; later rounds find it by themselves.
        note: what whoever passes it on says.
    """
    lead = lead or loaded(handoff.lead_id)
    pack, person = packs.freeze(lead, agreement=handoff.agreement, now=now)
    if note:
        person["passed_on"] = note  # free text, so it is kept where erasure empties
    opened = Round.objects.create(
        handoff=handoff,
        number=handoff.round,
        opened_at=now,
        opened_because=because,
        to_team=handoff.to_team,
        owner=handoff.owner,
        pack=pack,
        person=person,
        pack_version=packs.VERSION,
    )
    if handoff.is_notice or handoff.agreement is None:
        return opened
    started: list[Clock] = []
    for measure, left in _owed(handoff, because=because, plan=plan, now=now).items():
        clock = clocks.start(
            measure=measure,
            lead=lead,
            agreement=handoff.agreement,
            temperature=handoff.temperature,
            at=now,
            now=now,
            handoff=handoff,
            round_number=handoff.round,
            owner=handoff.owner,
            team=handoff.to_team,
            left=left,
        )
        if clock is not None:
            started.append(clock)
    notices.handed_over(handoff, because=because, due=started, now=now)
    return opened


def _owed(
    handoff: Handoff, *, because: Round.OpenedBecause, plan: ReleasePlan | None, now: datetime
) -> dict[str, timedelta | None]:
    """Return what sales owes in a new round, and the working time for it; None for all that is agreed."""
    if not owes(handoff):
        return {}
    if plan is None and because != Round.OpenedBecause.HANDED_OVER:
        plan = ReleasePlan.objects.filter(items__handoff=handoff).first()
    found: dict[str, timedelta | None] = {}
    if because != Round.OpenedBecause.OVERTURNED:
        found[Measure.DECIDE] = _of_plan(handoff, Measure.DECIDE, plan.decide_working_days if plan else None, now=now)
    goes_on = because in {Round.OpenedBecause.FIXED, Round.OpenedBecause.OVERTURNED}
    before = _first_follow_up_before(handoff) if goes_on else None
    if handoff.first_follow_up_at is None and (before is None or before.outcome == Clock.Outcome.CANCELLED):
        days = plan.follow_up_working_days if plan else None
        own = _of_plan(handoff, Measure.FIRST_FOLLOW_UP, days, now=now)
        found[Measure.FIRST_FOLLOW_UP] = own if before is None else _left(before)
    return found


def owes(handoff: Handoff) -> bool:
    """Tell whether times run for a handoff: not for a notice, for a second leg only where the agreement covers it."""
    if handoff.is_notice or handoff.agreement is None:
        return False
    return handoff.leg == 1 or handoff.agreement.covers_second_leg


def _of_plan(handoff: Handoff, measure: str, working_days: int | None, *, now: datetime) -> timedelta | None:
    """Return the working time that a release plan gives, in days of the calendar under which the clock runs."""
    if working_days is None or handoff.agreement is None:
        return None
    limit = clocks.limit_for(handoff.agreement, measure=measure, temperature=handoff.temperature)
    if limit is None:
        return None
    return working_time(calendar_for(limit, owner=handoff.owner, now=now)).working_day * working_days


def _first_follow_up_before(handoff: Handoff) -> Clock | None:
    """Return the clock for the first follow-up that the rejection ended; what is missed by then is missed for good."""
    return handoff.clocks.filter(measure=Measure.FIRST_FOLLOW_UP, round__lt=handoff.round).order_by("round").last()


def _left(clock: Clock) -> timedelta:
    return timedelta(seconds=max(0.0, clock.budget_seconds - (clock.used_seconds or 0)))


def loaded(lead_id: int) -> Lead:
    """Return a lead with what most packs and routes look at; more joins cost more in planning than they save."""
    return Lead.objects.select_related("company__owner", "last_source", "last_campaign", "score_model").get(pk=lead_id)


def assign(
    handoff: Handoff,
    *,
    user: User | None,
    team: Team,
    why: str,
    now: datetime,
    by: User | None = None,
    counts: bool = True,
    shares: Mapping[int, float] | None = None,
    lapses_at: datetime | None = None,
) -> Assignment:
    """Write into the ledger who has a handoff from now on, ending what was before.

    Args:
        handoff: which.
        user: who has it; None puts it into the team's queue.
        team: theirs, or the queue's.
        why: in words.
        now: the moment.
        by: who decided it.
        counts: whether it may be one of the person's turns.
        shares: what the turn was chosen on; None where it was nobody's turn.
        lapses_at: when a claim ends by itself.
    """
    handoff.assignments.filter(ended_at=None).update(ended_at=now)
    line = Assignment(
        handoff=handoff,
        user=user,
        team=team,
        temperature=handoff.temperature,
        assigned_at=now,
        why=why[:250],
        by=by,
        counts=counts and user is not None and (shares is not None or turns.takes_turns(user, team)),
        lapses_at=lapses_at,
    )
    if line.counts:
        line.shares = turns.take(line, shares=shares, now=now)
    line.save()
    return line
