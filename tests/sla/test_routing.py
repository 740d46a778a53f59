"""Routing: rules choose the team, the ledger of turns the person, and every route says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads.models import Lead
from leadsla.accounts.models import AwayTime, Role, Side, Team, User
from sla import handoff as handoffs
from sla import routing
from sla.models import Assignment, Capacity, Handoff, RoutingRule

MakeLead = Callable[..., Lead]


def rep(name: str, team: Team) -> User:
    email = f"{name.split(maxsplit=1)[0].lower()}@leadsla.example"
    return User.objects.create_user(email, name=name, team=team, roles=[Role.SALES_REP])


@pytest.fixture
def lead(asks: MakeLead, tuesday: datetime) -> Lead:
    return asks(at=tuesday)


def turn(lead: Lead, team: Team, now: datetime, temperature: str = "hot") -> User | None:
    return routing.route_in(team, lead=lead, temperature=temperature, now=now).user


def had(user: User, team: Team, times: int, *, at: datetime, temperature: str = "hot", lead: Lead) -> None:
    """Write turns into the ledger."""
    for _number in range(times):
        handoff = Handoff.objects.create(
            lead=lead, to_team=team, handed_over_at=at, recorded_at=at, closed_at=at, closed_because="rejected"
        )
        Assignment.objects.create(
            handoff=handoff, user=user, team=team, temperature=temperature, assigned_at=at, why="turn"
        )


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


def test_whoever_had_least_for_their_weight_is_next(lead: Lead, north: Team, sam: User, tuesday: datetime) -> None:
    half = rep("Tom Teilzeit", north)
    Capacity.objects.create(user=half, weight="0.5")
    day_before = tuesday - timedelta(days=1)
    had(sam, north, 3, at=day_before, lead=lead)
    had(half, north, 1, at=day_before, lead=lead)
    assert turn(lead, north, tuesday) == half  # 1 ÷ 0.5 = 2 is less than 3 ÷ 1
    had(half, north, 1, at=day_before, lead=lead)
    assert turn(lead, north, tuesday) == sam  # 2 ÷ 0.5 = 4


def test_each_temperature_has_its_own_ledger(lead: Lead, north: Team, sam: User, tuesday: datetime) -> None:
    other = rep("Tom Tal", north)
    had(sam, north, 5, at=tuesday - timedelta(days=1), temperature="cool", lead=lead)
    had(other, north, 1, at=tuesday - timedelta(days=1), lead=lead)
    assert turn(lead, north, tuesday) == sam
    assert turn(lead, north, tuesday, "cool") == other


def test_turns_older_than_the_window_are_forgotten(lead: Lead, north: Team, sam: User, tuesday: datetime) -> None:
    other = rep("Tom Tal", north)
    had(sam, north, 5, at=tuesday - timedelta(days=30), lead=lead)
    had(other, north, 1, at=tuesday - timedelta(days=29), lead=lead)
    assert turn(lead, north, tuesday) == sam


def test_a_turn_that_was_credited_back_does_not_count(lead: Lead, north: Team, sam: User, tuesday: datetime) -> None:
    other = rep("Tom Tal", north)
    had(sam, north, 1, at=tuesday - timedelta(days=1), lead=lead)
    had(other, north, 1, at=tuesday - timedelta(days=1), lead=lead)
    Assignment.objects.filter(user=sam).update(credited_back=True)
    assert turn(lead, north, tuesday) == sam


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
        str(sam.pk): "had 0, weight 1",
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


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(weights=st.lists(st.sampled_from(["0.5", "1", "1.5", "2"]), min_size=2, max_size=5))
@pytest.mark.django_db
def test_nobody_is_ever_more_than_a_turn_from_their_share(weights: list[str]) -> None:
    """Largest deficit first keeps given ÷ weight of any two within one turn of the lighter one."""
    start = datetime.fromisoformat("2026-03-03T10:00+01:00")
    team = Team.objects.create(name=f"Team {Team.objects.count()}", side=Side.SALES)
    lead = Lead.objects.create(created_at=start, stage_since=start)
    people = {rep(f"R{User.objects.count()} Rep", team): float(weight) for weight in weights}
    for user, weight in people.items():
        Capacity.objects.create(user=user, weight=weight)
    given_to: Counter[User] = Counter()
    for number in range(40):
        chosen = turn(lead, team, start + timedelta(minutes=number))
        assert chosen is not None
        given_to[chosen] += 1
        had(chosen, team, 1, at=start + timedelta(minutes=number), lead=lead)
        shares = [given_to[user] / weight for user, weight in people.items()]
        assert max(shares) - min(shares) <= 1 / min(people.values()) + 1e-9
    assert connection.in_atomic_block
