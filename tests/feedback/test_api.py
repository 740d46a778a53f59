"""Answers, follow-ups and outcomes over the API: the same rules as on the pages, told with the right code."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from feedback.models import FollowUp, OutcomeReport
from leads import intake
from leads.models import Lead
from leadsla import clock
from leadsla.accounts import tokens
from leadsla.accounts.models import User
from sla import handoff as handoffs
from sla.models import Handoff

HANDOFFS = "/api/v1/handoffs/"


def program(user: User, now: datetime) -> Client:
    key = tokens.issue(user, name="crm", scopes=["handoffs:read", "handoffs:write", "compliance:read"], now=now)[1]
    return Client(headers={"authorization": f"Bearer {key}"})


def post(client: Client, url: str, body: object) -> tuple[int, dict]:
    response = client.post(url, body, content_type="application/json")
    return response.status_code, response.json()


@pytest.fixture
def handoff(mia: User, sam: User) -> Handoff:
    """A hot lead with Sam."""
    now = clock.now()
    arrival = intake.Arrival(
        facts={"name": "Jana Steiner", "email": "jana@voss.example", "country": "DE"},
        external={"crm": "L-17"},
        kind="demo_request",
        source="website-demo",
        occurred_at=now,
        via="form",
    )
    lead = intake.receive(arrival, owner=mia, team=mia.team, now=now).lead
    made = handoffs.hand_over(lead, by=mia, now=now)
    assert made.owner == sam
    return made


def test_a_rep_reads_the_pack_and_accepts(handoff: Handoff, sam: User) -> None:
    crm = program(sam, clock.now())
    (listed,) = crm.get(HANDOFFS, {"waiting": "true"}).json()["results"]
    assert {row["measure"] for row in listed["clocks"]} == {"decide", "first_follow_up", "hand_over"}
    one = crm.get(f"{HANDOFFS}{handoff.public_id}/").json()
    assert one["person"]["name"] == "Jana Steiner"
    assert one["pack"]["facts"]["country"] == "DE"
    status, body = post(crm, f"{HANDOFFS}{handoff.public_id}/accept/", {"quality": 4})
    assert (status, body["decision"], body["quality"]) == (201, "accepted", 4)
    assert Lead.objects.get().stage == "accepted"


def test_the_second_answer_is_told_who_was_first(handoff: Handoff, sam: User) -> None:
    crm = program(sam, clock.now())
    post(crm, f"{HANDOFFS}{handoff.public_id}/accept/", {})
    status, body = post(
        crm, f"{HANDOFFS}{handoff.public_id}/reject/", {"reason": "too_early", "quality": 1, "asked": {"text": "x"}}
    )
    assert status == 409
    assert "Sam Becker" in body["detail"]


def test_what_no_database_holds_is_left_out_of_a_reason(handoff: Handoff, sam: User) -> None:
    told = {"reason": "too_early", "quality": 2, "asked": {"text": "no\x00 int\ud800ent"}}
    status, body = post(program(sam, clock.now()), f"{HANDOFFS}{handoff.public_id}/reject/", told)
    assert (status, body["asked"]) == (201, {"text": "no intent"})


def test_a_rejection_needs_what_its_reason_asks_for(handoff: Handoff, sam: User) -> None:
    crm = program(sam, clock.now())
    url = f"{HANDOFFS}{handoff.public_id}/reject/"
    assert set(post(crm, url, {"reason": "too_early"})[1]) == {"quality"}
    status, body = post(crm, url, {"reason": "too_early", "quality": 2})
    assert status == 400
    assert body != {}
    assert set(post(crm, url, {"reason": "because", "quality": 2})[1]) == {"reason"}
    assert Handoff.objects.get().decision == ""


def test_a_foreign_handoff_does_not_exist(handoff: Handoff, nia: User) -> None:
    crm = program(nia, clock.now())
    assert crm.get(f"{HANDOFFS}{handoff.public_id}/").status_code == 404
    assert post(crm, f"{HANDOFFS}{handoff.public_id}/accept/", {})[0] == 404


def test_marketing_reads_but_does_not_answer(handoff: Handoff, mia: User) -> None:
    crm = program(mia, clock.now())
    assert crm.get(f"{HANDOFFS}{handoff.public_id}/").status_code == 200
    assert post(crm, f"{HANDOFFS}{handoff.public_id}/accept/", {})[0] == 403


def test_a_crm_reports_by_its_own_ids_and_only_once(handoff: Handoff, sam: User) -> None:
    crm = program(sam, clock.now())
    post(crm, f"{HANDOFFS}{handoff.public_id}/accept/", {})
    lead = {"lead_system": "crm", "lead_external_id": "L-17", "system": "crm"}
    call = lead | {"external_id": "C-1", "channel": "call", "result": "reached"}
    assert post(crm, "/api/v1/follow-ups/", call)[0] == 201
    assert post(crm, "/api/v1/follow-ups/", call)[0] == 201
    won = lead | {"external_id": "D-1", "kind": "won", "amount": "48000.00", "currency": "EUR"}
    assert post(crm, "/api/v1/outcomes/", won)[0] == 201
    assert post(crm, "/api/v1/outcomes/", won)[0] == 201
    assert (FollowUp.objects.count(), OutcomeReport.objects.count()) == (1, 1)
    assert Lead.objects.get().stage == "customer"
    assert str(Handoff.objects.get().revenue) == "48000.00"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "-1", "currency": "EUR"}, "amount"),
        ({"amount": "10", "currency": "XXQ"}, "currency"),
        ({"lead_external_id": "L-99"}, "handoff"),
        ({"system": ""}, "system"),
        ({"kind": "postponed"}, "kind"),
    ],
)
def test_a_wrong_outcome_names_the_field(handoff: Handoff, sam: User, change: dict, field: str) -> None:
    crm = program(sam, clock.now())
    post(crm, f"{HANDOFFS}{handoff.public_id}/accept/", {})
    good = {"lead_system": "crm", "lead_external_id": "L-17", "system": "crm", "external_id": "D-1", "kind": "won"}
    status, body = post(crm, "/api/v1/outcomes/", good | change)
    assert status == 400
    assert field in body
    assert not OutcomeReport.objects.exists()
