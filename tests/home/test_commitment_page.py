"""The page of one promise, figures of a part of the cases, figures of people, and months rolled into the quarter."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from leadsla.accounts.models import Side, Team, User
from sla import acceptance
from sla.compliance import recompute, replay
from sla.models import Agreement, ClockChange, Commitment, Compliance
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


def address(measure: str) -> str:
    return f"/scoreboard/commitment/{Commitment.objects.get(measure=measure).public_id}/"


def page(client: Client, url: str) -> Any:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer


def count_of(client: Client, url: str) -> int:
    """Return how many rows the list behind a figure says that it has."""
    found = re.search(r'data-count="(\d+)"', page(client, url).content.decode())
    assert found, url
    return int(found[1])


def lines(context: Any) -> list[tuple[str, int, int]]:
    return [(row["label"], row["done"], row["cases"]) for row in context["slices"]]


@pytest.fixture
def month(contract: Contract, sam: User, sue: User) -> Contract:
    """Seven handoffs in March: six of the fair (four accepted, two rejected), one of nowhere that waits."""
    fair, spring = source("Fair"), campaign("spring")
    for number in range(6):
        contract.handed(
            HANDED,
            **({"accepted": ANSWERED} if number < 4 else {"rejected": ANSWERED}),
            source=fair,
            campaign=spring if number < 3 else None,
            owner=sam if number < 2 else contract.owner,
        )
    contract.handed(at("2026-03-20 10:00"))
    recompute(now=NOW)
    return contract


def test_the_page_says_what_it_counts_how_it_stands_and_of_what(month: Contract, max_: User, signed_in: SignIn) -> None:
    answer = page(signed_in(max_), address("accepted"))
    context, text = answer.context, answer.content.decode()
    assert "Leads handed over through a door that sales decided on" in text
    assert context["card"].value == "67\u202f%"
    assert {part["label"]: part["count"] for part in context["parts"]} == {"Kept": 4, "Not kept": 2, "Open": 1}
    assert [line["label"] for line in context["past"]] == ["March 2026"]


def test_break_downs_add_up_and_lead_to_their_rows(month: Contract, max_: User, signed_in: SignIn) -> None:
    client = signed_in(max_)
    assert lines(page(client, address("accepted") + "?by=source").context) == [("Fair", 4, 6), ("No source", 0, 0)]
    by_campaign = page(client, address("accepted") + "?by=campaign").context
    assert lines(by_campaign) == [("spring", 3, 3), ("No campaign", 1, 3)]
    assert lines(page(client, address("accepted") + "?by=team").context) == [("Contract sales", 4, 6)]
    for row in by_campaign["slices"]:
        assert count_of(client, row["url"]) == row["cases"], row["label"]
    for part in by_campaign["parts"]:
        assert count_of(client, part["url"]) == part["count"], part["label"]


def test_the_interval_of_a_slice_is_wilsons(month: Contract, max_: User, signed_in: SignIn) -> None:
    row = page(signed_in(max_), address("accepted") + "?by=source").context["slices"][0]
    # 4 of 6 by Wilson, 95 %: 30.0 % to 90.3 %.
    assert (row["low"], row["high"]) == (pytest.approx(0.300, abs=0.0005), pytest.approx(0.903, abs=0.0005))
    assert not row["is_few"]


def test_figures_of_a_person_are_for_them_and_their_manager(
    month: Contract, sam: User, sue: User, max_: User, signed_in: SignIn
) -> None:
    url = address("accepted") + "?by=person"
    assert lines(page(signed_in(sue), url).context) == [("Sam Becker", 2, 2)]
    assert lines(page(signed_in(sam), url).context) == [("Sam Becker", 2, 2)]
    assert lines(page(signed_in(max_), url).context) == []
    assert "Rita Rep" not in page(signed_in(sue), url).content.decode()


def test_a_setting_switches_figures_of_people_off(
    month: Contract, sam: User, sue: User, signed_in: SignIn, settings: Any
) -> None:
    settings.LEADSLA_FIGURES_OF_PERSONS = False
    acceptance.recompute(now=NOW)
    for user in (sam, sue):
        client = signed_in(user)
        answer = page(client, address("accepted") + "?by=person")
        assert "person" not in dict(answer.context["dimensions"])
        assert answer.context["by"] == "team"
        assert page(client, "/acceptance/?by=person").context["rates"] == []
        assert client.get("/scoreboard/", {"person": str(sam.public_id)}).status_code == 400
        assert client.get("/handoffs/", {"person": str(sam.public_id)}).status_code == 400


def test_the_scoreboard_of_a_part_has_figures_and_no_status(month: Contract, max_: User, signed_in: SignIn) -> None:
    client = signed_in(max_)
    answer = page(client, "/scoreboard/?source=test-fair&campaign=spring")
    found = {card.measure: card for panel in answer.context["panels"] for card in panel.cards}
    assert (found["quantity"].value, found["accepted"].value) == ("3", "100\u202f%")
    assert found["accepted"].status == found["accepted"].row.status == ""
    assert answer.context["strip"]["handed_over"]["count"] == 3
    assert count_of(client, answer.context["strip"]["handed_over"]["url"]) == 3
    assert count_of(client, found["decide"].cases_url) == found["decide"].row.cases == 3
    assert "Only Fair, spring." in answer.content.decode()
    assert "campaign=spring" in found["accepted"].url
    assert page(client, found["accepted"].url).context["card"].value == "100\u202f%"
    nowhere = page(client, "/scoreboard/?source=none").context
    assert nowhere["strip"]["handed_over"]["count"] == 1


def test_a_part_of_a_person_is_for_their_manager_only(
    month: Contract, sam: User, sue: User, max_: User, signed_in: SignIn
) -> None:
    url = f"/scoreboard/?person={sam.public_id}"
    assert page(signed_in(sue), url).context["strip"]["handed_over"]["count"] == 2
    answer = signed_in(max_).get(url)
    assert answer.status_code == 400
    assert "person:" in answer.content.decode()
    assert answer.context["strip"]["handed_over"]["count"] == 7


def test_what_was_late_says_why_and_names_people_to_their_manager_only(
    contract: Contract, sam: User, sue: User, max_: User, signed_in: SignIn
) -> None:
    late = contract.handed(HANDED, accepted=at("2026-03-04 10:01"), owner=sam)
    late.clocks.update(owner=sam, responsible=sam)
    waived = contract.handed(HANDED, accepted=at("2026-03-04 10:01"))
    waived.clocks.update(outcome="waived")
    ClockChange.objects.create(
        clock=waived.clocks.get(), kind="waived", at=at("2026-03-05 10:00"), by=sue, why="The portal was down."
    )
    recompute(now=at("2026-03-05 09:59"))
    assert Compliance.objects.get(commitment__measure="decide").waived == 0  # the waiver came later
    recompute(now=NOW)
    row = Compliance.objects.get(commitment__measure="decide")
    assert (row.kept, row.cases, row.waived) == (0, 1, 1)
    to_sue, to_max = (page(signed_in(user), address("decide")) for user in (sue, max_))
    assert [(line["who"], line["why"]) for line in to_sue.context["late"]] == [("Sam Becker", "done too late")]
    assert [line["who"] for line in to_max.context["late"]] == ["Contract sales"]
    assert "The portal was down." in to_max.content.decode()
    assert "1 waived" in to_max.context["card"].sub


def test_a_month_with_too_few_cases_is_rolled_into_its_quarter(
    contract: Contract, max_: User, signed_in: SignIn, settings: Any
) -> None:
    # The promise is 55 %, so that a month needs 12 cases. January 5 of 6, February 4 of 5, March 2 of 4.
    for start, yes, no in (("2026-01-13", 5, 1), ("2026-02-10", 4, 1), ("2026-03-10", 2, 2)):
        for number in range(yes + no):
            when = at(f"{start} 10:00") + timedelta(minutes=number)
            contract.handed(when, **{"accepted" if number < yes else "rejected": when + timedelta(hours=1)})
    settings.LEADSLA_NOW = at("2026-05-04 12:00").isoformat()
    replay(now=at("2026-05-04 12:00"))
    march = Compliance.objects.get(commitment__measure="accepted", period_start=date(2026, 3, 1))
    assert march.status == "too_few"
    client = signed_in(max_)
    quarter = page(client, address("accepted") + "?period=2026-03").context["quarter"]
    # 11 of 15 are 73 %, more than 55 % with enough cases.
    assert (quarter["label"], quarter["kept"], quarter["cases"], quarter["status"]) == ("Q1 2026", 11, 15, "met")
    cards = [card for panel in page(client, "/scoreboard/?period=2026-03").context["panels"] for card in panel.cards]
    assert "Q1 2026: 73\u202f% of 15, met" in next(card.sub for card in cards if card.measure == "accepted")


def test_a_restated_figure_stands_beside_the_settled_one(contract: Contract, max_: User, signed_in: SignIn) -> None:
    contract.handed(at("2026-02-03 10:00"), accepted=at("2026-02-03 11:00"))
    recompute(now=at("2026-03-17 12:00"), period=date(2026, 2, 1))
    contract.handed(at("2026-02-04 10:00"), rejected=at("2026-02-04 11:00"))
    recompute(now=NOW, period=date(2026, 2, 1))
    answer = page(signed_in(max_), address("accepted") + "?period=2026-02")
    assert answer.context["settled"] == "restated, was 100\u202f%"
    assert answer.context["past"][0]["settled"] == "restated, was 100\u202f%"


def test_what_is_no_promise_of_the_agreement_is_not_found(contract: Contract, max_: User, signed_in: SignIn) -> None:
    client = signed_in(max_)
    assert client.get("/scoreboard/commitment/00000000-0000-0000-0000-000000000000/").status_code == 404
    other = Commitment.objects.create(measure="quantity", side="sales")
    assert client.get(f"/scoreboard/commitment/{other.public_id}/").status_code == 404
    assert client.get(address("accepted") + "?period=soon").status_code == 400
    assert client.get(address("accepted") + "?team=x").status_code == 400
    assert "No figures for this period yet" in page(client, address("accepted")).content.decode()


def test_a_team_has_its_own_figures(month: Contract, max_: User, signed_in: SignIn) -> None:
    empty = Team.objects.create(name="Another", side=Side.SALES)
    client = signed_in(max_)
    ours = page(client, f"{address('decide')}?team={month.team.public_id}").context["standing"].row
    assert (ours.kept, ours.cases) == (6, 6)
    others = page(client, f"{address('decide')}?team={empty.public_id}").context["standing"].row
    assert (others.kept, others.cases) == (0, 0)
