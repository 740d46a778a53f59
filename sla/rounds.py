"""Open a round of a handoff: its pack, its place in the ledger of turns, its clocks, its notice. Serves sla.handoff."""

from __future__ import annotations

from datetime import datetime, timedelta

from leads.models import Lead
from leadsla.accounts.models import Team, User
from sla import clocks, notices, packs
from sla.models import Assignment, Clock, Commitment, Handoff, Round

Measure = Commitment.Measure


def open_round(handoff: Handoff, *, because: Round.OpenedBecause, now: datetime, lead: Lead | None = None) -> Round:
    """Open the round that the handoff's columns name: freeze a pack, start what sales owes, tell the owner.

    *Decide* starts with each round, *first follow-up* until there was one. A notice has a pack, but owes nothing.

    Args:
        handoff: saved, with round, team and owner of the new round.
        because: why.
        now: the moment.
        lead: the handoff's, where it is at hand as `loaded` gives it.
    """
    lead = lead or loaded(handoff.lead_id)
    pack, person = packs.freeze(lead, agreement=handoff.agreement, now=now)
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
    owed: dict[str, timedelta | None] = {Measure.DECIDE: None}
    before = _first_follow_up_before(handoff) if because == Round.OpenedBecause.FIXED else None
    if handoff.first_follow_up_at is None and (before is None or before.outcome == Clock.Outcome.CANCELLED):
        owed[Measure.FIRST_FOLLOW_UP] = _left(before) if before is not None else None
    started: list[Clock] = []
    for measure, left in owed.items():
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
) -> Assignment:
    """Write into the ledger who has a handoff from now on, ending what was before."""
    handoff.assignments.filter(ended_at=None).update(ended_at=now)
    return Assignment.objects.create(
        handoff=handoff,
        user=user,
        team=team,
        temperature=handoff.temperature,
        assigned_at=now,
        why=why[:250],
        by=by,
        counts=counts and user is not None,
    )
