"""The list behind the figures: filters, visibility, CSV, bad addresses, pages and their budget of queries."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from leadsla.accounts.models import User
from sla.compliance import recompute
from sla.models import Agreement, Handoff
from tests.sla.contract_facts import Contract, at, campaign, make_contract, source

pytestmark = pytest.mark.django_db

NOW = at("2026-03-20 12:00")
HANDED, ANSWERED = at("2026-03-03 10:00"), at("2026-03-03 11:00")
SignIn = Callable[[User], Client]


@pytest.fixture
def contract(db: None) -> Contract:
    Agreement.objects.all().delete()
    return make_contract()


@pytest.fixture(autouse=True)
def _now(settings: Any) -> None:
    settings.LEADSLA_NOW = NOW.isoformat()


def shown(client: Client, **parameters: object) -> int:
    answer = client.get("/handoffs/", parameters)
    assert answer.status_code == 200, answer.content.decode()[:2000]
    found = re.search(r'data-count="(\d+)"', answer.content.decode())
    assert found
    return int(found[1])


def rows_of(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_each_filter_narrows_the_list(contract: Contract, max_: User, signed_in: SignIn) -> None:
    fair, spring = source("Fair"), campaign("Spring")
    won = contract.handed(HANDED, accepted=ANSWERED, source=fair, campaign=spring, band="150", won_at=ANSWERED)
    contract.handed(HANDED, rejected=ANSWERED, reason="wrong_person", temperature="hot")
    contract.handed(HANDED, rejected=ANSWERED, reason="bad_contact_data", is_returned=True)
    contract.handed(HANDED)  # overdue
    contract.handed(at("2026-03-20 11:00"))
    contract.handed(at("2026-02-03 10:00"), accepted=ANSWERED, given_back_at=ANSWERED)
    contract.handed(HANDED, accepted=ANSWERED, origin="import")
    client = signed_in(max_)
    assert shown(client) == 7
    assert shown(client, state="handed_over") == 6
    assert shown(client, state="accepted") == 2
    assert shown(client, state="rejected") == 2
    assert shown(client, state="rejected", reason="wrong_person") == 1
    assert shown(client, state="waiting") == 2
    assert shown(client, state="overdue") == 1
    assert shown(client, state="returned") == 1
    assert shown(client, state="won") == 1
    assert shown(client, state="given_back") == 1
    assert shown(client, state="closed") == 1
    assert shown(client, source=fair.code) == 1
    assert shown(client, source="none") == 6
    assert shown(client, campaign=spring.code) == 1
    assert shown(client, band="150") == 1
    assert shown(client, temperature="hot") == 1
    assert shown(client, origin="import") == 1
    assert shown(client, team=contract.team.public_id) == 7
    assert shown(client, period="2026-02") == 1
    assert shown(client, period="2026-03", state="handed_over") == 5
    assert shown(client, clock="overdue") == 1
    assert won.lead.name in client.get("/handoffs/", {"state": "won"}).content.decode()


def test_a_figure_as_of_a_moment_keeps_its_rows(contract: Contract, max_: User, signed_in: SignIn) -> None:
    contract.handed(HANDED, accepted=at("2026-03-05 11:00"))
    contract.handed(HANDED, rejected=at("2026-03-19 11:00"))
    wanted = {"measure": "accepted", "period": "2026-03", "agreement": contract.agreement.public_id}
    client = signed_in(max_)
    assert shown(client, **wanted) == 2
    assert shown(client, **wanted, as_of=at("2026-03-03 12:00").isoformat(), part="open") == 2
    # By the 6th the second was silent for twice its time, and counts as accepted.
    assert shown(client, **wanted, as_of=at("2026-03-06 12:00").isoformat(), part="kept") == 2
    assert shown(client, **wanted, as_of=at("2026-03-06 12:00").isoformat(), part="kept", note="silent") == 1


def test_what_will_be_is_not_known(contract: Contract, max_: User, signed_in: SignIn) -> None:
    contract.handed(at("2026-03-20 11:00"))  # 1 working day to decide: due on Monday the 23rd
    client = signed_in(max_)
    figure = {"measure": "decide", "period": "2026-03", "part": "open"}
    assert shown(client, **figure) == 1
    assert shown(client, **figure, as_of="2190-01-01T00:00Z") == 1


def test_the_parts_of_a_figure_are_named_and_counted(contract: Contract, max_: User, signed_in: SignIn) -> None:
    contract.handed(HANDED, accepted=ANSWERED)
    contract.handed(HANDED, rejected=ANSWERED, is_counted=False)
    contract.handed(HANDED, accepted=ANSWERED, override_by=max_)
    text = signed_in(max_).get("/handoffs/", {"measure": "accepted", "part": "left_out"}).content.decode()
    assert re.search(r'Left out <span class="mute num">2</span>', text)
    assert "reason does not count against marketing" in text
    assert "gate overridden" in text
    assert "No decision by twice the decision time" in text


def test_clocks_are_listed_behind_a_promise_of_time(contract: Contract, max_: User, signed_in: SignIn) -> None:
    contract.clock("fix", started=HANDED, stopped=ANSWERED)
    contract.clock("fix", started=HANDED)
    client = signed_in(max_)
    assert shown(client, measure="fix", period="2026-03") == 2
    assert shown(client, measure="fix", period="2026-03", part="kept") == 1
    answer = client.get("/handoffs/", {"measure": "fix", "period": "2026-03", "part": "against"})
    assert "Fix and send again" in answer.content.decode()
    assert "within 1 working day" in answer.content.decode()


def test_a_rep_sees_only_their_rows_and_is_told_so(
    contract: Contract, sam: User, max_: User, nia: User, signed_in: SignIn
) -> None:
    contract.handed(HANDED, accepted=ANSWERED, owner=sam, to_team=sam.team)
    contract.handed(HANDED, accepted=ANSWERED)
    recompute(now=NOW)
    wanted = {"measure": "accepted", "period": "2026-03"}
    assert shown(signed_in(max_), **wanted) == 2
    assert shown(signed_in(sam), **wanted) == 1
    assert (
        "2 in all; these are the 1 that are yours to see." in signed_in(sam).get("/handoffs/", wanted).content.decode()
    )
    assert shown(signed_in(nia)) == 0


def test_figures_of_a_person_are_for_them_and_their_manager(
    contract: Contract, sam: User, sue: User, max_: User, signed_in: SignIn
) -> None:
    contract.handed(HANDED, accepted=ANSWERED, owner=sam)
    wanted = {"person": sam.public_id}
    assert shown(signed_in(sue), **wanted) == 1
    assert shown(signed_in(sam), **wanted) == 1
    assert signed_in(max_).get("/handoffs/", wanted).status_code == 400


def test_csv_holds_exactly_what_is_shown(contract: Contract, max_: User, signed_in: SignIn) -> None:
    lead = contract.lead(name="=HYPERLINK(1)", company_name="Kern & Söhne")
    contract.handed(HANDED, accepted=ANSWERED, lead=lead, campaign=campaign("@SUM(1)"), source=source("+1"))
    contract.handed(HANDED, rejected=ANSWERED)
    client = signed_in(max_)
    rows = rows_of(client.get("/handoffs/", {"state": "accepted", "format": "csv"}))
    assert len(rows) == 2
    assert rows[0][:4] == ["id", "lead", "company", "handed over at"]
    assert rows[1][1:4] == ["'=HYPERLINK(1)", "Kern & Söhne", "2026-03-03 10:00+01:00"]
    assert rows[1][4:6] == ["'+1", "'@SUM(1)"]
    clocks = rows_of(client.get("/handoffs/", {"measure": "decide", "period": "2026-03", "format": "csv"}))
    assert [row[10] for row in clocks] == ["outcome", "met", "met"]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"period": "soon"}, "is not a period"),
        ({"period": "9999-12", "measure": "decide"}, "is not a period"),
        ({"period": "0001-01", "measure": "decide"}, "is not a period"),
        ({"as_of": "yesterday"}, "is not a moment"),
        ({"as_of": "2026-03-03T10:00"}, "is not a moment"),
        ({"as_of": "2026-02-31T10:00+01:00"}, "is not a moment"),
        ({"as_of": "0001-01-01T00:00+14:00"}, "is not a moment"),
        ({"as_of": "9999-12-31T23:59Z", "measure": "decide"}, "is not a moment"),
        ({"measure": "luck"}, "Promise"),
        ({"state": "asleep"}, "Any state"),
        ({"source": "nowhere"}, "Any source"),
        ({"source": "\x00"}, "Any source"),
        ({"campaign": "\x00"}, "Any campaign"),
        ({"team": "x"}, "Any team"),
        ({"agreement": "00000000-0000-0000-0000-000000000000"}, "There is no such agreement"),
        ({"agreement": "x"}, "Agreement"),
        ({"band": "<script>"}, "Any score"),
    ],
)
def test_a_wrong_address_names_the_field(
    contract: Contract, max_: User, signed_in: SignIn, parameters: dict[str, str], words: str
) -> None:
    contract.handed(HANDED)
    answer = signed_in(max_).get("/handoffs/", parameters)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert "<script>" not in re.sub(r"<script (src|id)=[^>]*>", "", answer.content.decode())


def test_long_lists_come_in_pages(
    contract: Contract, max_: User, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    for _number in range(60):
        contract.handed(HANDED)
    client = signed_in(max_)
    client.get("/handoffs/")
    with django_assert_max_num_queries(24):
        answer = client.get("/handoffs/")
    assert len(answer.context["rows"]) == 50
    assert len(client.get("/handoffs/?page=2").context["rows"]) == 10
    assert Handoff.objects.count() == 60


def test_an_empty_list_says_what_comes(contract: Contract, max_: User, ada: User, signed_in: SignIn) -> None:
    client = signed_in(max_)
    assert "Nothing was handed over yet" in client.get("/handoffs/").content.decode()
    assert "Nothing fits these filters" in client.get("/handoffs/?state=won").content.decode()
    assert signed_in(ada).get("/handoffs/").status_code == 403
    assert Client().get("/handoffs/").status_code == 302
    assert client.post("/handoffs/").status_code == 405
    assert b"<html" not in client.get("/handoffs/", headers={"HX-Request": "true"}).content
