"""The main job in Chromium, from a typed lead to the scoreboard, with real workers and nobody helping."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from leadsla.accounts.models import User
from sla.models import Handoff
from tests.flows.running import Portal, until

from .conftest import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]


def test_from_a_new_lead_to_the_scoreboard(
    portal: Portal, settings: Settings, sign_in: SignIn, mia: User, sam: User, sue: User
) -> None:
    settings.LEADSLA_DEMO = False
    settings.LEADSLA_NOW = portal.now_setting
    portal.start_redis()
    marketing, sales = sign_in(mia), sign_in(sam)

    hand_over_otto(marketing)
    portal.start("worker", "beat")
    qualify_karin(marketing)
    reject_otto(sales)
    until(lambda: Handoff.objects.filter(lead__name="Karin Kern").exists(), what="the sweep hands Karin over")

    handed_over_at = Handoff.objects.get(lead__name="Karin Kern").handed_over_at
    assert handed_over_at is not None
    pass_time(portal, settings, handed_over_at + timedelta(seconds=200))
    accept_karin_in_her_last_100_seconds(sales)
    fix_otto_and_send_him_again(marketing)
    accept_otto_in_round_2(sales)

    pass_time(portal, settings, portal.now + timedelta(minutes=2))
    read_the_scoreboard(sign_in(sue))
    until(lambda: "Subject: Sam Becker accepted Otto Brandt" in "".join(portal.mails()), what="Mia's mail is out")
    assert portal.complaints("worker", "beat") == []


def hand_over_otto(marketing: Page) -> None:
    """Otto asked for a demo: qualified by the first door, and Mia hands him over with her button."""
    enter(marketing, "Otto Brandt", "otto@brandt.example", happened="Asked for a demo", country="DE")
    expect(main(marketing)).to_contain_text("Qualified")
    main(marketing).get_by_role("button", name="Hand over").click()
    expect(main(marketing)).to_contain_text("Otto Brandt is handed over to Sam Becker.")


def qualify_karin(marketing: Page) -> None:
    """Karin was at an event: chips say what is missing, Mia fills one in where it stands, then she asks for a demo."""
    enter(marketing, "Karin Kern", "karin@kern.example", happened="Attended an event")
    expect(main(marketing)).to_contain_text("Nurturing")
    marketing.goto("/my-leads/?stage=nurturing")
    karin = main(marketing).get_by_role("row").filter(has_text="Karin Kern")
    for missing in ("Location served", "Industry on target", "Need expressed", "Decision maker identified"):
        expect(karin.get_by_role("link", name=missing)).to_be_visible()
    karin.get_by_role("link", name="Location served").click()
    karin.get_by_label("Country").fill("Germany")
    karin.get_by_role("button", name="Save", exact=True).click()
    expect(karin.get_by_role("link", name="Location served")).to_have_count(0)

    karin.get_by_role("link", name="Karin Kern").click()
    main(marketing).get_by_role("link", name="Story").click()
    marketing.get_by_label("What happened").select_option("Asked for a demo")
    marketing.get_by_role("button", name="Add", exact=True).click()
    expect(main(marketing)).to_contain_text("Qualified")


def reject_otto(sales: Page) -> None:
    """Sam has Otto with a countdown, and rejects him: which field is wrong, and how good the lead is."""
    sales.goto("/queue/")
    otto = line(sales, "Otto Brandt")
    expect(otto.locator(".cd")).to_contain_text("left")
    otto.get_by_role("link", name="Reject").click()
    form = sales.get_by_role("form", name="Reject Otto Brandt")
    form.get_by_role("radio", name="Wrong or missing phone or e-mail").check()
    expect(form).to_contain_text("Marketing puts it right and sends it to you again, with a new clock.")
    form.get_by_label("Which field is wrong?").select_option("Phone")
    form.get_by_text("Add a remark").click()
    form.get_by_label("Remark").fill("No phone given, and no answer to my mail.")
    form.get_by_role("radio", name="2", exact=True).check()
    form.get_by_role("button", name="Reject").click()
    expect(sales.get_by_role("status").filter(has_text="Rejected Otto Brandt")).to_contain_text("Undo")


def accept_karin_in_her_last_100_seconds(sales: Page) -> None:
    """Karin came by herself; in the last two minutes of her countdown every second shows."""
    sales.goto("/queue/")
    karin = line(sales, "Karin Kern")
    expect(karin.locator(".cd")).to_contain_text("s left")
    expect(karin.locator(".cd")).not_to_have_text(karin.locator(".cd").inner_text())
    karin.get_by_role("button", name="Accept").click()
    expect(sales.get_by_role("status").filter(has_text="Accepted Karin Kern")).to_contain_text("Undo")


def fix_otto_and_send_him_again(marketing: Page) -> None:
    """Otto's minute is over: Mia reads why, puts it right and sends him again."""
    marketing.goto("/sales-feedback/")
    said = marketing.get_by_role("article").filter(has_text="Otto Brandt")
    look_again(marketing, said, what="sales's answer arrives")
    expect(said).to_contain_text("Rejected by Sam Becker: Wrong or missing phone or e-mail")
    expect(said).to_contain_text("Which field is wrong? Phone")
    expect(said).to_contain_text("No phone given, and no answer to my mail.")
    expect(said).to_contain_text("quality 2 of 5")
    said.get_by_role("link", name="Fix facts").click()
    marketing.get_by_label("Phone").fill("030 901820")
    marketing.get_by_role("button", name="Save").click()
    said.get_by_role("button", name="Send again").click()
    expect(main(marketing)).to_contain_text("Otto Brandt is with Sam Becker again, with new clocks.")


def accept_otto_in_round_2(sales: Page) -> None:
    """Sam has Otto again, with the right phone and new clocks."""
    sales.goto("/queue/")
    otto = line(sales, "Otto Brandt")
    expect(otto).to_contain_text("again, put right by marketing")
    otto.get_by_role("link", name="Otto Brandt").click()
    expect(main(sales)).to_contain_text("Round 2")
    expect(main(sales).get_by_role("link", name="+49 30 901820")).to_be_visible()
    expect(main(sales).locator(".cd").first).to_contain_text("left")
    main(sales).get_by_role("button", name="Accept").click()
    expect(main(sales)).to_contain_text("Accepted Otto Brandt")


def read_the_scoreboard(manager: Page) -> None:
    """The worker counted: two handed over and accepted, one of them put right first, three decisions in time."""
    expect(manager).to_have_url("/scoreboard/")
    look_again(manager, card(manager, "Accepted by sales", "2 of 2 decided"), what="the scoreboard counts")
    expect(main(manager)).to_contain_text(re.compile(r"2\s*handed over"))
    expect(main(manager)).to_contain_text("2 accepted 100 % of 2 that count")
    expect(card(manager, "Handed over in time", "2 of 2 due")).to_be_visible()
    expect(card(manager, "Returned leads fixed", "1 of 1 due")).to_be_visible()
    expect(card(manager, "Decided in time", "3 of 3 due")).to_be_visible()


def test_late_on_a_saturday(settings: Settings, sign_in: SignIn, mia: User, sam: User) -> None:
    saturday = datetime.fromisoformat("2026-03-07T23:55:00+01:00")
    settings.LEADSLA_NOW = saturday.isoformat()
    marketing, sales = sign_in(mia), sign_in(sam)
    hand_over_otto(marketing)
    sales.goto("/queue/")
    otto = line(sales, "Otto Brandt")
    expect(otto.locator(".cd")).to_have_text("Starts Mon 09:00")
    expect(otto).to_contain_text("follow up by Mon")

    settings.LEADSLA_NOW = (saturday + timedelta(minutes=10)).isoformat()
    sales.reload()
    expect(otto.locator(".cd")).to_have_text("Starts Mon 09:00")
    otto.get_by_role("button", name="Accept").click()
    expect(sales.get_by_role("status").filter(has_text="Accepted Otto Brandt")).to_contain_text("Undo")

    settings.LEADSLA_NOW = datetime.fromisoformat("2026-03-09T09:02:00+01:00").isoformat()
    sales.reload()
    expect(otto.locator(".cd")).to_have_text("3 min left")


def main(page: Page) -> Locator:
    """Return the page without its frame."""
    return page.get_by_role("main")


def line(page: Page, name: str) -> Locator:
    """Return a lead's line in the queue."""
    return page.locator(".q-item").filter(has_text=name)


def card(page: Page, name: str, cases: str) -> Locator:
    """Return a commitment's card of the scoreboard, with the cases it rests on."""
    return main(page).get_by_role("link").filter(has_text=name).filter(has_text=cases)


def pass_time(portal: Portal, settings: Settings, until_then: datetime) -> None:
    """Let it be a later moment for workers and pages alike."""
    portal.set_clock(until_then)
    settings.LEADSLA_NOW = portal.now_setting


def look_again(page: Page, expected: Locator, *, what: str) -> None:
    """Reload a page until it shows what a worker does by itself."""

    def is_there() -> bool:
        page.reload()
        return expected.is_visible()

    until(is_there, what=what)


def enter(page: Page, name: str, email: str, *, happened: str, country: str = "") -> None:
    """Type a lead in."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="New lead").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Country").fill(country)
    page.get_by_label("What happened").select_option(happened)
    page.get_by_role("button", name="Save lead").click()
    expect(main(page)).to_contain_text(f"{name} is in.")
