"""Routing rules: their order and conditions, and a dry run that changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import Lead
from leadsla.accounts.models import Team, User
from sla import routing, rule_editing
from sla.models import Assignment, Handoff, RoutingRule, Turn

SignedIn = Callable[[User], Client]
MakeLead = Callable[..., Lead]
IN_AUSTRIA = {"field": "country", "op": "in", "value": ["AT"]}


@pytest.fixture(autouse=True)
def it_is_tuesday(settings: object) -> None:
    settings.LEADSLA_NOW = "2026-03-03T10:00"  # type: ignore[attr-defined]


@pytest.fixture
def no_rules(db: None) -> None:
    RoutingRule.objects.all().delete()


def page_of(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


def typed(of: Team, **changes: str) -> dict[str, str]:
    """Return what the form of a rule sends: leads of Austria go to a team."""
    rows = {
        "condition-count": "1",
        "condition-joined": "all",
        "condition-0-field": "country",
        "condition-0-op": "in",
        "condition-0-value": "AT",
    }
    return {"name": "Austria", "leg": "1", "team": str(of.public_id), **rows, **changes}


def names(leg: int = 1) -> list[str]:
    return list(RoutingRule.objects.filter(leg=leg).values_list("name", flat=True))


def test_a_rule_is_added_and_routes(
    no_rules: None,
    signed_in: SignedIn,
    olga: User,
    south: Team,
    nia: User,
    sam: User,
    asks: MakeLead,
    tuesday: datetime,
) -> None:
    browser = signed_in(olga)
    assert "Save the rule" in page_of(browser.get(reverse("sla:rule_new")))
    answer = browser.post(reverse("sla:rule_new"), typed(south))
    assert answer["Location"] == reverse("sla:routing")
    rule = RoutingRule.objects.get()
    assert (rule.name, rule.leg, rule.team, rule.condition) == ("Austria", 1, south, IN_AUSTRIA)
    found = routing.dry_run(asks(at=tuesday, country="AT"), now=tuesday)
    assert found.user == nia
    page = page_of(browser.get(reverse("sla:routing")))
    assert "Austria" in page
    assert "North gets the lead" in page  # where no rule holds


def test_a_rule_is_changed_in_place(no_rules: None, signed_in: SignedIn, olga: User, south: Team, north: Team) -> None:
    rule = rule_editing.save(None, name="Austria", leg=1, team=north, condition=IN_AUSTRIA)
    url = reverse("sla:rule_edit", args=(rule.pk,))
    assert 'value="Austria"' in page_of(signed_in(olga).get(url))
    signed_in(olga).post(url, {**typed(south, name="Everybody"), "condition-count": "0"})
    rule.refresh_from_db()
    assert (rule.name, rule.team, rule.condition) == ("Everybody", south, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, 'href="#id_name"'),
        ({"team": "nobody"}, 'href="#id_team"'),
        ({"leg": "3"}, 'href="#id_leg"'),
        ({"condition-0-value": ""}, "Give at least one value"),
        ({"condition-0-op": "gte"}, "can be asked"),
    ],
)
def test_a_bad_rule_is_refused_at_its_field(
    no_rules: None, changes: dict[str, str], words: str, signed_in: SignedIn, olga: User, north: Team
) -> None:
    answer = signed_in(olga).post(reverse("sla:rule_new"), typed(north, **changes))
    assert answer.status_code == 400
    assert words in page_of(answer)
    assert not RoutingRule.objects.exists()


def test_marketing_s_team_gets_no_rule(no_rules: None, inbound: Team) -> None:
    with pytest.raises(rule_editing.Refused) as refused:
        rule_editing.save(None, name="Back", leg=1, team=inbound, condition=None)
    assert list(refused.value.errors) == ["team"]


def test_asking_for_a_row_saves_nothing(no_rules: None, signed_in: SignedIn, olga: User, north: Team) -> None:
    answer = signed_in(olga).post(reverse("sla:rule_new"), typed(north, **{"condition-act": "add"}))
    assert answer.status_code == 200
    assert 'name="condition-1-field"' in page_of(answer)
    assert not RoutingRule.objects.exists()


def test_rules_move_up_and_down_within_their_leg(no_rules: None, signed_in: SignedIn, olga: User, north: Team) -> None:
    for name in ("one", "two", "three"):
        rule_editing.save(None, name=name, leg=1, team=north, condition=None)
    on = rule_editing.save(None, name="on", leg=2, team=north, condition=None)
    third = RoutingRule.objects.get(name="three")
    url, browser = reverse("sla:rule_move", args=(third.pk,)), signed_in(olga)
    browser.post(url, {"way": "up"})
    assert names() == ["one", "three", "two"]
    browser.post(url, {"way": "up"})
    browser.post(url, {"way": "up"})
    assert names() == ["three", "one", "two"]
    browser.post(url, {"way": "down"})
    assert names() == ["one", "three", "two"]
    assert names(2) == ["on"]
    assert browser.post(url, {"way": "sideways"}).status_code == 400
    assert not rule_editing.move(on, up=False)


def test_a_rule_is_left_out_used_again_and_removed(
    no_rules: None, signed_in: SignedIn, olga: User, north: Team
) -> None:
    rule = rule_editing.save(None, name="Austria", leg=1, team=north, condition=IN_AUSTRIA)
    url, browser = reverse("sla:rule_switch", args=(rule.pk,)), signed_in(olga)
    assert "is left out" in page_of(browser.post(url, {"on": "no"}, follow=True))
    assert "is in use" in page_of(browser.post(url, {"on": "yes"}, follow=True))
    browser.post(reverse("sla:rule_remove", args=(rule.pk,)))
    assert not RoutingRule.objects.exists()


def test_dry_run_says_where_a_lead_would_go_and_changes_nothing(
    signed_in: SignedIn, sue: User, sam: User, asks: MakeLead, tuesday: datetime
) -> None:
    lead = asks(at=tuesday)
    url, browser = reverse("sla:routing_dry_run"), signed_in(sue)
    assert "Karin Kern" in page_of(browser.get(url, {"q": "kern"}))
    page = page_of(browser.get(url, {"lead": str(lead.public_id)}))
    assert "It would go to <b>Sam Becker</b> of North." in page
    assert "Who took part in the turn" in page
    assert not Handoff.objects.exists()
    assert not Assignment.objects.exists()
    assert not Turn.objects.exists()


def test_dry_run_keeps_another_team_s_people_to_its_manager(
    no_rules: None, signed_in: SignedIn, sue: User, south: Team, nia: User, asks: MakeLead, tuesday: datetime
) -> None:
    rule_editing.save(None, name="All", leg=1, team=south, condition=None)
    lead = asks(at=tuesday)
    page = page_of(signed_in(sue).get(reverse("sla:routing_dry_run"), {"lead": str(lead.public_id)}))
    assert "of South" in page
    assert "is seen by its manager" in page
    assert "30 days" not in page.split("<ol", maxsplit=1)[0]


def test_dry_run_of_nobody(signed_in: SignedIn, sue: User) -> None:
    url, browser = reverse("sla:routing_dry_run"), signed_in(sue)
    assert "No lead has these words" in page_of(browser.get(url, {"q": "nobody at all"}))
    assert browser.get(url, {"lead": "none"}).status_code == 404
    assert browser.get(url, {"lead": "00000000-0000-4000-8000-000000000000"}).status_code == 404


def test_dry_run_without_a_sales_team_says_so(
    no_rules: None, signed_in: SignedIn, max_: User, asks: MakeLead, tuesday: datetime
) -> None:
    lead = asks(at=tuesday)
    page = page_of(signed_in(max_).get(reverse("sla:routing_dry_run"), {"lead": str(lead.public_id)}))
    assert "There is no sales team yet" in page


@pytest.mark.parametrize("name", ["rule_edit", "rule_move", "rule_switch", "rule_remove"])
def test_rules_are_changed_by_operations_only(
    no_rules: None, name: str, client: Client, signed_in: SignedIn, sue: User, olga: User, north: Team
) -> None:
    rule = rule_editing.save(None, name="Austria", leg=1, team=north, condition=IN_AUSTRIA)
    url = reverse(f"sla:{name}", args=(rule.pk,))
    assert "login" in client.post(url)["Location"]
    assert signed_in(sue).post(url).status_code == 403
    assert signed_in(olga).put(url).status_code == 405
    assert signed_in(olga).post(reverse(f"sla:{name}", args=(rule.pk + 1,))).status_code == 404
    assert "New rule" not in page_of(signed_in(sue).get(reverse("sla:routing")))
