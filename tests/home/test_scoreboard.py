"""The scoreboard through the front door: figures, links that show exactly the rows behind them, empty pages, roles."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from leadsla.accounts.models import Team, User
from sla import acceptance
from sla.compliance import recompute, replay
from sla.models import Agreement, Handoff
from tests.sla.contract_facts import Contract, at, make_contract, source
from tests.sla.test_compliance import _another_score, _random_history

pytestmark = pytest.mark.django_db

NOW = at("2026-03-20 12:00")
SignIn = Callable[[User], Client]


@pytest.fixture
def contract(db: None) -> Contract:
    Agreement.objects.all().delete()
    return make_contract()


@pytest.fixture(autouse=True)
def _now(settings: Any) -> None:
    settings.LEADSLA_NOW = NOW.isoformat()


@pytest.fixture
def history(contract: Contract) -> Contract:
    """Two months of random handoffs with a source or none, recomputed."""
    _random_history(contract, random.Random(7), 90)  # always the same
    fair, search = source("Fair"), source("Search")
    for place, handoff in enumerate(Handoff.objects.order_by("pk")):
        handoff.source = (fair, search, None)[place % 3]
        handoff.save()
    for day in range(2, 20):
        started = at(f"2026-03-{day:02} 10:00")
        contract.clock("first_follow_up", started=started, stopped=started.replace(hour=12), used_seconds=7200.0)
        contract.clock("first_follow_up", started=started)
    replay(now=NOW)
    acceptance.recompute(now=NOW)
    return contract


def page(client: Client, url: str = "/scoreboard/") -> Any:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer


def count_of(client: Client, url: str) -> int:
    """Return how many rows the list behind a figure says that it has."""
    found = re.search(r'data-count="(\d+)"', page(client, url).content.decode())
    assert found, url
    return int(found[1])


def test_every_figure_of_a_card_leads_to_exactly_its_rows(history: Contract, max_: User, signed_in: SignIn) -> None:
    client = signed_in(max_)
    cards = [card for panel in page(client).context["panels"] for card in panel.cards]
    assert len(cards) == 9
    for card in cards:
        assert count_of(client, card.cases_url) == card.row.cases, card.name
        assert page(client, card.url).context["card"].cases_url == card.cases_url
    assert sum(card.row.cases for card in cards) > 50


def test_the_handshake_leads_to_exactly_its_rows(history: Contract, max_: User, signed_in: SignIn) -> None:
    client = signed_in(max_)
    strip = page(client).context["strip"]
    accepted, rejected, waiting = strip["parts"][:3]
    overdue = strip["parts"][3]["count"]
    assert overdue > 0
    assert count_of(client, strip["handed_over"]["url"]) == strip["handed_over"]["count"]
    assert count_of(client, accepted["url"]) == accepted["count"]
    assert count_of(client, rejected["url"]) == rejected["count"]
    assert count_of(client, waiting["url"]) == waiting["count"] + overdue
    assert count_of(client, strip["at_risk"]["url"]) == strip["at_risk"]["count"]
    assert strip["handed_over"]["count"] == sum(part["count"] for part in strip["parts"])


def test_acceptance_reasons_and_times_lead_to_exactly_their_rows(
    history: Contract, max_: User, signed_in: SignIn
) -> None:
    client = signed_in(max_)
    context = page(client).context
    rows = context["acceptance"]["sources"] + context["acceptance"]["bands"]
    assert {row["label"] for row in context["acceptance"]["sources"]} == {"Fair", "Search", "No source"}
    for row in rows:
        assert count_of(client, row["url"]) == row["cases"], row["label"]
    assert context["why"]["rows"]
    for row in context["why"]["rows"]:
        assert count_of(client, row["url"]) == row["count"], row["label"]
    _code, _label, followed = context["times"]["choices"][0]
    assert count_of(client, context["times"]["url"]) == followed > 0


def test_the_strip_counts_by_hand(contract: Contract, max_: User, signed_in: SignIn) -> None:
    contract.handed(at("2026-03-03 10:00"), accepted=at("2026-03-03 11:00"))
    contract.handed(at("2026-03-03 10:00"), rejected=at("2026-03-03 11:00"))
    contract.handed(at("2026-03-20 10:00"))
    contract.handed(at("2026-03-18 10:00"))
    contract.handed(
        at("2026-03-18 10:00"), closed_at=at("2026-03-18 11:00"), closed_because="withdrawn", has_clock=False
    )
    contract.handed(at("2026-02-03 10:00"))
    recompute(now=NOW)
    strip = page(signed_in(max_)).context["strip"]
    assert strip["handed_over"]["count"] == 4
    assert strip["handed_over"]["detail"] == "February at this day: 1"
    assert [part["count"] for part in strip["parts"]] == [1, 1, 1, 1]
    assert strip["parts"][0]["detail"] == "67\u202f% of 3 that count"  # the overdue one counts after twice its time
    # Overdue: that of 18 March and that of February.
    assert (strip["at_risk"]["count"], strip["at_risk"]["detail"]) == (2, "2 with sales, 0 with marketing")


def test_a_card_says_value_cases_promise_and_gap(contract: Contract, max_: User, signed_in: SignIn) -> None:
    for _number in range(6):
        contract.handed(at("2026-03-03 10:00"), accepted=at("2026-03-03 11:00"))
    for _number in range(14):
        contract.handed(at("2026-03-03 10:00"), rejected=at("2026-03-03 11:00"))
    recompute(now=NOW)
    answer = page(signed_in(max_))
    card = next(card for panel in answer.context["panels"] for card in panel.cards if card.measure == "accepted")
    assert (card.value, card.sub, card.status) == ("30\u202f%", "6 of 20 decided", "risk")
    assert card.gap == "25 points short"
    assert card.plot["lo"] == pytest.approx(55)
    assert card.plot["now"] == pytest.approx(30)
    assert "Accepted by sales: At risk. 30\u202f% now, promised ≥\u202f55\u202f%." in card.sentence
    assert "25 points short" in answer.content.decode()


def test_the_pace_stands_in_a_chart_and_in_a_table(contract: Contract, max_: User, signed_in: SignIn) -> None:
    contract.handed(at("2026-03-02 10:00"))
    contract.handed(at("2026-03-03 10:00"))
    contract.handed(at("2026-03-07 10:00"))  # a Saturday: counted with Friday
    recompute(now=NOW)
    answer = page(signed_in(max_))
    block = re.search(r'<script id="pace-data" type="application/json">(.*?)</script>', answer.content.decode())
    assert block
    data = json.loads(block[1])
    assert data["days"] == 22
    assert data["today"] == 15
    assert data["actual"][:7] == [[0, 0], [1, 1], [2, 2], [3, 2], [4, 2], [5, 3], [6, 3]]
    assert data["promise"] == {"low": 120.0, "high": 150.0}
    assert data["marks"][0] == [0, "2 Mar"]
    assert answer.context["pace"]["rows"][4] == ["Fri 6 Mar", "3"]
    assert answer.context["pace"]["rows"][20][1] == "–"


def test_a_provisional_agreement_is_shown_as_not_agreed(contract: Contract, max_: User, signed_in: SignIn) -> None:
    Agreement.objects.update(is_provisional=True)
    assert "Provisional agreement, not agreed yet" in page(signed_in(max_)).content.decode()
    Agreement.objects.update(is_provisional=False)
    assert "not agreed yet" not in page(signed_in(max_)).content.decode()


def test_empty_pages_say_what_comes_and_what_to_do(contract: Contract, max_: User, signed_in: SignIn) -> None:
    client = signed_in(max_)
    text = page(client).content.decode()
    assert "No figures for this period yet" in text
    assert "manage.py recompute" in text
    recompute(now=NOW)
    text = page(client).content.decode()
    for words in ("Too early", "Nothing decided yet", "Nothing rejected", "Nothing is at risk"):
        assert words in text
    Agreement.objects.update(status="draft", in_force_from=None)
    assert "No agreement is in force" in page(client).content.decode()


def test_an_earlier_period_and_what_is_wrong_with_one(history: Contract, max_: User, signed_in: SignIn) -> None:
    client = signed_in(max_)
    february = page(client, "/scoreboard/?period=2026-02")
    assert february.context["chosen"].period.code == "2026-02"
    assert "provisional until" in february.content.decode() or "settled" in february.content.decode()
    assert "2026-02" in dict(page(client).context["filters"][0]["choices"])
    for text in ("soon", "2026-13", "2026-04", "9999-12", "0001-01"):
        answer = client.get("/scoreboard/", {"period": text})
        assert answer.status_code == 400
        assert "period:" in answer.content.decode()
    assert client.get("/scoreboard/?agreement=00000000-0000-0000-0000-000000000000").status_code == 404
    assert client.get("/scoreboard/?agreement=x").status_code == 404


def test_a_restated_period_says_what_was_shown(contract: Contract, max_: User, signed_in: SignIn) -> None:
    contract.handed(at("2026-02-03 10:00"), accepted=at("2026-02-03 11:00"))
    recompute(now=at("2026-03-17 12:00"), period=at("2026-02-01 00:00").date())
    contract.handed(at("2026-02-04 10:00"), rejected=at("2026-02-04 11:00"))
    recompute(now=NOW, period=at("2026-02-01 00:00").date())
    text = page(signed_in(max_), "/scoreboard/?period=2026-02").content.decode()
    assert "1 of 2 decided, restated, was 100\u202f%" in text


def test_a_version_that_changes_the_score_model_only_has_the_whole_month(
    contract: Contract, max_: User, signed_in: SignIn
) -> None:
    contract.handed(at("2026-02-24 10:00"), accepted=at("2026-02-24 11:00"))
    contract.handed(at("2026-03-03 10:00"), accepted=at("2026-03-03 11:00"))
    recompute(now=at("2026-03-12 10:00"))
    second = _another_score(contract, at("2026-03-12 14:00"))
    client = signed_in(max_)
    # Until the figures are computed anew, those of the morning are shown.
    assert page(client).context["has_figures"]
    second.handed(at("2026-03-17 10:00"), rejected=at("2026-03-17 11:00"))
    replay(now=NOW)
    board = page(client)
    assert board.context["chosen"].agreement == second.agreement
    cards = {card.measure: card for panel in board.context["panels"] for card in panel.cards}
    assert (cards["accepted"].row.kept, cards["accepted"].row.cases) == (1, 2)
    assert count_of(client, cards["accepted"].cases_url) == 2
    assert count_of(client, cards["decide"].cases_url) == 2
    assert board.context["strip"]["handed_over"]["count"] == 2
    assert count_of(client, board.context["strip"]["handed_over"]["url"]) == 2
    assert page(client, cards["accepted"].url).context["slices"][0]["cases"] == 2
    # The version before has the month before; of this month it leads to the one that counts.
    first = contract.agreement
    assert page(client, f"/scoreboard/?agreement={first.public_id}").context["chosen"].agreement == second.agreement
    february = page(client, "/scoreboard/?period=2026-02").context
    assert february["chosen"].agreement == first
    assert february["has_figures"]
    assert count_of(client, f"/handoffs/?agreement={first.public_id}&period=2026-03") == 2
    assert count_of(client, f"/handoffs/?agreement={second.agreement.public_id}&period=2026-02") == 1


def test_a_sales_manager_reassigns_in_place(
    contract: Contract, sue: User, sam: User, nia: User, max_: User, signed_in: SignIn
) -> None:
    mine = contract.handed(at("2026-03-18 10:00"), to_team=sue.team, owner=sam)
    contract.handed(at("2026-03-18 10:00"))
    Team.objects.filter(pk=mine.to_team_id).update(is_active=True)
    answer = page(signed_in(sue))
    assert [risk.may_reassign for risk in answer.context["risks"]["rows"]].count(True) == 1
    assert f"/contract/handoffs/{mine.public_id}/reassign/" in answer.content.decode()
    assert str(nia.public_id) in answer.content.decode()
    assert "/reassign/" not in page(signed_in(max_)).content.decode()


def test_who_may_see_it(contract: Contract, mia: User, sam: User, olga: User, ada: User, signed_in: SignIn) -> None:
    for user in (mia, sam, olga):
        assert signed_in(user).get("/scoreboard/").status_code == 200
    assert signed_in(ada).get("/scoreboard/").status_code == 403
    assert Client().get("/scoreboard/").status_code == 302
    assert signed_in(mia).post("/scoreboard/").status_code == 405


def test_no_names_of_people_stand_beside_figures(history: Contract, max_: User, signed_in: SignIn) -> None:
    contract_owner = history.owner.name
    answer = page(signed_in(max_))
    text = answer.content.decode()
    assert contract_owner not in text.split('id="risk"')[0]


def test_htmx_gets_the_fragment(contract: Contract, max_: User, signed_in: SignIn) -> None:
    answer = signed_in(max_).get("/scoreboard/", headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert b"Marketing owes" in answer.content or b"No figures" in answer.content


def test_the_scoreboard_asks_few_questions(
    history: Contract, sue: User, signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(sue)
    page(client)
    with django_assert_max_num_queries(42):
        page(client)


def test_the_definitions_stand_on_the_page(history: Contract, max_: User, signed_in: SignIn) -> None:
    text = page(signed_in(max_)).content.decode()
    assert "How is this computed?" in text
    assert "No decision by twice the decision time counts as accepted here" in text


def test_times_are_those_of_the_reader(contract: Contract, max_: User, signed_in: SignIn) -> None:
    contract.handed(at("2026-03-03 10:00"))
    recompute(now=at("2026-03-20 11:47"))
    User.objects.filter(pk=max_.pk).update(timezone="America/New_York")
    text = page(signed_in(max_)).content.decode()
    assert "06:47" in text


def test_the_first_working_minutes_of_a_month(contract: Contract, max_: User, signed_in: SignIn, settings: Any) -> None:
    settings.LEADSLA_NOW = at("2026-04-01 00:00").isoformat()
    recompute(now=at("2026-04-01 00:00"))
    answer = page(signed_in(max_))
    assert answer.context["chosen"].period.code == "2026-04"
    assert answer.context["working_day"] == "working day 1 of 22"
    settings.LEADSLA_NOW = at("2026-04-02 09:00").isoformat()
    assert page(signed_in(max_)).context["working_day"] == "working day 2 of 22"
