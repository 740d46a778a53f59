"""The contract in Chromium: drafted from history, signed by both, a lead over a holiday, the promise missed."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from leadsla.accounts.models import Role, Team, User
from sla import compliance, escalation, signing
from sla import handoff as handoffs
from sla.models import Agreement, Compliance, Handoff
from tests.flows.contract_story import arrives, berlin, six_months

from .conftest import SignIn
from .test_story import card, line, main

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


def it_is(settings: Settings, moment: datetime) -> datetime:
    settings.LEADSLA_NOW = moment.isoformat()
    return moment


def test_from_a_draft_to_a_promise_that_was_missed(
    settings: Settings, sign_in: SignIn, inbound: Team, north: Team, max_: User, sue: User, sam: User
) -> None:
    settings.LEADSLA_DEMO = False
    six_months(north)
    tom = User.objects.create_user(
        "tom@leadsla.example", "a long password", name="Tom Huber", roles=[Role.SALES_REP], team=north, manager=sue
    )
    it_is(settings, berlin(2026, 4, 14, 10))
    marketing, sales = sign_in(max_), sign_in(sue)
    draft_from_history(marketing)
    sign(marketing, "Max Lindner")
    expect(main(marketing)).to_contain_text("Waiting for sales")
    sign(sales, "Sue Vogt")
    expect(main(sales)).to_contain_text("Signed")
    assert signing.activate_due(now=it_is(settings, berlin(2026, 5, 1))) == 1

    friday = it_is(settings, berlin(2026, 5, 22, 16, 50))
    lead = arrives(inbound, at=friday)
    handoffs.hand_over_ready(now=friday)
    first, second = (sam, tom) if Handoff.objects.get(lead=lead).owner == sam else (tom, sam)
    rep, other = sign_in(first), sign_in(second)
    rep.goto("/queue/")
    # 40 min on Friday; Monday is a holiday; 20 min on Tuesday.
    expect(line(rep, "Karin Kern").locator(".cd")).to_have_text("1 h left")
    expect(line(rep, "Karin Kern")).to_contain_text("follow up by Tue 26 May, 09:20")

    it_is(settings, berlin(2026, 5, 26, 9, 10))
    pause_until(rep, "2026-05-26T15:10")
    it_is(settings, berlin(2026, 5, 26, 15, 15))
    reassign(sales, to=second)
    escalation.sweep(now=it_is(settings, berlin(2026, 5, 26, 15, 21)))
    other.goto("/queue/")
    expect(line(other, "Karin Kern").locator(".cd")).to_contain_text("overdue")
    sales.goto("/notices/")
    expect(main(sales)).to_contain_text(re.compile(f"{second.name}.*Karin Kern|Karin Kern.*{second.name}"))

    it_is(settings, berlin(2026, 5, 27, 9, 30))
    follow_up(other)
    read_how_it_was_computed(other)
    compliance.replay(now=it_is(settings, berlin(2026, 6, 12, 17, 31)))
    sales.goto("/scoreboard/?period=2026-05")
    missed = card(sales, "First follow-up in time", "0 of 1")
    expect(missed).to_contain_text("Missed")
    row = Compliance.objects.get(commitment__measure="first_follow_up", period_start=date(2026, 5, 1))
    assert (row.status, row.is_settled) == ("missed", True)


def draft_from_history(marketing: Page) -> None:
    """Max takes the middle half of the past, promises every first follow-up in time, and proposes it for May."""
    marketing.goto("/contract/agreement/")
    main(marketing).get_by_role("button", name="Propose a change").click()
    main(marketing).get_by_role("button", name=re.compile("Take 10–16")).click()
    expect(main(marketing)).to_contain_text("Between 10 and 16 qualified leads a month.")
    promise = marketing.locator("#promise-first_follow_up")
    promise.locator("summary").click()
    promise.get_by_label("How often").fill("every time")
    promise.get_by_role("button", name="Save", exact=True).click()
    expect(promise.locator(".says")).to_contain_text("every time.")
    about = marketing.locator("#about")
    about.get_by_label("Why it should change").fill("What we promised was a guess; now we have six months.")
    about.get_by_label("Holds from").select_option("2026-05-01")
    about.get_by_role("button", name="Save", exact=True).click()
    expect(about).to_contain_text("Saved")
    main(marketing).get_by_role("button", name="Propose it to both sides").click()
    expect(marketing.locator("ins").filter(has_text="10 and 16").first).to_be_visible()


def sign(page: Page, name: str) -> None:
    """Read the changes and sign them."""
    if "/contract/agreement/" not in page.url:
        page.goto("/contract/agreement/")
        main(page).get_by_role("link", name="Read and sign").click()
    main(page).get_by_role("link", name=f"Sign as {name}").click()
    expect(main(page)).to_contain_text("You sign the text whose fingerprint begins with")
    main(page).get_by_role("button", name=f"Sign as {name}").click()
    expect(main(page).locator(".sig")).to_contain_text(name)


def pause_until(rep: Page, moment: str) -> None:
    """The rep says that Karin is away, on the page of the clock."""
    rep.goto("/queue/")
    line(rep, "Karin Kern").get_by_role("link", name="Karin Kern").click()
    main(rep).get_by_role("link", name="Pause “First follow-up in time”").click()
    rep.get_by_label("Why?").select_option("lead_away")
    rep.get_by_label("Until").fill(moment)
    rep.get_by_role("button", name="Pause").click()
    expect(main(rep).locator(".cd").filter(has_text="left").first).to_be_visible()
    expect(main(rep)).to_contain_text("paused")


def reassign(manager: Page, *, to: User) -> None:
    """Sue gives Karin to somebody else."""
    handoff = Handoff.objects.get(lead__name="Karin Kern")
    manager.goto(f"/contract/handoffs/{handoff.public_id}/reassign/")
    manager.get_by_label("Who gets it?").select_option(label=str(to))
    main(manager).get_by_role("button", name="Reassign").click()
    expect(main(manager)).to_contain_text(f"Karin Kern is now with {to}.")


def follow_up(rep: Page) -> None:
    """The first call, late."""
    rep.goto("/queue/")
    line(rep, "Karin Kern").get_by_role("link", name="Karin Kern").click()
    main(rep).get_by_role("link", name="Log follow-up").click()
    rep.get_by_label("No answer").check()
    rep.get_by_label("Call", exact=True).check()
    rep.get_by_role("button", name="Log follow-up").click()
    expect(main(rep)).to_contain_text("Accepted, and follow-up logged.")


def read_how_it_was_computed(rep: Page) -> None:
    """3 h 40 of one hour; the buyer waited from Friday to Wednesday."""
    handoff = Handoff.objects.get(lead__name="Karin Kern")
    clock = handoff.clocks.get(measure="first_follow_up")
    rep.goto(f"/contract/clocks/{clock.public_id}/")
    for words in ("Pentecost Monday", "The lead is away", "3 h 40 of the agreed 1 h", "4 days 16 h 40"):
        expect(main(rep)).to_contain_text(words)
    assert Agreement.objects.filter(status="active").count() == 1
