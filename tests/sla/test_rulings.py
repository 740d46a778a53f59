"""Marketing contests a rejection once; a manager of each side rules, or the person whom the agreement names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from feedback import decisions
from feedback.models import Reason
from leads.models import Interaction, InteractionKind, Lead, Stage
from leadsla.accounts.models import Role, Team, User
from leadsla.outbox.models import Message
from sla import handoff as handoffs
from sla import rulings, turn_credits
from sla.models import Agreement, Clock, Handoff, Round
from tests.sla.routing_facts import DAY, HOUR, MINUTE, accept, balance, berlin, reject, rep

MakeLead = Callable[..., Lead]


@pytest.fixture
def rejected(asks: MakeLead, sam: User, sue: User, mia: User, max_: User, tuesday: datetime) -> Handoff:
    """A hot lead that Sam rejected after two minutes of its five; marketing has not touched it since."""
    handed = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    reject(handed, by=sam, now=tuesday + 2 * MINUTE)
    handed.refresh_from_db()
    return handed


@pytest.fixture
def contested(rejected: Handoff, mia: User, tuesday: datetime) -> Handoff:
    assert handoffs.contest(rejected, why="The number is right, I called it.", by=mia, now=tuesday + HOUR)
    return rejected


def ruling(handoff: Handoff) -> Round:
    return handoff.rounds.get(number=1)


# --- contest


def test_a_contest_asks_both_managers_and_has_five_working_days(
    contested: Handoff, mia: User, sue: User, max_: User, tuesday: datetime
) -> None:
    found = ruling(contested)
    assert (found.contested_at, found.contested_by) == (tuesday + HOUR, mia)
    assert found.contest == "The number is right, I called it."
    assert found.ruling_due_at == berlin(2026, 3, 10, 11, 0)
    for manager in (sue, max_):
        told = Message.objects.filter(recipient=manager, channel="in_app").get()
        assert told.subject == "Rejection contested: Kern, Karin Kern"


def test_a_rejection_is_contested_once(contested: Handoff, mia: User, tuesday: datetime) -> None:
    assert not handoffs.contest(contested, why="Again.", by=mia, now=tuesday + 2 * HOUR)
    assert ruling(contested).contest == "The number is right, I called it."


def test_only_a_rejection_is_contested_and_with_a_reason(
    asks: MakeLead, rejected: Handoff, mia: User, sam: User, tuesday: datetime
) -> None:
    with pytest.raises(rulings.Refused) as refused:
        handoffs.contest(rejected, why="  ", by=mia, now=tuesday)
    assert list(refused.value.errors) == ["why"]
    other = handoffs.hand_over(asks("Petra Pick", at=tuesday, domain="pick.example"), by=None, now=tuesday)
    assert not handoffs.contest(other, why="Why not?", by=mia, now=tuesday)
    accept(other, by=sam, now=tuesday)
    assert not handoffs.contest(other, why="Why not?", by=mia, now=tuesday)


def test_a_contested_decision_is_not_taken_back(contested: Handoff, tuesday: datetime) -> None:
    assert not handoffs.withdraw_decision(ruling(contested), now=tuesday + 2 * HOUR)


# --- rule


def test_both_managers_must_say_the_same(contested: Handoff, sue: User, max_: User, tuesday: datetime) -> None:
    assert not handoffs.rule(contested, ruling="upheld", by=max_, now=tuesday + 2 * HOUR)
    assert ruling(contested).ruling == ""
    assert handoffs.rule(contested, ruling="upheld", by=sue, now=tuesday + 3 * HOUR)
    found = ruling(contested)
    assert (found.ruling, found.ruled_at, found.ruled_by) == ("upheld", tuesday + 3 * HOUR, sue)
    contested.refresh_from_db()
    assert contested.decision == "rejected"
    assert not handoffs.rule(contested, ruling="overturned", by=sue, now=tuesday + 4 * HOUR)


def test_a_manager_may_come_round(contested: Handoff, sue: User, max_: User, tuesday: datetime) -> None:
    assert not handoffs.rule(contested, ruling="overturned", by=max_, now=tuesday + 2 * HOUR)
    assert not handoffs.rule(contested, ruling="upheld", by=sue, now=tuesday + 3 * HOUR)
    assert handoffs.rule(contested, ruling="upheld", by=max_, now=tuesday + 4 * HOUR)
    assert ruling(contested).ruling == "upheld"


def test_where_they_differ_the_named_person_decides(
    contested: Handoff, sue: User, max_: User, olga: User, tuesday: datetime
) -> None:
    Agreement.objects.update(ruling_person=olga)
    contested = Handoff.objects.get(pk=contested.pk)
    with pytest.raises(rulings.Refused, match="only when the managers of both sides differ"):
        handoffs.rule(contested, ruling="upheld", by=olga, now=tuesday + 2 * HOUR)
    handoffs.rule(contested, ruling="overturned", by=max_, now=tuesday + 2 * HOUR)
    handoffs.rule(contested, ruling="upheld", by=sue, now=tuesday + 2 * HOUR)
    assert ruling(contested).ruling == ""
    assert Message.objects.filter(recipient=olga, channel="in_app").get().subject.startswith("Your word decides")
    assert handoffs.rule(contested, ruling="upheld", by=olga, now=tuesday + 3 * HOUR)
    assert (ruling(contested).ruling, ruling(contested).ruled_by) == ("upheld", olga)


def test_who_heads_both_sides_speaks_once_for_each(contested: Handoff, north: Team, tuesday: datetime) -> None:
    both = rep("Bea Beide", north)
    both.roles = [Role.MARKETING_MANAGER, Role.SALES_MANAGER]
    both.save(update_fields=["roles"])
    with pytest.raises(rulings.Refused) as refused:
        handoffs.rule(contested, ruling="upheld", by=both, now=tuesday + 2 * HOUR)
    assert list(refused.value.errors) == ["side"]
    assert not handoffs.rule(contested, ruling="upheld", by=both, side="marketing", now=tuesday + 2 * HOUR)
    assert handoffs.rule(contested, ruling="upheld", by=both, side="sales", now=tuesday + 2 * HOUR)


def test_others_have_no_word(contested: Handoff, sam: User, mia: User, tuesday: datetime) -> None:
    for user in (sam, mia):
        with pytest.raises(rulings.Refused, match="Only a manager of each side"):
            handoffs.rule(contested, ruling="upheld", by=user, now=tuesday + 2 * HOUR)
    with pytest.raises(rulings.Refused):
        handoffs.rule(contested, ruling="neither", by=sam, now=tuesday + 2 * HOUR)


# --- overturned


def overturn(handoff: Handoff, *, sue: User, max_: User, now: datetime) -> None:
    handoffs.rule(handoff, ruling="overturned", by=max_, now=now)
    assert handoffs.rule(handoff, ruling="overturned", by=sue, now=now)
    handoff.refresh_from_db()


def test_overturned_it_is_with_the_rep_again_as_accepted_with_the_time_used(
    contested: Handoff, sam: User, sue: User, max_: User, tuesday: datetime
) -> None:
    assert Clock.objects.get(handoff=contested, measure="first_follow_up").outcome == "cancelled"
    overturn(contested, sue=sue, max_=max_, now=tuesday + DAY)
    assert (contested.decision, contested.round, contested.owner, contested.closed_at) == ("accepted", 2, sam, None)
    opened = contested.rounds.get(number=2)
    assert (opened.opened_because, opened.decision, opened.decided_at) == ("overturned", "accepted", tuesday + DAY)
    assert (ruling(contested).decision, ruling(contested).ruling) == ("rejected", "overturned")
    goes_on = Clock.objects.get(handoff=contested, measure="first_follow_up", round=2)
    assert goes_on.due_at == tuesday + DAY + 3 * MINUTE  # two of five minutes were used
    assert not Clock.objects.filter(handoff=contested, measure="decide", round=2).exists()
    assert Clock.objects.filter(handoff=contested, measure="first_result", round=2).exists()
    assert Lead.objects.get().stage == Stage.ACCEPTED


def test_overturned_after_it_rested_the_lead_comes_back_from_there(
    asks: MakeLead, sam: User, sue: User, mia: User, max_: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    reason = Reason.objects.get(code="wrong_person")
    decisions.reject(handed, reason=reason, by=sam, now=tuesday + MINUTE, asked={"text": "Intern"}, quality=2)
    decisions.carry_out_due(now=tuesday + HOUR)
    handed.refresh_from_db()
    assert handed.closed_because == "rejected"
    assert handoffs.contest(handed, why="She is the head.", by=mia, now=tuesday + 2 * HOUR)
    overturn(handed, sue=sue, max_=max_, now=tuesday + DAY)
    assert (handed.decision, handed.closed_at, handed.closed_because) == ("accepted", None, "")
    lead = Lead.objects.get()
    assert (lead.stage, lead.recycled_until) == (Stage.ACCEPTED, None)


def test_what_was_to_follow_from_a_rejection_does_not_once_it_is_overturned(
    asks: MakeLead, sam: User, mia: User, sue: User, max_: User, tuesday: datetime
) -> None:
    handed = handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)
    reason = Reason.objects.get(code="spam_or_test")  # it blocks the lead, a minute later
    assert decisions.reject(handed, reason=reason, by=sam, now=tuesday, asked={}, quality=1).answer is not None
    assert handoffs.contest(handed, why="I called it.", by=mia, now=tuesday)
    overturn(handed, sue=sue, max_=max_, now=tuesday)
    assert decisions.carry_out_due(now=tuesday + HOUR) == 1
    handed.refresh_from_db()
    assert (handed.closed_at, handed.decision, handed.round) == (None, "accepted", 2)
    assert Lead.objects.get(pk=handed.lead_id).blocked_at is None


def test_overturned_while_the_lead_is_elsewhere_only_the_figures_change(
    contested: Handoff, sue: User, max_: User, tuesday: datetime
) -> None:
    Lead.objects.update(blocked_at=tuesday)
    overturn(contested, sue=sue, max_=max_, now=tuesday + DAY)
    assert (contested.decision, contested.round, ruling(contested).ruling) == ("rejected", 1, "overturned")


def test_an_overturned_rejection_takes_a_credited_turn_again(
    rejected: Handoff, north: Team, mia: User, sam: User, sue: User, max_: User, tuesday: datetime
) -> None:
    other = rep("Tom Tal", north)
    Interaction.objects.create(
        lead=rejected.lead, kind=InteractionKind.EMAIL_BOUNCE, occurred_at=tuesday, recorded_at=tuesday
    )
    line = rejected.assignments.get()
    line.shares = {str(sam.pk): 0.5, str(other.pk): 0.5}
    line.save()
    assert turn_credits.sweep(now=tuesday + HOUR) == 1
    assert (balance(sam), balance(other)) == (0.5, -0.5)
    assert handoffs.contest(rejected, why="It bounced once only.", by=mia, now=tuesday + HOUR)
    overturn(rejected, sue=sue, max_=max_, now=tuesday + DAY)
    assert (balance(sam), balance(other)) == (0.0, 0.0)
    assert turn_credits.sweep(now=tuesday + 2 * DAY) == 0


# --- too late


def test_nobody_ruled_in_time_so_it_counts_for_neither(
    contested: Handoff, sue: User, max_: User, tuesday: datetime
) -> None:
    due = berlin(2026, 3, 10, 11, 0)
    handoffs.rule(contested, ruling="overturned", by=max_, now=tuesday + 2 * HOUR)
    assert rulings.lapse(now=due) == 0  # to the minute is in time
    assert rulings.lapse(now=due + HOUR) == 1
    found = ruling(contested)
    assert (found.ruling, found.ruled_at, found.ruled_by) == ("neither", due, None)
    assert rulings.lapse(now=due + DAY) == 0
    assert not handoffs.rule(contested, ruling="overturned", by=sue, now=due + DAY)
