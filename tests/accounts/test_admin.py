"""The administration opens by role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from leads.models import CampaignCost
from leadsla.accounts.models import Role, Side, Team, User

SignIn = Callable[[User], Client]


def test_anonymous_people_are_sent_to_the_sign_in_page(client: Client, db: None) -> None:
    response = client.get("/admin/")
    assert response.status_code == 302
    entry = client.get(response["Location"])
    assert entry["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("who", ["mia", "sam", "max_", "sue"])
def test_people_of_both_sides_are_refused(who: str, signed_in: SignIn, request: pytest.FixtureRequest) -> None:
    browser = signed_in(request.getfixturevalue(who))
    assert browser.get("/admin/", follow=True).status_code == 403


def test_the_administration_leads_out_to_a_page_of_the_portal(ada: User, signed_in: SignIn) -> None:
    browser = signed_in(ada)
    assert 'href="/people/me/">View site' in browser.get("/admin/").content.decode()
    assert browser.get("/people/me/").status_code == 200


def test_only_the_page_of_the_api_may_style_itself(client: Client, db: None) -> None:
    assert "style-src 'self' 'unsafe-inline'" in client.get("/api/v1/docs/")["Content-Security-Policy"]
    assert "script-src" not in client.get("/api/v1/docs/")["Content-Security-Policy"]
    assert "unsafe" not in client.get("/accounts/login/")["Content-Security-Policy"]


def test_an_administrator_adds_a_person_who_can_then_sign_in(ada: User, signed_in: SignIn) -> None:
    browser = signed_in(ada)
    form = {
        "email": "New.Person@leadsla.example",
        "name": "New Person",
        "timezone": "Europe/Berlin",
        "usable_password": "true",
        "password1": "correct horse battery",
        "password2": "correct horse battery",
        "roles": ["marketer"],
    }
    assert browser.post("/admin/accounts/user/add/", form).status_code == 302
    person = User.objects.get(email="new.person@leadsla.example")
    assert person.roles == [Role.MARKETER]
    login = {"login": "new.person@leadsla.example", "password": "correct horse battery"}
    assert Client().post("/accounts/login/", login)["Location"] == "/"


def test_a_new_portal_tells_its_administrator_what_to_do_next(ada: User, signed_in: SignIn) -> None:
    browser = signed_in(ada)
    assert [step.is_done for step in browser.get("/admin/").context["steps"]] == [False] * 5
    marketing = Team.objects.create(name="Inbound", side=Side.MARKETING)
    sales = Team.objects.create(name="North", side=Side.SALES)
    for name, role, team in (
        ("mia", Role.MARKETER, marketing),
        ("sam", Role.SALES_REP, sales),
        ("max", Role.MARKETING_MANAGER, marketing),
        ("sue", Role.SALES_MANAGER, sales),
    ):
        User.objects.create_user(f"{name}@leadsla.example", name=name, roles=[role], team=team)
    page = browser.get("/admin/")
    assert [step.is_done for step in page.context["steps"]] == [True, True, True, True, False]
    assert "Add operations" in page.content.decode()
    User.objects.create_user("olga@leadsla.example", name="olga", roles=[Role.OPERATIONS])
    assert browser.get("/admin/").context["steps"] == []


def test_tables_of_libraries_are_not_listed(signed_in: SignIn, db: None) -> None:
    first = User.objects.create_superuser("first@leadsla.example", "a long password")
    apps = {app["app_label"] for app in signed_in(first).get("/admin/").context["app_list"]}
    assert apps == {"accounts"}  # their one role is administrator


def test_a_sales_rep_needs_a_team_of_sales(ada: User, inbound: Team, north: Team, signed_in: SignIn) -> None:
    browser = signed_in(ada)
    form: dict[str, object] = {
        "email": "rep@leadsla.example",
        "name": "Rep",
        "timezone": "Europe/Berlin",
        "usable_password": "false",
        "roles": ["sales_rep"],
    }
    for team in ("", inbound.pk):
        refused = browser.post("/admin/accounts/user/add/", form | {"team": team})
        assert "through a team of sales" in refused.content.decode()
    assert browser.post("/admin/accounts/user/add/", form | {"team": north.pk}).status_code == 302


def test_operations_configures_but_sees_no_people(olga: User, signed_in: SignIn) -> None:
    browser = signed_in(olga)
    assert browser.get("/admin/leads/source/").status_code == 200
    assert browser.get("/admin/accounts/user/").status_code == 403


def test_an_administrator_sees_no_configuration_without_that_role(ada: User, signed_in: SignIn) -> None:
    browser = signed_in(ada)
    assert browser.get("/admin/accounts/user/").status_code == 200
    assert browser.get("/admin/leads/source/").status_code == 403


def test_operations_keeps_the_costs_of_a_campaign(olga: User, signed_in: SignIn) -> None:
    browser = signed_in(olga)
    form = {
        "code": "spring",
        "name": "Spring",
        "is_active": "on",
        "costs-TOTAL_FORMS": "1",
        "costs-INITIAL_FORMS": "0",
        "costs-0-month": "2026-03-01",
        "costs-0-amount": "1200.50",
        "costs-0-currency": "EUR",
    }
    assert browser.post("/admin/leads/campaign/add/", form).status_code == 302
    cost = CampaignCost.objects.get(campaign__code="spring")
    assert (str(cost.amount), cost.currency) == ("1200.50", "EUR")
