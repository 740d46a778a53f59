"""The acceptance page: rates of a month by dimension, and from lead to customer with imported history."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from leads.models import Identity, Origin, Stage
from leadsla.accounts.models import User
from sla import acceptance
from sla.models import Agreement
from tests.sla.contract_facts import Contract, at, make_contract, source

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


def lines(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


def test_rates_by_source_of_a_month(contract: Contract, max_: User, signed_in: SignIn) -> None:
    fair = source("Fair")
    contract.handed(HANDED, accepted=ANSWERED, source=fair)
    contract.handed(HANDED, rejected=ANSWERED, source=fair)
    contract.handed(HANDED, accepted=ANSWERED)
    acceptance.recompute(now=NOW)
    client = signed_in(max_)
    context = client.get("/acceptance/").context
    assert [(row["label"], row["done"], row["cases"]) for row in context["rates"]] == [
        ("No source", 1, 1),
        ("Fair", 1, 2),
    ]
    assert (context["rates_all"]["done"], context["rates_all"]["cases"]) == (2, 3)
    assert client.get("/acceptance/?period=2026-02").context["rates"] == []
    rows = lines(client.get("/acceptance/?format=acceptance"))
    assert [row[:5] for row in rows[1:]] == [["No source", "1", "1", "1", "0"], ["Fair", "2", "2", "1", "0"]]


def test_rates_of_a_person_are_for_them_and_their_manager(
    contract: Contract, sam: User, sue: User, max_: User, signed_in: SignIn
) -> None:
    contract.handed(HANDED, accepted=ANSWERED, owner=sam)
    contract.handed(HANDED, accepted=ANSWERED)
    acceptance.recompute(now=NOW)
    assert [row["label"] for row in signed_in(sue).get("/acceptance/?by=person").context["rates"]] == ["Sam Becker"]
    assert [row["label"] for row in signed_in(sam).get("/acceptance/?by=person").context["rates"]] == ["Sam Becker"]
    assert signed_in(max_).get("/acceptance/?by=person").context["rates"] == []


def test_from_lead_to_customer_shows_imported_history(contract: Contract, max_: User, signed_in: SignIn) -> None:
    search = source("Paid search")
    for number in range(8):
        lead = contract.lead(
            origin=Origin.IMPORT,
            first_source=search if number < 6 else None,
            stage=Stage.CUSTOMER if number in {0, 7} else Stage.INQUIRY,
            captured_at=at(f"2018-0{1 + number // 4}-10 00:00"),
        )
        Identity.objects.create(kind="external", system="olist", value=str(number), lead=lead)
    contract.lead(stage=Stage.CUSTOMER, captured_at=NOW)
    client = signed_in(max_)
    answer = client.get("/acceptance/")
    assert [(row["label"], row["done"], row["cases"]) for row in answer.context["customers"]] == [
        ("Paid search", 1, 6),
        ("No source", 2, 3),  # few: never ranked
    ]
    assert answer.context["customers_all"]["cases"] == 9
    assert "stage=customer" in answer.context["customers"][0]["url"]
    only = client.get("/acceptance/?system=olist").context["customers"]
    assert [(row["label"], row["done"], row["cases"]) for row in only] == [("Paid search", 1, 6), ("No source", 1, 2)]
    assert only[0]["url"] == ""
    january = client.get("/acceptance/?since=2018-01-01&until=2018-01-31").context["customers"]
    assert [(row["done"], row["cases"]) for row in january] == [(1, 4)]
    rows = lines(client.get("/acceptance/?origin=import&format=customers"))
    assert [row[:3] for row in rows[1:]] == [["No source", "2", "1"], ["Paid search", "6", "1"]]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("period=soon", "is not a month"),
        ("period=9999-12", "is not a month"),
        ("by=luck", "By"),
        ("system=unknown", "Any system"),
        ("since=x", "First contact from"),
        ("since=0001-01-01", "First contact from"),
        ("until=9999-12-31", "First contact until"),
        ("since=2026-03-02&until=2026-03-01", "before the first one"),
    ],
)
def test_a_wrong_address_names_the_field(
    contract: Contract, max_: User, signed_in: SignIn, address: str, words: str
) -> None:
    answer = signed_in(max_).get(f"/acceptance/?{address}")
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_empty_and_for_whom(contract: Contract, max_: User, ada: User, signed_in: SignIn) -> None:
    text = signed_in(max_).get("/acceptance/").content.decode()
    assert "Nothing to show for this month" in text
    assert "No leads yet" in text
    assert signed_in(ada).get("/acceptance/").status_code == 403
    assert Client().get("/acceptance/").status_code == 302
