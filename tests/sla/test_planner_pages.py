"""The planner's pages: who may, the figures that stand on them, what is refused, and what goes into the draft."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from leadsla.accounts.models import User
from sla import assumptions, compliance, draft_definition, drafting, what_if
from sla.models import Agreement, Assumptions, Target, WhatIf
from sla.planner_table import question_words
from sla.tasks import run_what_if
from tests.sla.contract_facts import Contract, make_contract
from tests.sla.planner_facts import DAYS, NOW, twelve

SignedIn = Callable[[User], Client]
NARROW = "\u202f"


@pytest.fixture(autouse=True)
def it_is_april(settings: object) -> None:
    settings.LEADSLA_NOW = "2026-04-15T10:00"  # type: ignore[attr-defined]


@pytest.fixture
def contract(db: None) -> Contract:
    made = make_contract()
    twelve(made)
    compliance.replay(now=NOW)
    return made


def words(answer: HttpResponse) -> str:
    """Return what a page says, without its tags, in one line."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", text.replace(NARROW, " "))


def planner_url(contract: Contract, query: str = "") -> str:
    return reverse("sla:planner", args=(contract.agreement.public_id,)) + query


def test_the_planner_shows_then_and_now_in_money_and_in_the_goal(
    signed_in: SignedIn, sue: User, contract: Contract
) -> None:
    assumptions.assume(revenue_goal=Decimal(60_000))
    page = words(signed_in(sue).get(planner_url(contract, "?threshold=110")))
    assert "the past 2 months at 100 at 110" in page
    assert "Leads sent 27 % fewer 11 8" in page
    assert "Staying in nurturing 0 3" in page
    assert "Accepted 7 6" in page
    assert "Share accepted 70 % 40–89 % 75 % 41–93 %" in page
    assert "Customers 1 lost 4 3" in page
    assert "Share customers of those that had 20 days 40 %" in page
    # 4 x 45 min rejected before, 2 x 45 after.
    assert "Sales hours on rejected 3 2" in page
    # 17 h before, 13.5 after; one customer of 10,000.
    assert (
        "1 customer lost × 10,000 € = 10,000 €, against 4 hours of sales saved × 60 € = 240 €. In all 9,760 € less."
    ) in page
    # 60,000 a month / 10,000 = 6 customers, 72 a year; 8 leads in 2 months = 48 a year x 3/7 = 20.6.
    assert "Needed 72 customers a year; this gives 21. 51 short of the goal." in page
    assert "= customers a month 6.0" in page
    # 6 / (3/7) = 14 leads; the months gave 5 and 3: 3.5 to 4.5, rounded outward.
    assert "= leads needed a month 14" in page
    assert "Take 3–5 into the draft" in page
    assert "The middle of 3–5 is 10 leads a month short of it." in page


def test_history_stands_beside_what_is_promised(signed_in: SignedIn, max_: User, contract: Contract) -> None:
    page = words(signed_in(max_).get(planner_url(contract)))
    assert "Qualified leads 120–150 4–7 5.5 11 in 2 periods" in page
    assert "÷ average deal 5 won in 12 months 10,000 €" in page
    assert "Six periods or more make it firm." in page
    assert "No customer lost and no hour saved" in page


def test_other_questions_stand_on_the_page(signed_in: SignedIn, olga: User, contract: Contract) -> None:
    client = signed_in(olga)
    page = words(client.get(planner_url(contract, "?asked=1&threshold=100&criteria=industry&criteria=budget")))
    assert "Leads sent 27 % fewer 11 8" in page
    page = words(client.get(planner_url(contract, "?minutes=45&measure=first_follow_up")))
    assert "First follow-up in time 60 % 23–88 % 40 % 12–77 %" in page
    assert "Counts the answers that were quick enough" in page
    page = words(client.get(planner_url(contract, "?per_day=1")))
    assert "Leads sent 9.1 % fewer 11 10" in page
    page = words(client.get(planner_url(contract, "?threshold=80")))
    assert "Leads below 100 were not sent" in page
    page = words(client.get(planner_url(contract, "?asked=1&threshold=100")))
    assert "Leads that lacked a required criterion were not sent" in page


def test_an_address_that_names_a_line_leaves_the_criteria(signed_in: SignedIn, sue: User, contract: Contract) -> None:
    page = signed_in(sue).get(planner_url(contract, "?threshold=110")).content.decode()
    assert re.findall(r'value="(\w+)" checked', page) == ["industry"]
    assert "not sent" not in page


def test_htmx_gets_the_part_beside_the_text(signed_in: SignedIn, sue: User, contract: Contract) -> None:
    client = signed_in(sue)
    address = planner_url(contract)
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{address}"}
    part = client.get(address, {"threshold": "110"}, headers=headers)
    assert part.content.decode().lstrip().startswith('<div id="planner"')
    assert part["HX-Push-Url"] == f"{address}?threshold=110"
    beside = client.get(address, {"threshold": "110"}, headers=headers | {"HX-Current-URL": "http://testserver/x/"})
    assert "HX-Push-Url" not in beside
    assert 'name="next" value="/x/"' in beside.content.decode()


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("threshold=-1", "threshold", "Give a number of at least 0."),
        ("threshold=high", "threshold", "This is no number."),
        ("threshold=NaN", "threshold", "This is no number."),
        ("asked=1&criteria=luck", "criteria", "“luck” is no criterion of this definition."),
        ("minutes=0", "minutes", "Give a number of at least 1."),
        ("measure=update&minutes=5", "measure", "“update” is no answer that has a time."),
        ("temperature=tepid&minutes=5", "temperature", "“tepid” is no temperature."),
        ("per_period=0", "per_period", "Give a number of at least 1."),
        ("per_day=many", "per_day", "This is no number."),
    ],
)
def test_a_bad_question_is_named_at_its_field(
    signed_in: SignedIn, sue: User, contract: Contract, query: str, field: str, said: str
) -> None:
    answer = signed_in(sue).get(planner_url(contract, f"?{query}"))
    assert answer.status_code == 400
    assert f'<a href="#plan_{field}' in answer.content.decode()
    assert said in words(answer)


def test_only_managers_and_operations_plan(
    signed_in: SignedIn, mia: User, sam: User, ada: User, olga: User, contract: Contract
) -> None:
    address = planner_url(contract)
    assert [signed_in(each).get(address).status_code for each in (mia, sam, ada, olga)] == [403, 403, 403, 200]
    assert "/accounts/login" in Client().get(address)["Location"] or Client().get(address).status_code == 302
    assert signed_in(olga).get(reverse("sla:planner", args=(uuid4(),))).status_code == 404
    assert signed_in(olga).post(address).status_code == 405
    take = reverse("sla:planner_take", args=(contract.agreement.public_id,))
    assert signed_in(olga).get(take).status_code == 405


def test_the_planner_opens_on_the_first_agreement(signed_in: SignedIn, sue: User, contract: Contract) -> None:
    Agreement.objects.exclude(pk=contract.agreement.pk).update(status="ended", in_force_until=NOW)
    assert signed_in(sue).get(reverse("sla:planning"))["Location"] == planner_url(contract)
    Agreement.objects.update(status="ended", in_force_until=NOW)
    assert "No agreement is in force" in words(signed_in(sue).get(reverse("sla:planning")))


def test_without_a_past_the_page_starts_from_the_goal(signed_in: SignedIn, sue: User, db: None) -> None:
    empty = make_contract()
    page = words(signed_in(sue).get(planner_url(empty)))
    assert "Nothing was handed over under this agreement yet" in page
    assert "No whole period yet" in page
    assert "no history yet" in page


# --- assumptions


def told(**changed: str) -> dict[str, str]:
    return {
        "revenue_goal": "60000",
        "currency": "EUR",
        "marketing_share": "50",
        "average_deal": "10000.00",
        "customer_rate": "40.00",
        "customer_days": "20",
        "hourly_cost": "75.50",
        "minutes_per_rejected": "30",
        "minutes_per_accepted": "90",
    } | changed


def test_figures_come_filled_in_and_go_on_following_history(signed_in: SignedIn, sue: User, contract: Contract) -> None:
    client = signed_in(sue)
    address = reverse("sla:assumptions", args=(contract.agreement.public_id,))
    page = client.get(address)
    assert 'value="10000.00"' in page.content.decode()
    assert "Own history: 10,000.00, from 5 won deals of the last 12 months." in words(page)
    assert "Own history: 40.00, from 10 handed over leads." in words(page)
    assert client.post(address, told())["Location"] == planner_url(contract)
    saved = Assumptions.objects.get()
    assert (saved.revenue_goal, saved.marketing_share) == (Decimal(60_000), Decimal("0.5"))
    assert (saved.average_deal, saved.customer_rate, saved.customer_days) == (None, None, None)
    assert (saved.hourly_cost, saved.minutes_per_rejected, saved.minutes_per_accepted) == (Decimal("75.50"), 30, 90)


def test_another_figure_is_kept_and_said_to_be_typed(signed_in: SignedIn, sue: User, contract: Contract) -> None:
    client = signed_in(sue)
    address = reverse("sla:assumptions", args=(contract.agreement.public_id,))
    client.post(address, told(average_deal="12000", customer_rate="10"))
    saved = Assumptions.objects.get()
    assert (saved.average_deal, saved.customer_rate) == (Decimal(12_000), Decimal("0.1"))
    page = words(client.get(planner_url(contract)))
    assert "÷ average deal typed 12,000 €" in page
    # 60,000 x 50 % / 12,000 = 2.5 customers / 10 % = 25 leads.
    assert "= leads needed a month 25" in page
    client.post(address, told(average_deal="", customer_rate=""))
    saved.refresh_from_db()
    assert (saved.average_deal, saved.customer_rate) == (None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("revenue_goal", "-1"),
        ("currency", "euro"),
        ("currency", "eu1"),
        ("marketing_share", "101"),
        ("average_deal", "0"),
        ("customer_rate", "-2"),
        ("customer_days", "0"),
        ("hourly_cost", "much"),
        ("minutes_per_rejected", "-5"),
        ("minutes_per_accepted", ""),
    ],
)
def test_a_bad_assumption_is_named_and_nothing_is_changed(
    signed_in: SignedIn, sue: User, contract: Contract, field: str, value: str
) -> None:
    before = Assumptions.objects.values().get()
    address = reverse("sla:assumptions", args=(contract.agreement.public_id,))
    answer = signed_in(sue).post(address, told(**{field: value}))
    assert answer.status_code == 400
    assert f'<a href="#id_{field}"' in answer.content.decode()
    assert Assumptions.objects.values().get() == before


# --- into the draft


def take(client: Client, contract: Contract, **said: str) -> str:
    """Take a promise and return what the next page says."""
    address = reverse("sla:planner_take", args=(contract.agreement.public_id,))
    return words(client.post(address, said, follow=True))


def test_taking_a_range_starts_a_draft_and_says_so(signed_in: SignedIn, sue: User, contract: Contract) -> None:
    client = signed_in(sue)
    said = take(client, contract, measure="quantity", at_least="85", at_most="105", note="past 12 periods")
    assert "There was no draft, so one was started" in said
    draft = Agreement.objects.get(series=contract.agreement.series, status="draft")
    target = Target.objects.get(agreement=draft, commitment__measure="quantity")
    assert (target.at_least, target.at_most, target.note) == (Decimal(85), Decimal(105), "past 12 periods")
    again = take(client, contract, measure="accepted", at_least="0.660", at_most="", note="")
    assert "There was no draft" not in again
    assert Target.objects.get(agreement=draft, commitment__measure="accepted").at_least == Decimal("0.66")
    assert Agreement.objects.filter(series=contract.agreement.series).count() == 2


def test_a_promise_that_no_draft_takes_changes_nothing(signed_in: SignedIn, sue: User, contract: Contract) -> None:
    client = signed_in(sue)
    assert "no promise that a draft can take" in take(client, contract, measure="luck", at_least="1")
    assert "no promise that a draft can take" in take(client, contract, measure="quantity", at_least="many")
    take(client, contract, measure="quantity", at_least="105", at_most="85")
    assert not Agreement.objects.filter(series=contract.agreement.series, status="draft").exists()


def test_beside_a_draft_its_own_line_is_replayed(signed_in: SignedIn, sue: User, contract: Contract) -> None:
    draft = drafting.start_draft(contract.agreement, by=sue, now=NOW)
    draft_definition.set_definition(draft, threshold=Decimal(110), by=sue, now=NOW)
    page = words(signed_in(sue).get(reverse("sla:planner", args=(draft.public_id,))))
    assert "the past 2 months at 100 at 110" in page
    assert "Leads sent 27 % fewer 11 8" in page


# --- questions that take a while


@pytest.fixture
def much(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Contract:
    """Let twelve handoffs be too many to wait for."""
    monkeypatch.setattr(what_if, "AT_ONCE", 11)
    return contract


def test_a_long_question_is_replayed_in_the_background(signed_in: SignedIn, sue: User, much: Contract) -> None:
    client = signed_in(sue)
    page = client.get(planner_url(much, "?threshold=110"))
    assert "There are 12 handoffs to look at." in words(page)
    sent = dict(re.findall(r'<input type="hidden" name="(asked|threshold)" value="([^"]*)"', page.content.decode()))
    assert sent["threshold"] == "110"
    answer = client.post(
        reverse("sla:what_if_ask", args=(much.agreement.public_id,)), sent | {"criteria": ["industry"]}
    )
    run = WhatIf.objects.get()
    assert answer["Location"] == reverse("sla:what_if", args=(run.public_id,))
    waits = client.get(answer["Location"])
    assert "What if: a line of 110" in words(waits)
    assert "0 of 12 handoffs looked at" in words(waits)
    assert 'hx-trigger="every 2s"' in waits.content.decode()
    assert run_what_if(run.pk) == "done"
    done = client.get(answer["Location"], headers={"HX-Request": "true"})
    assert done.content.decode().lstrip().startswith('<div id="what-if"')
    assert "hx-trigger" not in done.content.decode()
    assert "Done: 12 handoffs looked at." in words(done)
    assert "Leads sent 27 % fewer 11 8" in words(done)
    # The planner now knows the answer, and what was asked.
    assert "A line of 110 today 10:00 Sue Vogt 12 Done" in words(client.get(planner_url(much)))
    assert "Leads sent 27 % fewer 11 8" in words(client.get(planner_url(much, "?threshold=110")))


def test_a_long_question_can_be_cancelled_and_asked_again(signed_in: SignedIn, sue: User, much: Contract) -> None:
    client = signed_in(sue)
    run = what_if.ask(much.agreement, what_if.Question(threshold=Decimal(110)), days=DAYS, by=sue, now=NOW)
    page = words(client.post(reverse("sla:what_if_cancel", args=(run.public_id,)), follow=True))
    assert "Cancelled after 0 of 12 handoffs." in page
    assert run_what_if(run.pk) == "cancelled"
    page = words(client.post(reverse("sla:what_if_cancel", args=(run.public_id,)), follow=True))
    assert "It was over already." in page


def test_a_question_is_said_in_words(contract: Contract) -> None:
    asked = what_if.Question(
        Decimal(130), ("budget",), ("industry",), measure="decide", temperature="warm", minutes=45, per_period=80
    )
    assert question_words(asked, contract.definition) == (
        "a line of 130, with “Budget known”, without “Industry on target”, Decided in time within 45 min (warm), "
        "at most 80 a period"
    )
    assert question_words(what_if.Question(per_day=4), contract.definition) == "at most 4 a day"
    assert question_words(what_if.Question(), contract.definition) == "the past as it was"


def test_how_long_it_still_takes(signed_in: SignedIn, sue: User, much: Contract) -> None:
    run = what_if.ask(much.agreement, what_if.Question(), days=DAYS, by=sue, now=NOW)
    WhatIf.objects.filter(pk=run.pk).update(status="running", done=8, touched_at=NOW + timedelta(seconds=20))
    page = words(signed_in(sue).get(reverse("sla:what_if", args=(run.public_id,))))
    assert "8 of 12 handoffs looked at about 10 s left" in page


def test_a_bad_long_question_is_refused(signed_in: SignedIn, sue: User, much: Contract) -> None:
    address = reverse("sla:what_if_ask", args=(much.agreement.public_id,))
    assert signed_in(sue).post(address, {"threshold": "-4"}).status_code == 400
    assert not WhatIf.objects.exists()


def test_strangers_neither_ask_nor_see_nor_cancel(signed_in: SignedIn, sue: User, mia: User, much: Contract) -> None:
    run = what_if.ask(much.agreement, what_if.Question(), days=DAYS, by=sue, now=NOW)
    client = signed_in(mia)
    assert client.post(reverse("sla:what_if_ask", args=(much.agreement.public_id,))).status_code == 403
    assert client.get(reverse("sla:what_if", args=(run.public_id,))).status_code == 403
    assert client.post(reverse("sla:what_if_cancel", args=(run.public_id,))).status_code == 403
    assert signed_in(sue).get(reverse("sla:what_if", args=(uuid4(),))).status_code == 404
    assert signed_in(sue).get(reverse("sla:what_if_cancel", args=(run.public_id,))).status_code == 405
