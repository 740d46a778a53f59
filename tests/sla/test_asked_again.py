"""A lead that asks while it is in work is owed an answer, where the agreement promises one. Calculated by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from leads import intake
from leads.models import InteractionKind, Lead
from leadsla.accounts.models import User
from sla import asked_again, escalation
from sla import handoff as handoffs
from sla.models import Agreement, Clock, Commitment, Decision, EscalationStep, Handoff, Target, TimeLimit
from tests.sla.clock_facts import HOUR, MINUTE, MakeLead, berlin, handed_over


def promise(*, minutes: int = 5) -> None:
    """Let the first agreement promise an answer to requests."""
    agreement = Agreement.objects.get()
    commitment, _is_new = Commitment.objects.get_or_create(measure="answer", side="sales")
    target = Target.objects.create(agreement=agreement, commitment=commitment, position=99, at_least="0.9")
    calendar = TimeLimit.objects.get(target__commitment__measure="first_follow_up", temperature="hot").calendar
    TimeLimit.objects.create(target=target, temperature="hot", minutes=minutes, calendar=calendar)


def ask(lead: Lead, *, at: datetime, recorded_at: datetime | None = None, kind: str = "contact_request") -> None:
    """Let a lead ask, as a form on the website tells it."""
    arrival = intake.Arrival(
        facts={"email": lead.email, "name": lead.name},
        kind=InteractionKind(kind),
        occurred_at=at,
        key=f"{kind} {at}",
    )
    intake.receive(arrival, now=recorded_at or at)


def answers() -> list[Clock]:
    return list(Clock.objects.filter(measure="answer").order_by("started_at", "pk"))


@pytest.fixture
def warm(asks: MakeLead, sam: User, sue: User) -> Handoff:
    """Warm, handed over on Tuesday 3 March 2026 at 10:00 to Sam."""
    moment = berlin(2026, 3, 3, 10, 0)
    return handed_over(asks(at=moment), at=moment, temperature="warm")


def test_a_request_starts_a_clock_with_the_hot_target(warm: Handoff, sam: User) -> None:
    promise()
    assert asked_again.start(now=berlin(2026, 3, 3, 10, 1)) == 0  # the request before the handover is not meant
    asked = berlin(2026, 3, 3, 17, 28)
    ask(warm.lead, at=asked)
    assert asked_again.start(now=asked + MINUTE) == 1
    assert asked_again.start(now=asked + MINUTE) == 0
    started = answers()[0]
    # Two minutes on Tuesday, three on Wednesday.
    assert (started.started_at, started.due_at) == (asked, berlin(2026, 3, 4, 9, 3))
    assert (started.side, started.owner, started.temperature, started.handoff) == ("sales", sam, "hot", warm)
    # It escalates as hot clocks do that no step names.
    assert [EscalationStep.objects.get(pk=step).action for step in started.plan_steps] == ["owner", "manager"]


def test_nothing_is_started_where_nothing_is_promised(warm: Handoff) -> None:
    asked = berlin(2026, 3, 3, 11, 0)
    ask(warm.lead, at=asked)
    assert asked_again.start(now=asked + MINUTE) == 0
    promise()
    ask(warm.lead, at=asked + HOUR, kind="pricing_view")  # that is no request
    Clock.objects.filter(measure="answer").delete()
    assert asked_again.start(now=asked + HOUR, since=timedelta(minutes=30)) == 0


def test_the_next_follow_up_stops_it_and_an_earlier_one_does_not(warm: Handoff) -> None:
    promise()
    asked = berlin(2026, 3, 3, 11, 0)
    ask(warm.lead, at=asked)
    asked_again.start(now=asked)
    before = asked - 30 * MINUTE  # entered only now
    handoffs.record_follow_up(warm, at=before, counts_as_attempt=True, reached=False, now=asked + MINUTE)
    assert answers()[0].outcome == "running"
    done = asked + 4 * MINUTE
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=False, now=done)
    stopped = answers()[0]
    assert (stopped.outcome, stopped.stopped_at, stopped.used_seconds) == ("met", done, 240.0)


def test_what_was_answered_before_the_sweep_is_measured(warm: Handoff) -> None:
    promise()
    asked, done = berlin(2026, 3, 3, 11, 0), berlin(2026, 3, 3, 11, 7)
    ask(warm.lead, at=asked)
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=done)
    assert asked_again.start(now=done + MINUTE) == 1
    late = answers()[0]
    assert (late.outcome, late.stopped_at, late.breached_at) == ("late", done, asked + 5 * MINUTE)
    assert asked_again.start(now=done + 2 * MINUTE) == 0


def test_one_clock_for_all_requests_that_wait_and_a_new_one_after_the_answer(warm: Handoff, sam: User) -> None:
    promise()
    first = berlin(2026, 3, 3, 11, 0)
    for minutes in (0, 2, 20):
        ask(warm.lead, at=first + minutes * MINUTE)
    assert asked_again.start(now=first + 21 * MINUTE) == 1
    done = first + 30 * MINUTE
    handoffs.record_follow_up(warm, at=done, counts_as_attempt=True, reached=True, now=done)
    assert asked_again.start(now=done) == 0
    ask(warm.lead, at=done + HOUR)
    assert asked_again.start(now=done + HOUR) == 1
    assert [clock.started_at for clock in answers()] == [first, done + HOUR]


def test_an_accepted_lead_that_asks_again_is_owed_an_answer_a_closed_one_is_not(warm: Handoff, sam: User) -> None:
    promise()
    accepted = berlin(2026, 3, 3, 11, 0)
    handoffs.record_decision(warm, decision=Decision.ACCEPTED, by=sam, now=accepted)
    ask(warm.lead, at=accepted + HOUR)
    assert asked_again.start(now=accepted + HOUR) == 1
    handoffs.close(warm, because="lost", now=accepted + 2 * HOUR)
    assert [clock.outcome for clock in answers()] == ["missed"]
    ask(warm.lead, at=accepted + 3 * HOUR)
    assert asked_again.start(now=accepted + 3 * HOUR) == 0


def test_a_withdrawn_rejection_lets_it_run_on(warm: Handoff, sam: User) -> None:
    promise(minutes=60)
    asked = berlin(2026, 3, 3, 11, 0)
    ask(warm.lead, at=asked)
    asked_again.start(now=asked)
    said = handoffs.record_decision(
        warm, decision=Decision.REJECTED, by=sam, now=asked + 10 * MINUTE, reason="too_early"
    )
    assert answers()[0].outcome == "cancelled"
    assert said is not None
    assert handoffs.withdraw_decision(said, now=asked + 11 * MINUTE)
    assert (answers()[0].outcome, answers()[0].due_at) == ("running", berlin(2026, 3, 3, 12, 0))
    escalation.sweep(now=berlin(2026, 3, 3, 13, 1))
    assert answers()[0].breached_at == berlin(2026, 3, 3, 12, 0)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_sweeps_at_once_start_it_once(asks: MakeLead, sam: User, sue: User) -> None:
    promise()
    moment = berlin(2026, 3, 3, 10, 0)
    asked = moment + HOUR
    for number in range(3):
        lead = asks(f"Person No{number}", at=moment, domain=f"no{number}.example")
        handed_over(lead, at=moment, temperature="warm")
        ask(lead, at=asked)
    ready = threading.Barrier(4)

    def work() -> None:
        try:
            ready.wait(timeout=30)
            asked_again.start(now=asked + MINUTE)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(answers()) == 3


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_is_at_work_on_the_lead_is_not_waited_for(warm: Handoff) -> None:
    promise()
    asked = berlin(2026, 3, 3, 11, 0)
    ask(warm.lead, at=asked)
    started: list[int] = []

    def work() -> None:
        try:
            started.append(asked_again.start(now=asked + MINUTE))
        finally:
            connection.close()

    with transaction.atomic():
        Lead.objects.select_for_update().get(pk=warm.lead_id)
        sweep = threading.Thread(target=work)
        sweep.start()
        sweep.join(timeout=60)
    assert started == [0]
    assert asked_again.start(now=asked + 2 * MINUTE) == 1


def test_a_portal_without_the_promise_asks_one_small_question(
    warm: Handoff, django_assert_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_num_queries(3):  # a savepoint, which agreements promise it, and its release
        assert asked_again.start(now=berlin(2026, 3, 3, 12, 0)) == 0
