"""Who takes over from a person that leaves: handoffs with their clocks, recycled leads, accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from leads.models import Company, Lead
from leadsla.accounts.models import AwayTime, Team, User
from leadsla.outbox.models import Message
from sla import handoff as handoffs
from sla import succession
from sla.models import Assignment, Clock, Handoff, Succession
from tests.sla.routing_facts import DAY, HOUR, MINUTE, accept, balance, reject, rep

MakeLead = Callable[..., Lead]


@pytest.fixture
def handed(asks: MakeLead, sam: User, mia: User, tuesday: datetime) -> Handoff:
    return handoffs.hand_over(asks(at=tuesday), by=mia, now=tuesday)


def test_open_handoffs_go_over_and_their_clocks_go_on(
    handed: Handoff, north: Team, sam: User, ada: User, tuesday: datetime
) -> None:
    heir = rep("Hanna Erbe", north)
    due = Clock.objects.get(handoff=handed, measure="decide").due_at
    made = succession.hand_on(sam, to=heir, by=ada, now=tuesday + HOUR)
    assert (made.handoffs, made.leads, made.successor) == (1, 0, heir)
    handed.refresh_from_db()
    assert (handed.owner, handed.owner_since) == (heir, tuesday + HOUR)
    decide = Clock.objects.get(handoff=handed, measure="decide")
    assert (decide.owner, decide.due_at, decide.outcome) == (heir, due, "running")
    lines = Assignment.objects.order_by("pk").values_list("user", "ended_at", "counts")
    assert list(lines) == [(sam.pk, tuesday + HOUR, True), (heir.pk, None, False)]
    assert balance(heir) == 0.0  # taking over is nobody's turn
    assert not User.objects.get(pk=sam.pk).is_active
    assert (
        Message.objects.filter(recipient=heir, channel="in_app").get().subject
        == "You take over from Sam Becker: 1 lead"
    )


def test_a_recycled_lead_comes_back_to_the_successor(
    handed: Handoff, north: Team, sam: User, ada: User, mia: User, tuesday: datetime
) -> None:
    heir = rep("Hanna Erbe", north)
    handoffs.withdraw(handed, by=mia, now=tuesday + HOUR)
    assert Lead.objects.get().previous_owner == sam
    made = succession.hand_on(sam, to=heir, by=ada, now=tuesday + DAY)
    assert (made.handoffs, made.leads) == (0, 1)
    assert Lead.objects.get().previous_owner == heir


def test_accounts_and_duties_as_stand_in_go_over(
    handed: Handoff, north: Team, sam: User, nia: User, ada: User, tuesday: datetime
) -> None:
    heir = rep("Hanna Erbe", north)
    Company.objects.update(owner=sam)
    AwayTime.objects.create(user=nia, starts_at=tuesday, ends_at=tuesday + 9 * DAY, stand_in=sam)
    succession.hand_on(sam, to=heir, by=ada, now=tuesday + HOUR)
    assert Company.objects.get().owner == heir
    assert AwayTime.objects.get().stand_in == heir


@pytest.mark.parametrize("who", ["themselves", "marketing", "inactive"])
def test_who_cannot_take_over_is_refused_and_nothing_changes(
    who: str, handed: Handoff, north: Team, sam: User, mia: User, ada: User, tuesday: datetime
) -> None:
    gone = rep("Gerd Gone", north)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    to = {"themselves": sam, "marketing": mia, "inactive": User.objects.get(pk=gone.pk)}[who]
    with pytest.raises(succession.Refused) as refused:
        succession.hand_on(sam, to=to, by=ada, now=tuesday)
    assert list(refused.value.errors) == ["to"]
    assert User.objects.get(pk=sam.pk).is_active
    assert not Succession.objects.exists()


def test_a_successor_is_asked_for_where_there_is_something_to_take_over(
    handed: Handoff, north: Team, sam: User
) -> None:
    assert succession.is_needed(sam)
    assert not succession.is_needed(rep("Nelly Neu", north))


def test_what_is_sent_again_to_somebody_who_left_goes_to_the_next_in_turn(
    handed: Handoff, north: Team, sam: User, mia: User, tuesday: datetime
) -> None:
    other = rep("Tom Tal", north)
    reject(handed, by=sam, now=tuesday + HOUR)
    handoffs.return_to_marketing(handed, now=tuesday + HOUR)
    User.objects.filter(pk=sam.pk).update(is_active=False)
    again = Handoff.objects.get(pk=handed.pk)
    handoffs.send_again(again, by=mia, now=tuesday + 2 * HOUR)
    assert Handoff.objects.get(pk=handed.pk).owner == other


def test_an_accepted_handoff_goes_on_with_the_successor(
    handed: Handoff, north: Team, sam: User, ada: User, tuesday: datetime
) -> None:
    heir = rep("Hanna Erbe", north)
    accept(handed, by=sam, now=tuesday + MINUTE)
    succession.hand_on(sam, to=heir, by=ada, now=tuesday + HOUR)
    running = Clock.objects.filter(handoff=handed, outcome="running", side="sales")
    assert set(running.values_list("owner", flat=True)) == {heir.pk}
    assert running.filter(measure="first_result").exists()
