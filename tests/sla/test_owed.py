"""What sales owes after it accepted: its clocks start, stop and add up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads import intake
from leadsla.accounts.models import User
from sla import handoff as handoffs
from sla.models import Clock, Handoff

HOUR = timedelta(hours=1)


@pytest.fixture
def accepted(mia: User, sam: User, tuesday: datetime) -> Handoff:
    """A hot lead, handed over and accepted by Sam on Tuesday at 10:00."""
    arrival = intake.Arrival(
        facts={"name": "Jana Steiner", "email": "jana@voss.example", "country": "DE"},
        kind="demo_request",
        occurred_at=tuesday,
        via="form",
    )
    lead = intake.receive(arrival, owner=mia, team=mia.team, now=tuesday).lead
    handoff = handoffs.hand_over(lead, by=mia, now=tuesday)
    handoffs.record_decision(handoff, decision="accepted", by=sam, now=tuesday)
    handoff.refresh_from_db()
    return handoff


def outcomes(handoff: Handoff) -> dict[str, str]:
    return dict(Clock.objects.filter(handoff=handoff, side="sales").values_list("measure", "outcome"))


def tell(handoff: Handoff, at: datetime, *, reached: bool = False, is_enough: bool = False) -> None:
    handoffs.record_follow_up(
        handoff, at=at, counts_as_attempt=True, reached=reached, now=at, attempts_are_enough=is_enough
    )


def test_accepting_starts_attempts_first_result_and_update(accepted: Handoff, tuesday: datetime) -> None:
    running = outcomes(accepted)
    assert {measure for measure, outcome in running.items() if outcome == "running"} == {
        "first_follow_up",
        "attempts",
        "first_result",
        "update",
    }
    # Five working days of the calendar for hot leads, Monday to Friday 9–17:30: the next Tuesday at the same hour.
    first_result = Clock.objects.get(handoff=accepted, measure="first_result")
    assert first_result.due_at == tuesday + timedelta(days=7)


def test_reaching_them_is_a_result_and_ends_the_attempts(accepted: Handoff, tuesday: datetime) -> None:
    tell(accepted, tuesday + HOUR, reached=True)
    now = outcomes(accepted)
    assert (now["attempts"], now["first_result"]) == ("met", "met")


def test_enough_attempts_keep_the_promise_but_are_no_result(accepted: Handoff, tuesday: datetime) -> None:
    tell(accepted, tuesday + HOUR)
    assert outcomes(accepted)["attempts"] == "running"
    tell(accepted, tuesday + 4 * HOUR, is_enough=True)
    now = outcomes(accepted)
    assert (now["attempts"], now["first_result"]) == ("met", "running")


def test_each_follow_up_begins_the_next_time_for_an_update(accepted: Handoff, tuesday: datetime) -> None:
    tell(accepted, tuesday + HOUR)
    met, running = Clock.objects.filter(handoff=accepted, measure="update").order_by("started_at")
    assert (met.outcome, met.stopped_at) == ("met", tuesday + HOUR)
    assert (running.outcome, running.started_at) == ("running", tuesday + HOUR)


def test_won_is_measured_from_closing_to_reporting(accepted: Handoff, tuesday: datetime) -> None:
    closed_at = tuesday + timedelta(days=10)  # Friday 13 March, 10:00
    reported_at = tuesday + timedelta(days=20)  # Monday 23 March, 10:00: six working days later, five are agreed
    handoffs.record_outcome(accepted, kind="won", at=closed_at, now=reported_at)
    clock = Clock.objects.get(handoff=accepted, measure="outcome")
    assert (clock.outcome, clock.breached_at) == ("late", closed_at + timedelta(days=7))
    handoffs.record_outcome(accepted, kind="won", at=closed_at, now=reported_at + HOUR)
    assert Clock.objects.filter(handoff=accepted, measure="outcome").count() == 1


def test_undoing_an_acceptance_leaves_no_trace_of_its_clocks(accepted: Handoff, sam: User, tuesday: datetime) -> None:
    tell(accepted, tuesday + timedelta(seconds=10))  # begins the time for an update anew
    assert handoffs.withdraw_decision(accepted.rounds.get(), now=tuesday + timedelta(seconds=20))
    assert set(outcomes(accepted)) == {"decide", "first_follow_up"}
    accepted.refresh_from_db()
    handoffs.record_decision(accepted, decision="accepted", by=sam, now=tuesday + timedelta(seconds=40))
    assert Clock.objects.filter(handoff=accepted, measure="attempts").count() == 1


def test_giving_back_is_a_result(accepted: Handoff, sam: User, tuesday: datetime) -> None:
    tell(accepted, tuesday + HOUR)
    handoffs.record_giving_back(accepted, reason="no_need", blames_marketing=False, by=sam, now=tuesday + 2 * HOUR)
    now = outcomes(accepted)
    assert (now["first_result"], now["attempts"]) == ("met", "cancelled")
