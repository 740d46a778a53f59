"""The week of a calendar in Chromium: painted by mouse, by keyboard, typed, and previewed before it is saved."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from leadsla.accounts.models import User
from sla.models import Calendar

from .conftest import SignIn

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True, serialized_rollback=True)]

MONDAY, TUESDAY, THURSDAY, SATURDAY = 0, 1, 3, 5


@pytest.fixture
def editor(settings: Settings, sign_in: SignIn, olga: User) -> Page:
    """Return the editor of the office hours, on Friday at 16:50."""
    settings.LEADSLA_NOW = "2026-03-06T16:50"
    office = Calendar.objects.get(name="Office hours")
    page = sign_in(olga, viewport={"width": 1280, "height": 1500})  # the whole grid is in sight
    page.goto(reverse("sla:calendar_edit", args=(office.public_id,)))
    return page


def cell(page: Page, day: int, half_hour: int) -> Locator:
    return page.locator(f'[role=gridcell][data-day="{day}"][data-step="{half_hour}"]')


def hours(page: Page, day: str) -> Locator:
    return page.get_by_role("textbox", name=day)


def drag(page: Page, day: int, first: int, last: int) -> None:
    cell(page, day, first).scroll_into_view_if_needed()
    start, end = cell(page, day, first).bounding_box(), cell(page, day, last).bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 4, start["y"] + 4)
    page.mouse.down()
    page.mouse.move(end["x"] + 4, end["y"] + 4, steps=6)
    page.mouse.up()


def test_a_week_is_painted_previewed_and_saved(editor: Page) -> None:
    # Open on Saturday from 10 to 14: a warm lead of Friday 16:50 has 40 minutes on Friday and 20 on Saturday.
    drag(editor, SATURDAY, 20, 27)
    expect(hours(editor, "Saturday")).to_have_value("10:00–14:00")
    expect(editor.locator("#calendar-preview")).to_contain_text("tomorrow 10:20")
    expect(editor.locator("#calendar-preview")).to_contain_text("was Mon 9 Mar, 09:20")
    # Painting over the lunch break makes one window; painting over open hours closes them.
    drag(editor, MONDAY, 24, 25)
    expect(hours(editor, "Monday")).to_have_value("09:00–17:30")
    drag(editor, TUESDAY, 18, 20)
    expect(hours(editor, "Tuesday")).to_have_value("10:30–12:00, 13:00–17:30")
    editor.get_by_label("Why it changes").fill("Saturdays, too")
    editor.get_by_role("button", name="Save as a new version").click()
    expect(editor.get_by_text("Version 2 holds from now on")).to_be_visible()
    saved = Calendar.objects.get(name="Office hours").versions.latest("version")
    assert saved.hours["sat"] == [["10:00", "14:00"]]
    assert saved.hours["mon"] == [["09:00", "17:30"]]
    assert saved.hours["tue"] == [["10:30", "12:00"], ["13:00", "17:30"]]
    assert saved.hours["wed"] == [["09:00", "12:00"], ["13:00", "17:30"]]


def test_a_week_is_painted_by_keyboard(editor: Page) -> None:
    cell(editor, THURSDAY, 40).focus()
    for key in ("Space", "Shift+ArrowDown", "Shift+ArrowDown"):
        editor.keyboard.press(key)
    expect(hours(editor, "Thursday")).to_have_value("09:00–12:00, 13:00–17:30, 20:00–21:30")
    assert cell(editor, THURSDAY, 42).get_attribute("aria-label") == "Thursday 21:00–21:30, open"
    editor.keyboard.press("Space")
    expect(hours(editor, "Thursday")).to_have_value("09:00–12:00, 13:00–17:30, 20:00–21:00")


def test_the_grid_follows_what_is_typed_also_over_midnight(editor: Page) -> None:
    hours(editor, "Sunday").fill("22:00-06:00")
    expect(cell(editor, 6, 47)).to_have_attribute("data-state", "on")
    expect(cell(editor, MONDAY, 11)).to_have_attribute("data-state", "on")  # Monday until 6:00
    expect(cell(editor, MONDAY, 12)).to_have_attribute("data-state", "off")
    hours(editor, "Saturday").fill("10:15–11")
    expect(cell(editor, SATURDAY, 20)).to_have_attribute("data-state", "part")
