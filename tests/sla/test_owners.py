"""Whose a handoff is: offered to the team, passed to the next in turn, claimed in line, lapsed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from leads.models import Lead
from leadsla.accounts.models import AwayTime, Team, User
from leadsla.outbox.models import Message
from sla import handoff as handoffs
from sla.models import Agreement, Assignment, Clock, Handoff
from tests.sla.routing_facts import DAY, HOUR, MINUTE, accept, berlin, rep

MakeLead = Callable[..., Lead]


@pytest.fixture
def handed(asks: MakeLead, sam: User, tuesday: datetime) -> Handoff:
    return handoffs.hand_over(asks(at=tuesday), by=None, now=tuesday)


@pytest.fixture
def queued(asks: MakeLead, north: Team, sam: User, tuesday: datetime) -> Handoff:
    """A hot lead in the team's queue since Tuesday 10:00; first follow-up within five minutes."""
    AwayTime.objects.create(user=sam, starts_at=tuesday - DAY, ends_at=tuesday + MINUTE)
    found = handoffs.hand_over(asks(at=tuesday), by=None, now=tuesday)
    assert found.owner is None
    return found


def told(user: User) -> list[str]:
    return list(
        Message.objects.filter(recipient=user, channel="in_app").order_by("pk").values_list("subject", flat=True)
    )


# --- offered


def test_what_lies_is_offered_to_the_team_and_its_clocks_go_on(
    handed: Handoff, north: Team, sam: User, tuesday: datetime
) -> None:
    due = Clock.objects.get(handoff=handed, measure="decide").due_at
    assert handoffs.offer(handed, now=tuesday + HOUR)
    assert (handed.owner, handed.to_team, handed.decision) == (None, north, "")
    decide = Clock.objects.get(handoff=handed, measure="decide")
    assert (decide.owner, decide.team, decide.due_at) == (None, north, due)
    assert told(sam)[-1] == "Offered to the team: Kern, Karin Kern"
    assert handoffs.claim(handed, by=sam, now=tuesday + 2 * HOUR)


def test_what_was_answered_or_offered_is_not_offered_again(handed: Handoff, sam: User, tuesday: datetime) -> None:
    stale = Handoff.objects.get(pk=handed.pk)
    accept(handed, by=sam, now=tuesday)
    assert not handoffs.offer(stale, now=tuesday + HOUR)
    assert not handoffs.offer(handed, now=tuesday + HOUR)
    handed.refresh_from_db()
    assert handed.owner == sam


# --- the next in turn


def test_the_next_in_turn_gets_it_and_both_are_told(handed: Handoff, north: Team, sam: User, tuesday: datetime) -> None:
    other = rep("Tom Tal", north)
    due = Clock.objects.get(handoff=handed, measure="decide").due_at
    assert handoffs.pass_to_next(handed, now=tuesday + HOUR) == other
    handed.refresh_from_db()
    assert (handed.owner, handed.owner_since) == (other, tuesday + HOUR)
    assert Clock.objects.get(handoff=handed, measure="decide").due_at == due
    assert told(sam)[-1] == "No longer yours: Kern, Karin Kern"
    assert told(other) == ["Now yours: Kern, Karin Kern"]


def test_it_is_never_the_same_person_again(handed: Handoff, sam: User, tuesday: datetime) -> None:
    assert handoffs.pass_to_next(handed, now=tuesday + HOUR) is None
    handed.refresh_from_db()
    assert handed.owner == sam


def test_where_the_agreement_says_so_the_clocks_begin_anew(
    handed: Handoff, north: Team, sam: User, tuesday: datetime
) -> None:
    Agreement.objects.update(restarts_on_reassignment=True)
    rep("Tom Tal", north)
    handoffs.pass_to_next(Handoff.objects.get(pk=handed.pk), now=tuesday + HOUR)
    assert Clock.objects.get(handoff=handed, measure="decide").due_at == berlin(2026, 3, 3, 15, 0)


# --- claimed


def test_claiming_gives_the_next_in_line(
    asks: MakeLead, queued: Handoff, north: Team, sam: User, tuesday: datetime
) -> None:
    AwayTime.objects.update(ends_at=tuesday + DAY)
    later = handoffs.hand_over(asks("Petra Pick", at=tuesday, domain="pick.example"), by=None, now=tuesday + MINUTE)
    assert not handoffs.claim(later, by=sam, now=tuesday + 2 * MINUTE)
    assert handoffs.claim_next(by=sam, now=tuesday + 2 * MINUTE) == queued
    assert handoffs.claim(later, by=sam, now=tuesday + 2 * MINUTE)


def test_a_claim_lapses_after_the_time_for_the_first_follow_up(
    queued: Handoff, north: Team, sam: User, tuesday: datetime
) -> None:
    due = Clock.objects.get(handoff=queued, measure="decide").due_at
    assert handoffs.claim(queued, by=sam, now=tuesday + HOUR)
    assert handoffs.lapse_claims(now=tuesday + HOUR + 4 * MINUTE) == 0
    assert handoffs.lapse_claims(now=tuesday + 2 * HOUR) == 1
    queued.refresh_from_db()
    assert queued.owner is None
    lines = list(Assignment.objects.order_by("pk").values_list("user", "assigned_at", "ended_at", "lapses_at"))
    lapsed = tuesday + HOUR + 5 * MINUTE
    assert lines[1:] == [(sam.pk, tuesday + HOUR, lapsed, None), (None, lapsed, None, None)]
    decide = Clock.objects.get(handoff=queued, measure="decide")
    assert (decide.owner, decide.due_at, decide.outcome) == (None, due, "running")
    assert told(sam)[-1] == "Your claim lapsed: Kern, Karin Kern"
    assert handoffs.lapse_claims(now=tuesday + 3 * HOUR) == 0


def test_a_claim_that_was_followed_up_or_answered_stays(queued: Handoff, sam: User, tuesday: datetime) -> None:
    handoffs.claim(queued, by=sam, now=tuesday + HOUR)
    handoffs.record_follow_up(
        queued, at=tuesday + HOUR, counts_as_attempt=True, reached=False, now=tuesday + HOUR + MINUTE
    )
    assert handoffs.lapse_claims(now=tuesday + DAY) == 0
    queued.refresh_from_db()
    assert queued.owner == sam
    assert not Assignment.objects.filter(lapses_at__isnull=False).exists()  # it is not looked at again
