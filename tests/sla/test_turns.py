"""The ledger of turns in the database: what a handover moves, who it counts for, what is given back."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from leads import merging
from leads.models import Company, Interaction, InteractionKind, Lead
from leadsla.accounts.models import AwayTime, Side, Team, User
from sla import handoff as handoffs
from sla import routing, turn_credits, turns
from sla.models import Assignment, Capacity, Handoff, Turn
from tests.sla.routing_facts import DAY, HOUR, MINUTE, accept, balance, reject, rep

MakeLead = Callable[..., Lead]


def handed(asks: MakeLead, number: int, *, now: datetime) -> Handoff:
    lead = asks(f"Person No{number}", at=now, domain=f"no{number}.example")
    return handoffs.hand_over(lead, by=None, now=now)


# --- what an assignment moves


def test_a_handover_adds_a_share_to_everybody_there_and_takes_a_lead_from_who_got_it(
    asks: MakeLead, north: Team, sam: User, tuesday: datetime
) -> None:
    double, away = rep("Dora Doppel", north), rep("Anna Away", north)
    Capacity.objects.create(user=double, weight=2)
    AwayTime.objects.create(user=away, starts_at=tuesday, ends_at=tuesday + DAY)
    assert handed(asks, 1, now=tuesday).owner == double  # 2 ÷ 3 is more than 1 ÷ 3
    assert (balance(double), balance(sam), balance(away)) == (-0.333, 0.333, 0.0)
    assert Assignment.objects.get().shares == {str(sam.pk): pytest.approx(1 / 3), str(double.pk): pytest.approx(2 / 3)}
    assert handed(asks, 2, now=tuesday + MINUTE).owner == sam  # 1/3 + 1/3 is more than −1/3 + 2/3
    assert (balance(double), balance(sam)) == (0.333, -0.333)


def test_a_person_who_is_full_neither_gains_nor_loses(
    asks: MakeLead, north: Team, sam: User, tuesday: datetime
) -> None:
    full = rep("Fred Full", north)
    Capacity.objects.create(user=full, open_at_most=0)
    handed(asks, 1, now=tuesday)
    assert (balance(sam), balance(full)) == (0.0, 0.0)


def test_a_lead_of_a_named_owner_counts_as_their_turn(
    asks: MakeLead, north: Team, sam: User, tuesday: datetime
) -> None:
    other = rep("Tom Tal", north)
    lead = asks(at=tuesday)
    Company.objects.update(owner=sam)
    assert handoffs.hand_over(lead, by=None, now=tuesday).owner == sam
    assert (balance(sam), balance(other)) == (-0.5, 0.5)
    assert handed(asks, 2, now=tuesday).owner == other


def test_a_claim_and_a_reassignment_count_and_who_lost_it_gets_nothing_back(
    asks: MakeLead, north: Team, sam: User, sue: User, tuesday: datetime
) -> None:
    other = rep("Tom Tal", north)
    AwayTime.objects.create(user=sam, starts_at=tuesday, ends_at=tuesday + MINUTE)
    AwayTime.objects.create(user=other, starts_at=tuesday, ends_at=tuesday + MINUTE)
    queued = handed(asks, 1, now=tuesday)
    assert queued.owner is None
    assert (balance(sam), balance(other)) == (0.0, 0.0)
    assert handoffs.claim(queued, by=sam, now=tuesday + MINUTE)
    assert (balance(sam), balance(other)) == (-0.5, 0.5)
    assert handoffs.reassign(queued, to=other, by=sue, now=tuesday + 2 * MINUTE)
    assert (balance(sam), balance(other)) == (0.0, 0.0)


def test_a_manager_who_takes_a_lead_takes_no_turn(
    asks: MakeLead, north: Team, sam: User, sue: User, tuesday: datetime
) -> None:
    handed_over = handed(asks, 1, now=tuesday)
    assert handoffs.reassign(handed_over, to=sue, by=sue, now=tuesday)
    assert not Turn.objects.filter(user=sue).exists()


def test_taking_an_acceptance_back_gives_the_turn_of_a_queued_lead_back(
    asks: MakeLead, north: Team, sam: User, tuesday: datetime
) -> None:
    other = rep("Tom Tal", north)
    AwayTime.objects.create(user=sam, starts_at=tuesday, ends_at=tuesday + MINUTE)
    AwayTime.objects.create(user=other, starts_at=tuesday, ends_at=tuesday + MINUTE)
    queued = handed(asks, 1, now=tuesday)
    decided = accept(queued, by=sam, now=tuesday + MINUTE)
    assert balance(sam) == -0.5
    assert handoffs.withdraw_decision(decided, now=tuesday + 2 * MINUTE)
    assert (balance(sam), balance(other)) == (0.0, 0.0)
    queued.refresh_from_db()
    assert queued.owner is None


def test_who_comes_new_begins_even(asks: MakeLead, north: Team, sam: User, tuesday: datetime) -> None:
    for number in range(5):
        handed(asks, number, now=tuesday)
    new = rep("Nelly Neu", north)
    given = [handed(asks, number, now=tuesday).owner for number in range(5, 9)]
    assert given.count(new) == given.count(sam) == 2  # not five in a row to catch up


# --- credit back


def test_a_rejection_alone_gives_no_turn_back(asks: MakeLead, north: Team, sam: User, tuesday: datetime) -> None:
    rep("Tom Tal", north)
    lead = handed(asks, 1, now=tuesday)
    assert lead.owner is not None
    reject(lead, by=lead.owner, now=tuesday + HOUR, reason="spam_or_test")
    assert turn_credits.sweep(now=tuesday + 2 * HOUR) == 0
    assert balance(lead.owner) == -0.5


def test_a_second_fact_gives_it_back_with_its_shares(asks: MakeLead, north: Team, sam: User, tuesday: datetime) -> None:
    other = rep("Tom Tal", north)
    lead = handed(asks, 1, now=tuesday)
    assert lead.owner is not None
    reject(lead, by=lead.owner, now=tuesday + HOUR)
    Interaction.objects.create(
        lead=lead.lead, kind=InteractionKind.EMAIL_BOUNCE, occurred_at=tuesday + 2 * HOUR, recorded_at=tuesday
    )
    assert turn_credits.sweep(now=tuesday + HOUR) == 0  # not bounced yet
    assert turn_credits.sweep(now=tuesday + 3 * HOUR) == 1
    assert turn_credits.sweep(now=tuesday + 3 * HOUR) == 0
    assert (balance(sam), balance(other)) == (0.0, 0.0)
    assert turns.ledger(north, temperature="hot", now=tuesday + DAY) == {}


@pytest.mark.parametrize("reason", ["existing_customer", "spam_or_test"])
def test_what_confirms_a_reason(reason: str, asks: MakeLead, north: Team, sam: User, tuesday: datetime) -> None:
    lead = handed(asks, 1, now=tuesday)
    reject(lead, by=sam, now=tuesday + HOUR, reason=reason)
    assert turn_credits.sweep(now=tuesday + DAY) == 0
    Company.objects.update(relation="customer")
    Lead.objects.update(excluded_because="test")
    assert turn_credits.sweep(now=tuesday + DAY) == 1


def test_a_person_gets_two_turns_back_in_thirty_days_and_no_more(
    asks: MakeLead, north: Team, sam: User, tuesday: datetime
) -> None:
    for number in range(3):
        lead = handed(asks, number, now=tuesday + number * MINUTE)
        reject(lead, by=sam, now=tuesday + HOUR, reason="spam_or_test")
    Lead.objects.update(excluded_because="test")
    assert turn_credits.sweep(now=tuesday + DAY) == 2
    assert turn_credits.sweep(now=tuesday + 2 * DAY) == 0


def test_the_wrong_territory_is_confirmed_by_another_team(
    asks: MakeLead, north: Team, south: Team, sam: User, nia: User, tuesday: datetime
) -> None:
    other = rep("Tom Tal", north)
    lead = handed(asks, 1, now=tuesday)
    assert lead.owner is not None
    reject(lead, by=lead.owner, now=tuesday + HOUR, reason="wrong_territory")
    handoffs.reroute(lead, team=south, now=tuesday + HOUR)
    assert (balance(sam), balance(other)) == (0.0, 0.0)


def test_inaction_never_gives_a_turn_back(asks: MakeLead, north: Team, sam: User, tuesday: datetime) -> None:
    other = rep("Tom Tal", north)
    lead = handed(asks, 1, now=tuesday)
    first = lead.owner
    assert first is not None
    assert handoffs.pass_to_next(lead, now=tuesday + HOUR) == (other if first == sam else sam)
    assert Assignment.objects.filter(counts=True, credited_back=False).count() == 2


# --- many at once


def test_hundreds_of_leads_over_changing_teams_stay_fair(lead_: Lead, tuesday: datetime) -> None:
    """The same property as of the pure rule, through the ledger, with named owners out of turn now and then."""
    drawn = random.Random(3)
    team = Team.objects.create(name="Wechsel", side=Side.SALES)
    people = [rep(f"Rep No{number}", team) for number in range(5)]
    for person in people:
        Capacity.objects.create(user=person, weight=drawn.choice([1, 1, 2]), open_at_most=10_000)
    for number in range(150):
        now = tuesday + number * HOUR
        if drawn.random() < 0.3:
            AwayTime.objects.create(user=drawn.choice(people), starts_at=now, ends_at=now + timedelta(hours=5))
        lead_.pk += 1  # another lot each time; nothing is written to the lead
        route = routing.route_in(team, lead=lead_, temperature="hot", now=now)
        if route.user is None:
            continue
        line = Assignment(team=team, user=route.user, temperature="hot", assigned_at=now)
        turns.take(line, shares=route.shares, now=now)
        assert max(abs(leads) for leads in Turn.objects.values_list("balance", flat=True)) <= len(people)
    assert abs(sum(Turn.objects.values_list("balance", flat=True))) < 1e-6


@pytest.fixture
def lead_(asks: MakeLead, tuesday: datetime) -> Lead:
    return asks(at=tuesday)


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_simultaneous_handovers_take_different_turns(asks: MakeLead, north: Team, sam: User, tuesday: datetime) -> None:
    for name in ("Tom Tal", "Lea Loth"):
        rep(name, north)
    leads = [asks(f"Person No{number}", at=tuesday, domain=f"no{number}.example") for number in range(12)]
    failed: list[BaseException] = []
    start = threading.Barrier(4)

    def hand_over(mine: list[Lead]) -> None:
        start.wait()
        try:
            for lead in mine:
                handoffs.hand_over(lead, by=None, now=tuesday)
        except BaseException as error:  # noqa: BLE001  # shown by the assertion
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=hand_over, args=(leads[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []
    given = sorted(
        Handoff.objects.filter(owner=user).count() for user in User.objects.filter(team=north, roles=["sales_rep"])
    )
    assert given == [4, 4, 4]
    assert [round(leads, 6) for leads in Turn.objects.values_list("balance", flat=True)] == [0.0, 0.0, 0.0]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_merging_and_answering_at_once_do_not_wait_for_each_other_for_ever(
    asks: MakeLead, north: Team, sam: User, tuesday: datetime
) -> None:
    """Both hold the lead first: accepting waits for a merge that is under way, and then goes through."""
    lead = handed(asks, 1, now=tuesday)
    began, done = threading.Event(), threading.Event()
    answered: list[object] = []

    def answer() -> None:
        began.wait(5)
        try:
            answered.append(handoffs.record_decision(lead, decision="accepted", by=sam, now=tuesday + MINUTE))
        finally:
            done.set()
            connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    twin = asks("Petra Pick", at=tuesday, domain="pick.example")
    with transaction.atomic():
        Lead.objects.select_for_update().get(pk=lead.lead_id)
        began.set()
        assert not done.wait(0.5)
        merging.merge(twin, lead.lead, by=sam, now=tuesday)
    thread.join(timeout=30)
    assert answered[0] is not None
    lead.refresh_from_db()
    assert (lead.lead, lead.decision) == (twin, "accepted")
