"""A contract from its draft to a missed promise. Every moment is calculated by hand beside the statement it checks.

The hours of warm leads are Monday to Friday, 9–12 and 13–17:30 in Berlin: 7.5 h a day. Mon 25 May 2026 is a holiday.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from feedback import decisions, outcomes
from leadsla.accounts.models import Role, Team, User
from leadsla.outbox.models import Message
from sla import clocks, compliance, drafting, escalation, history, pauses, signing
from sla import handoff as handoffs
from sla.models import Agreement, ClockStep, Compliance, Handoff, PauseReason
from tests.flows.contract_story import arrives, berlin, clock_of, six_months

SignIn = Callable[[User], Client]


@pytest.fixture
def tom(north: Team, sue: User) -> User:
    return User.objects.create_user(
        "tom@leadsla.example", "a long password", name="Tom Huber", roles=[Role.SALES_REP], team=north, manager=sue
    )


@pytest.fixture
def past(north: Team) -> Agreement:
    """Six months under the agreement that a new portal starts with."""
    return six_months(north)


def told(person: User, event: str) -> list[Any]:
    found = Message.objects.filter(recipient=person, channel=Message.Channel.IN_APP, event__startswith=event)
    return list(found.order_by("not_before", "pk"))


def agree(seed: Agreement, *, by: User, with_: User) -> Agreement:
    """Draft from history, propose, sign by two people of two sides."""
    now = berlin(2026, 4, 14, 10)
    # Quartiles of 8, 10, 12, 14, 16, 18: the places 1 + 5/4 and 1 + 15/4, so 10.5 and 15.5; rounded outward.
    usual = history.by_measure(seed, now=now)["quantity"].range
    assert usual is not None
    assert (usual.low, usual.high, usual.periods) == (10, 16, 6)
    draft = drafting.start_draft(seed, by=by, now=now)
    drafting.set_promise(
        draft, measure="quantity", at_least=Decimal(usual.low), at_most=Decimal(usual.high), by=by, now=now
    )
    drafting.set_promise(draft, measure="first_follow_up", at_least=Decimal(1), by=by, now=now)
    drafting.set_terms(draft, starts_on=date(2026, 5, 1), by=by, now=now)
    proposal = signing.propose(draft, by=by, now=now)
    assert told(with_, f"agreement:{proposal.pk}:proposed")
    signing.sign(proposal, side="marketing", by=by, now=now)
    signing.sign(proposal, side="sales", by=with_, now=berlin(2026, 4, 15, 9))
    proposal.refresh_from_db()
    assert proposal.status == Agreement.Status.SIGNED
    # Until it begins, the old one holds.
    assert signing.activate_due(now=berlin(2026, 4, 30, 23, 59)) == 0
    assert signing.activate_due(now=berlin(2026, 5, 1, 0, 0)) == 1
    proposal.refresh_from_db()
    seed.refresh_from_db()
    assert (proposal.status, seed.status, seed.in_force_until) == ("active", "ended", berlin(2026, 5, 1))
    return proposal


def test_from_a_draft_to_a_promise_that_was_missed(  # noqa: PLR0915  # one story
    past: Agreement,
    inbound: Team,
    mia: User,
    max_: User,
    sam: User,
    tom: User,
    sue: User,
    signed_in: SignIn,
    settings: Settings,
) -> None:
    agreement = agree(past, by=max_, with_=sue)

    # Fri 22 May, 16:50: the lead comes, is qualified, and the sweep hands it over.
    friday = berlin(2026, 5, 22, 16, 50)
    lead = arrives(inbound, at=friday)
    assert (lead.stage, lead.door, lead.temperature) == ("qualified", "nurtured", "warm")
    assert handoffs.hand_over_ready(now=friday).handed_over == 1
    handoff = Handoff.objects.get(lead=lead)
    assert handoff.agreement == agreement
    first, second = (sam, tom) if handoff.owner == sam else (tom, sam)
    # 1 h: 40 min until 17:30, the holiday, 20 min on Tuesday. A working day: 40 min, then 6 h 50 of Tuesday.
    assert clock_of(handoff, "first_follow_up").due_at == berlin(2026, 5, 26, 9, 20)
    assert clock_of(handoff, "decide").due_at == berlin(2026, 5, 26, 16, 50)

    # Over the weekend and the holiday nobody is told of anything. 80 % of the hour are 48 min: Tuesday 9:08.
    assert escalation.sweep(now=berlin(2026, 5, 25, 12)).claimed == 0
    assert escalation.sweep(now=berlin(2026, 5, 26, 9, 7)).claimed == 0
    escalation.sweep(now=berlin(2026, 5, 26, 9, 8))
    assert len(told(first, "clock:")) == 1

    # Tue 9:10 to 15:10 the lead is away: 2 h 50 and 2 h 10 of working time. 10 min and 6 h 40 are left.
    away = PauseReason.objects.get(code="lead_away")
    for measure in ("first_follow_up", "decide"):
        pauses.pause(
            clock_of(handoff, measure),
            reason=away,
            until=berlin(2026, 5, 26, 15, 10),
            note="At a customer's",
            by=first,
            now=berlin(2026, 5, 26, 9, 10),
        )
    follow_up, decide = clock_of(handoff, "first_follow_up"), clock_of(handoff, "decide")
    assert (follow_up.paused_seconds, follow_up.due_at) == (5 * 3600, berlin(2026, 5, 26, 15, 20))
    # 2 h 20 until 17:30; on Wednesday 3 h until noon and 1 h 20 from 13:00 on.
    assert decide.due_at == berlin(2026, 5, 27, 14, 20)
    assert clocks.countdown(follow_up, now=berlin(2026, 5, 26, 12)).state == "paused"
    assert escalation.sweep(now=berlin(2026, 5, 26, 15, 9)).claimed == 0

    # Tue 15:15 it changes hands; the clocks go on. 15:20 passes: the breach is the new owner's, their manager is told.
    assert handoffs.reassign(handoff, to=second, by=sue, now=berlin(2026, 5, 26, 15, 15))
    assert clock_of(handoff, "first_follow_up").due_at == berlin(2026, 5, 26, 15, 20)
    escalation.sweep(now=berlin(2026, 5, 26, 15, 20))
    assert clock_of(handoff, "first_follow_up").breached_at is None
    escalation.sweep(now=berlin(2026, 5, 26, 15, 21))
    breached = clock_of(handoff, "first_follow_up")
    assert (breached.breached_at, breached.responsible) == (berlin(2026, 5, 26, 15, 20), second)
    assert len(told(sue, f"clock:{breached.pk}")) == 1
    # A second sweep, or another worker's, takes no step twice.
    assert escalation.sweep(now=berlin(2026, 5, 26, 15, 21)).claimed == 0

    # Wed 9:30 the first call, 15:00 the answer. Used: 1 h, 2 h 10 on Tuesday, 30 min on Wednesday.
    handoff.refresh_from_db()
    call = berlin(2026, 5, 27, 9, 30)
    outcomes.log_follow_up(handoff, by=second, channel="call", result="no_answer", occurred_at=call, now=call)
    follow_up = clock_of(handoff, "first_follow_up")
    assert (follow_up.outcome, follow_up.used_seconds) == ("late", 3600 + 130 * 60 + 30 * 60)
    # The buyer waited from Friday 16:50 to Wednesday 9:30: 4 days, 16 h 40.
    assert follow_up.waited_seconds == timedelta(days=4, hours=16, minutes=40).total_seconds()
    # Four working hours after the breach it would have gone to the next in turn; it was followed up before.
    escalation.sweep(now=berlin(2026, 5, 27, 10, 51))
    handoff.refresh_from_db()
    assert handoff.owner == second
    escalation.sweep(now=berlin(2026, 5, 27, 14, 21))
    assert decisions.accept(handoff, by=second, now=berlin(2026, 5, 27, 15)).answer is not None
    decide = clock_of(handoff, "decide")
    assert (decide.outcome, decide.used_seconds) == ("late", 8 * 3600 + 10 * 60)
    taken = ClockStep.objects.filter(clock__in=(follow_up, decide)).order_by("due_at", "pk")
    assert [(step.clock.measure, step.kind, step.due_at) for step in taken.select_related("clock")] == [
        ("first_follow_up", "warned", berlin(2026, 5, 26, 9, 8)),
        ("first_follow_up", "breached", berlin(2026, 5, 26, 15, 20)),
        ("first_follow_up", "escalated", berlin(2026, 5, 26, 15, 20)),
        ("decide", "warned", berlin(2026, 5, 27, 11, 50)),
        ("decide", "breached", berlin(2026, 5, 27, 14, 20)),
        ("decide", "escalated", berlin(2026, 5, 27, 14, 20)),
    ]

    # The page behind the figure says the same, to both sides.
    settings.LEADSLA_NOW = berlin(2026, 5, 27, 15, 1).isoformat()
    for reader in (mia, sue):
        page = signed_in(reader).get(reverse("sla:clock", args=(follow_up.public_id,))).content.decode()
        for words in ("Pentecost Monday", "The lead is away", "3 h 40", "4 days 16 h 40"):
            assert words in page

    # Ten working days after the end of May: 1 to 5 and 8 to 12 June.
    compliance.replay(now=berlin(2026, 6, 12, 17, 29))
    may = Compliance.objects.filter(agreement=agreement, period_start=date(2026, 5, 1))
    row = may.get(commitment__measure="first_follow_up")
    assert (row.kept, row.cases, row.status, row.is_settled) == (0, 1, "missed", False)
    compliance.replay(now=berlin(2026, 6, 12, 17, 31))
    row.refresh_from_db()
    assert (row.kept, row.cases, row.status, row.is_settled) == (0, 1, "missed", True)
    # One lead was handed over in May, of the ten that were promised; one of one decision was late, which is too few.
    quantity = may.get(commitment__measure="quantity")
    assert (quantity.kept, quantity.status) == (1, "missed")
    assert may.get(commitment__measure="decide").status == "too_few"
