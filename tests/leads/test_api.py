"""Leads over the API end in the same intake as everywhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from leads import intake
from leads.models import Interaction, Lead
from leadsla.accounts import tokens
from leadsla.accounts.models import User

SignIn = Callable[[User], Client]
LEADS = "/api/v1/leads/"
JANA = {
    "name": "Jana Steiner",
    "email": "Jana.Steiner@voss.example",
    "country": "DE",
    "external": {"webshop": "4711"},
    "interaction": {"kind": "demo_request", "source": "website-demo", "detail": "Demo form", "key": "form-1"},
}


@pytest.fixture
def program(mia: User, tuesday: datetime) -> Client:
    """A program with Mia's token that may read and write leads."""
    key = tokens.issue(mia, name="website", scopes=["leads:read", "leads:write"], now=tuesday)[1]
    return Client(headers={"authorization": f"Bearer {key}"})


def post(client: Client, url: str, body: object) -> tuple[int, dict]:
    response = client.post(url, body, content_type="application/json")
    return response.status_code, response.json()


def test_a_new_lead_is_received_scored_and_qualified(program: Client) -> None:
    status, body = post(program, LEADS, JANA)
    assert status == 201
    assert body["is_new"] is True
    # Business e-mail 35 + region served 5 + request 100 = 140; served and reachable: the door "asked" is open.
    assert (body["lead"]["score"], body["lead"]["stage"], body["lead"]["temperature"]) == ("140.0", "qualified", "hot")
    assert body["lead"]["source"] == "website-demo"


def test_the_same_delivery_again_changes_nothing(program: Client) -> None:
    moment = {"occurred_at": "2026-03-03T09:00:00+01:00"}
    once = JANA | {"interaction": JANA["interaction"] | moment}
    post(program, LEADS, once)
    status, body = post(program, LEADS, once)
    assert (status, body["is_new"]) == (200, False)
    assert (Lead.objects.count(), Interaction.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"employees": -5}, "employees"),
        ({"interaction": {"kind": "danced"}}, "interaction"),
        ({"name": "x" * 201}, "name"),
        ({"interaction": {"kind": "other", "data": [1, 2]}}, "interaction"),
        ({"interaction": {"kind": "other", "data": {"form": ["\x00"]}}}, "data"),
        ({"interaction": {"kind": "other", "data": {"form": "\ud800"}}}, "data"),
        ({"interaction": {"kind": "other", "data": {"form": "x" * 20_001}}}, "data"),
    ],
)
def test_bad_input_names_the_field_and_saves_nothing(program: Client, change: dict, field: str) -> None:
    status, body = post(program, LEADS, JANA | change)
    assert status == 400
    assert field in body
    assert not Lead.objects.exists()


def test_a_system_s_name_is_kept_without_what_no_database_holds(program: Client) -> None:
    body = post(program, LEADS, {"email": "jana@voss.example", "external": {"web\x00shop\ud800": "4711"}})[1]
    again = post(program, LEADS, {"external": {"webshop": "4711"}})
    assert again[0] == 200
    assert again[1]["lead"]["id"] == body["lead"]["id"]


def test_a_lead_that_nobody_could_recognise_is_refused(program: Client) -> None:
    status, _body = post(program, LEADS, {"country": "DE"})
    assert status == 400
    assert not Lead.objects.exists()


def test_what_a_lead_does_is_added_and_counts_at_once(program: Client) -> None:
    lead = post(program, LEADS, JANA)[1]["lead"]
    status, body = post(program, f"{LEADS}{lead['id']}/interactions/", {"kind": "pricing_view"})
    # The request is at its cap of 100 for the group, so prices add nothing to it.
    assert (status, body["score"]) == (201, "140.0")
    kinds = [row["kind"] for row in program.get(f"{LEADS}{lead['id']}/interactions/").json()["results"]]
    assert sorted(kinds) == ["demo_request", "pricing_view"]


def test_lists_are_paged_and_filtered(program: Client) -> None:
    post(program, LEADS, JANA)
    post(program, LEADS, {"email": "x@gmx.de", "interaction": {"kind": "newsletter_signup"}})
    assert program.get(LEADS).json()["count"] == 2
    found = program.get(LEADS, {"stage": "qualified"}).json()
    assert [row["email"] for row in found["results"]] == ["jana.steiner@voss.example"]
    assert program.get(LEADS, {"stage": "asleep"}).status_code == 400
    assert [row["email"] for row in program.get(LEADS, {"email": "X@gmx.de"}).json()["results"]] == ["x@gmx.de"]
    assert program.get(LEADS, {"email": "nobody@gmx.de"}).json()["count"] == 0


def test_a_token_without_the_scope_is_refused(mia: User, tuesday: datetime) -> None:
    key = tokens.issue(mia, name="reader", scopes=["leads:read"], now=tuesday)[1]
    reader = Client(headers={"authorization": f"Bearer {key}"})
    assert reader.get(LEADS).status_code == 200
    assert post(reader, LEADS, JANA)[0] == 403
    assert not Lead.objects.exists()


@pytest.mark.parametrize("key", ["", "lsla_wrong", "lsla_a b"])
def test_a_wrong_token_is_answered_with_401(key: str, db: None) -> None:
    assert Client(headers={"authorization": f"Bearer {key}"}).get(LEADS).status_code == 401


def test_a_revoked_token_is_refused(mia: User, tuesday: datetime) -> None:
    token, key = tokens.issue(mia, name="old", scopes=["leads:read"], now=tuesday)
    assert tokens.revoke(token, now=tuesday) is True
    assert Client(headers={"authorization": f"Bearer {key}"}).get(LEADS).status_code == 401


def test_a_session_works_too_but_needs_its_csrf_token(mia: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(mia, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.get(LEADS).status_code == 200
    assert post(browser, LEADS, JANA)[0] == 403


def test_a_rep_reads_no_leads_but_those_behind_their_handoffs(sam: User, mia: User, signed_in: SignIn) -> None:
    lead = intake.receive(
        intake.Arrival(facts={"email": "jana@voss.example"}, kind="form_submit"), by=mia, now=mia.created_at
    ).lead
    browser = signed_in(sam)
    assert browser.get(LEADS).json()["count"] == 0
    assert browser.get(f"{LEADS}{lead.public_id}/").status_code == 404
    assert post(browser, LEADS, JANA)[0] == 403


def test_the_documentation_is_public_and_brings_everything_itself(client: Client, db: None) -> None:
    schema = client.get(reverse("api-schema"), headers={"accept": "application/json"}).json()
    assert "/api/v1/leads/" in schema["paths"]
    page = client.get(reverse("api-docs")).content.decode()
    assert "https://" not in page
    assert "<script>" not in page
