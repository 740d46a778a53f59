"""The sweep that hands over what is ready: a full team waits as one, time is limited, nobody is kept waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from leads.models import Lead, Temperature
from leadsla.accounts.models import Team, User
from sla import handoff as handoffs
from sla.models import Capacity, Handoff, RoutingRule
from tests.sla.routing_facts import MINUTE, berlin

MakeLead = Callable[..., Lead]


@pytest.fixture
def warm(asks: MakeLead, tuesday: datetime) -> list[Lead]:
    """Twelve warm leads that are ready: those of Austria, the odd ones, go south."""
    found = []
    for number in range(12):
        country = "AT" if number % 2 else "DE"
        lead = asks(f"Person No{number}", at=tuesday, domain=f"no{number}.example", country=country)
        found.append(lead)
    Lead.objects.update(temperature=Temperature.WARM)
    return found


@pytest.fixture
def rules(north: Team, south: Team) -> None:
    austria = {"field": "country", "op": "is", "value": "AT"}
    RoutingRule.objects.create(position=1, name="Austria", condition=austria, team=south)
    RoutingRule.objects.create(position=2, name="Rest", condition=None, team=north)


def test_the_leads_of_a_full_team_are_put_off_at_once_and_the_others_go(
    warm: list[Lead], rules: None, north: Team, sam: User, nia: User, tuesday: datetime
) -> None:
    Capacity.objects.create(user=sam, open_at_most=1)
    now = tuesday + MINUTE
    swept = handoffs.hand_over_ready(now=now)
    assert (swept.handed_over, swept.refused, swept.failed) == (7, 1, 0)  # one north, six south; one refusal for five
    put_off = Lead.objects.filter(handover_not_before=now + 10 * MINUTE)
    assert set(put_off.values_list("country", flat=True)) == {"DE"}
    assert put_off.count() == 5
    assert set(put_off.values_list("handover_error", flat=True)) == {
        "North has no room: everybody has the most open handoffs."
    }
    assert set(put_off.values_list("handover_failures", flat=True)) == {0}
    with CaptureQueriesContext(connection) as asked:
        assert handoffs.hand_over_ready(now=now + MINUTE).refused == 0
    assert len(asked.captured_queries) < 5


def test_a_hot_lead_does_not_wait_for_room(
    asks: MakeLead, warm: list[Lead], rules: None, north: Team, sam: User, nia: User, tuesday: datetime
) -> None:
    Capacity.objects.create(user=sam, open_at_most=0)
    hot = asks("Petra Pick", at=tuesday, domain="pick.example")
    handoffs.hand_over_ready(now=tuesday + MINUTE)
    assert Handoff.objects.get(lead=hot).owner is None


def test_who_is_named_for_a_lead_gets_it_though_the_team_is_full(
    warm: list[Lead], rules: None, north: Team, sam: User, nia: User, tuesday: datetime
) -> None:
    Capacity.objects.create(user=sam, open_at_most=0)
    company = warm[10].company
    assert company is not None
    company.owner = sam
    company.save(update_fields=["owner"])
    handoffs.hand_over_ready(now=tuesday + MINUTE)
    assert Handoff.objects.get(owner=sam).lead == warm[10]


def test_a_tick_has_its_time_and_the_next_one_goes_on(
    warm: list[Lead], rules: None, north: Team, sam: User, nia: User, tuesday: datetime
) -> None:
    assert handoffs.hand_over_ready(now=tuesday, longest=0).handed_over == 0
    assert handoffs.hand_over_ready(now=tuesday).handed_over == 12
    assert not Lead.objects.filter(handover_not_before__gt=berlin(2026, 3, 1)).exists()
