"""Routing: rules choose the team, the ledger of turns the person, and every route says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Lead
from leadsla.accounts.models import AwayTime, Role, Team, User
from sla import handoff as handoffs
from sla import routing
from sla.models import Capacity, Handoff, RoutingRule, Turn

MakeLead = Callable[..., Lead]


def rep(name: str, team: Team) -> User:
    email = f"{name.split(maxsplit=1)[0].lower()}@leadsla.example"
    return User.objects.create_user(email, name=name, team=team, roles=[Role.SALES_REP])


@pytest.fixture
def lead(asks: MakeLead, tuesday: datetime) -> Lead:
    return asks(at=tuesday)


def turn(lead: Lead, team: Team, now: datetime, temperature: str = "hot") -> User | None:
    return routing.route_in(team, lead=lead, temperature=temperature, now=now).user


def owed(user: User, team: Team, leads: float, *, temperature: str = "hot") -> None:
    """Write a balance."""
    Turn.objects.create(team=team, user=user, temperature=temperature, balance=leads)


# --- the team


def test_the_first_rule_that_holds_chooses_the_team(
    lead: Lead, north: Team, south: Team, sam: User, nia: User, tuesday: datetime
) -> None:
    german = {"field": "country", "op": "is", "value": "DE"}
    RoutingRule.objects.create(position=3, name="Rest", condition=None, team=north)
    RoutingRule.objects.create(position=2, name="Germany", condition=german, team=south)
    RoutingRule.objects.create(
        position=1, name="Austria", condition={"field": "country", "op": "is", "value": "AT"}, team=north
    )
    route = routing.route(lead, temperature="hot", now=tuesday)
    assert (route.team, route.user) == (south, nia)
    assert route.reasons[0].startswith("Rule “Germany”: Country is DE")


def test_rules_of_teams_that_are_gone_or_no_sales_are_passed_over(
    lead: Lead, north: Team, inbound: Team, south: Team, sam: User, tuesday: datetime
) -> None:
    Team.objects.filter(pk=south.pk).update(is_active=False)
    RoutingRule.objects.create(position=1, name="Gone", team=south)
    RoutingRule.objects.create(position=2, name="Marketing", team=inbound)
    RoutingRule.objects.create(position=3, name="Off", team=north, is_active=False)
    route = routing.route(lead, temperature="hot", now=tuesday)
    assert route.team == north
    assert route.reasons[0] == "No routing rule holds, so the first sales team gets it."


def test_without_a_sales_team_it_says_what_to_do(lead: Lead, inbound: Team, tuesday: datetime) -> None:
    with pytest.raises(routing.NoRoute, match="An administrator has to add one"):
        routing.route(lead, temperature="hot", now=tuesday)


# --- the person


def test_whoever_is_owed_most_once_the_lead_is_shared_out_is_next(
    lead: Lead, north: Team, sam: User, tuesday: datetime
) -> None:
    half = rep("Tom Teilzeit", north)
    Capacity.objects.create(user=half, weight="0.5")
    owed(half, north, 0.3)
    assert turn(lead, north, tuesday) == sam  # 0 + 1 ÷ 1.5 = 0.667 is more than 0.3 + 0.5 ÷ 1.5 = 0.633
    Turn.objects.filter(user=half).update(balance=0.4)
    assert turn(lead, north, tuesday) == half  # 0.733


def test_each_temperature_has_its_own_ledger(lead: Lead, north: Team, sam: User, tuesday: datetime) -> None:
    other = rep("Tom Tal", north)
    owed(sam, north, 1, temperature="hot")
    owed(other, north, 1, temperature="cool")
    assert turn(lead, north, tuesday) == sam
    assert turn(lead, north, tuesday, "cool") == other


def test_a_tie_is_a_lot_that_falls_the_same_again(
    asks: MakeLead, lead: Lead, north: Team, sam: User, tuesday: datetime
) -> None:
    rep("Tom Tal", north)
    drawn = [turn(lead, north, tuesday) for _again in range(3)]
    assert drawn[0] is not None
    assert drawn == [drawn[0]] * 3
    others = [asks(f"Person No{number}", at=tuesday, domain=f"no{number}.example") for number in range(12)]
    assert {turn(other, north, tuesday) for other in others} == {sam, User.objects.get(name="Tom Tal")}


def test_the_reason_says_what_people_had_and_are_owed(lead: Lead, north: Team, sam: User, tuesday: datetime) -> None:
    other = rep("Tom Tal", north)
    owed(sam, north, 0.4)
    owed(other, north, -0.4)
    route = routing.route_in(north, lead=lead, temperature="hot", now=tuesday)
    assert route.reasons == [
        "Turn of Sam Becker in North among hot leads: had 0 of 0 in 30 days, is owed 0.4.",
    ]
    assert route.candidates == {
        str(sam.pk): "had 0 of 0 in 30 days, is owed 0.4",
        str(other.pk): "had 0 of 0 in 30 days, is ahead by 0.4",
    }


def test_away_capped_and_weightless_people_get_nothing(
    asks: MakeLead, lead: Lead, north: Team, sam: User, tuesday: datetime
) -> None:
    away, full, none = rep("Anna Away", north), rep("Fred Full", north), rep("Nils None", north)
    AwayTime.objects.create(user=away, starts_at=tuesday, ends_at=tuesday + timedelta(days=1))
    Capacity.objects.create(user=full, open_at_most=1)
    Capacity.objects.create(user=none, weight=0)
    open_one = asks("Olaf Orth", at=tuesday, domain="orth.example")
    Handoff.objects.create(lead=open_one, owner=full, to_team=north, handed_over_at=tuesday, recorded_at=tuesday)
    route = routing.route_in(north, lead=lead, temperature="hot", now=tuesday)
    assert route.user == sam
    assert route.candidates == {
        str(sam.pk): "had 0 of 0 in 30 days, is even",
        str(away.pk): "away",
        str(full.pk): "has 1 open, the most",
        str(none.pk): "gets none (weight 0)",
    }


def test_who_is_away_is_back_when_it_ends(lead: Lead, north: Team, sam: User, tuesday: datetime) -> None:
    AwayTime.objects.create(user=sam, starts_at=tuesday - timedelta(days=1), ends_at=tuesday)
    assert turn(lead, north, tuesday) == sam


def test_a_manager_gets_no_turns(lead: Lead, north: Team, sue: User, tuesday: datetime) -> None:
    assert turn(lead, north, tuesday) is None


def test_a_recycled_lead_goes_to_who_knows_it(lead: Lead, north: Team, sam: User, nia: User, tuesday: datetime) -> None:
    Lead.objects.filter(pk=lead.pk).update(previous_owner=nia)
    lead.refresh_from_db()
    route = routing.route(lead, temperature="hot", now=tuesday)
    assert (route.user, route.reasons) == (nia, ["Nia Novak knows this lead from before."])
    AwayTime.objects.create(user=nia, starts_at=tuesday, ends_at=tuesday + timedelta(days=1))
    assert routing.route(lead, temperature="hot", now=tuesday).user == sam


def test_for_an_account_owner_who_is_away_the_stand_in_steps_in(
    lead: Lead, north: Team, sam: User, nia: User, tuesday: datetime
) -> None:
    assert lead.company is not None
    lead.company.owner = nia
    lead.company.save(update_fields=["owner"])
    AwayTime.objects.create(user=nia, starts_at=tuesday, ends_at=tuesday + timedelta(days=1), stand_in=sam)
    route = routing.route(lead, temperature="hot", now=tuesday)
    assert (route.user, route.team) == (sam, north)
    assert route.reasons == [
        "Kern is looked after by Nia Novak.",
        "Nia Novak is away.",
        "Sam Becker stands in.",
    ]


# --- fairness


def test_turns_are_even_over_many_handovers(asks: MakeLead, north: Team, sam: User, tuesday: datetime) -> None:
    rep("Tom Tal", north)
    Capacity.objects.create(user=sam, open_at_most=1000)
    double = rep("Dora Doppel", north)
    Capacity.objects.create(user=double, weight=2, open_at_most=1000)
    Capacity.objects.create(user=User.objects.get(name="Tom Tal"), open_at_most=1000)
    for number in range(40):
        lead = asks(f"Person No{number}", at=tuesday, domain=f"no{number}.example")
        handoffs.hand_over(lead, by=None, now=tuesday + timedelta(minutes=number))
    given_to = Counter(Handoff.objects.values_list("owner__name", flat=True))
    assert given_to == {"Sam Becker": 10, "Tom Tal": 10, "Dora Doppel": 20}


# --- the dry run


def test_a_dry_run_says_where_a_lead_would_go_and_changes_nothing(
    lead: Lead, north: Team, sam: User, tuesday: datetime
) -> None:
    rep("Tom Tal", north)
    told = routing.dry_run(lead, now=tuesday)
    assert Turn.objects.count() == Handoff.objects.count() == 0
    handed = handoffs.hand_over(lead, by=None, now=tuesday)
    assert (handed.owner, handed.routing["reasons"]) == (told.user, told.reasons)


def test_a_dry_run_waits_for_nobody(lead: Lead, north: Team, sam: User, tuesday: datetime) -> None:
    with CaptureQueriesContext(connection) as asked:
        routing.dry_run(lead, now=tuesday)
    assert asked.captured_queries
    assert not [query for query in asked.captured_queries if "FOR" in query["sql"] and "UPDATE" in query["sql"]]


# --- stand-ins


def test_a_stand_in_who_is_away_has_their_own(lead: Lead, north: Team, sam: User, nia: User, tuesday: datetime) -> None:
    last = rep("Lea Letzte", north)
    Lead.objects.filter(pk=lead.pk).update(previous_owner=nia)
    lead.refresh_from_db()
    tomorrow = tuesday + timedelta(days=1)
    AwayTime.objects.create(user=nia, starts_at=tuesday, ends_at=tomorrow, stand_in=sam)
    AwayTime.objects.create(user=sam, starts_at=tuesday, ends_at=tomorrow, stand_in=last)
    route = routing.route(lead, temperature="hot", now=tuesday)
    assert route.user == last
    assert route.reasons == [
        "Nia Novak knows this lead from before.",
        "Nia Novak is away.",
        "Sam Becker stands in.",
        "Sam Becker is away.",
        "Lea Letzte stands in.",
    ]


def test_two_who_stand_in_for_each_other_leave_it_to_the_turn(
    lead: Lead, north: Team, sam: User, nia: User, tuesday: datetime
) -> None:
    there = rep("Tom Tal", north)
    Lead.objects.filter(pk=lead.pk).update(previous_owner=nia)
    lead.refresh_from_db()
    tomorrow = tuesday + timedelta(days=1)
    AwayTime.objects.create(user=nia, starts_at=tuesday, ends_at=tomorrow, stand_in=sam)
    AwayTime.objects.create(user=sam, starts_at=tuesday, ends_at=tomorrow, stand_in=nia)
    assert routing.route(lead, temperature="hot", now=tuesday).user == there
