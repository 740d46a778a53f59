"""The calendars' pages: reading, editing with and without a script, previewing, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from leadsla.accounts.models import User
from sla import calendar_editing, handoff
from sla.models import Calendar, Clock

SignedIn = Callable[[User], Client]

WEEK = {"mon": "09:00–12:00, 13:00–17:30", "tue": "9-17", "wed": "", "thu": "", "fri": "", "sat": "", "sun": ""}


@pytest.fixture(autouse=True)
def it_is_friday_evening(settings: object) -> None:
    settings.LEADSLA_NOW = "2026-03-06T16:50"  # type: ignore[attr-defined]


@pytest.fixture
def office(db: None) -> Calendar:
    return Calendar.objects.get(name="Office hours")


def typed(calendar: Calendar | None = None, **changes: str) -> dict[str, str]:
    """Return what the editor's form sends: the calendar as it is, with changes."""
    told = {"name": "Support", "timezone": "Europe/Berlin", "country": "", "region": "", "rows": "0", **WEEK}
    if calendar is not None:
        hours = calendar_editing.hours_of(calendar.versions.latest("version"))
        told |= {"name": calendar.name, "country": hours.country, "region": hours.region, "seen": "1"}
        told |= {day: calendar_editing.windows_in_words(windows) for day, windows in hours.week.items()}
    return told | changes


def page_of(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


def test_a_calendar_shows_its_versions_and_where_it_is_used(signed_in: SignedIn, sam: User, office: Calendar) -> None:
    page = page_of(signed_in(sam).get(reverse("sla:calendar", args=(office.public_id,))))
    assert "Monday to Friday, 9–12 and 13–17:30" in page
    assert "Agreements: " in page
    assert "Edit hours" not in page  # a rep reads


def test_a_new_calendar_is_made(signed_in: SignedIn, olga: User) -> None:
    browser = signed_in(olga)
    assert "Make the calendar" in page_of(browser.get(reverse("sla:calendar_new")))
    answer = browser.post(
        reverse("sla:calendar_new"),
        typed(
            sat="22:00–06:00",
            country="DE",
            region="BY",
            note="For the night",
            rows="3",
            **{"from-0": "2026-12-24", "hours-0": "9–12", "from-1": "2026-12-28", "until-1": "2026-12-30"},
        ),
    )
    made = Calendar.objects.get(name="Support")
    assert answer["Location"] == reverse("sla:calendar", args=(made.public_id,))
    saved = made.versions.get()
    assert saved.hours == {
        "mon": [["09:00", "12:00"], ["13:00", "17:30"]],
        "tue": [["09:00", "17:00"]],
        "sat": [["22:00", "06:00"]],
    }
    assert (saved.holidays_country, saved.holidays_region, saved.note) == ("DE", "BY", "For the night")
    assert saved.special_days == {"2026-12-24": [["09:00", "12:00"]]}
    assert saved.closed_days == ["2026-12-28", "2026-12-29", "2026-12-30"]


def test_what_was_saved_comes_back_as_it_was_typed(signed_in: SignedIn, olga: User) -> None:
    browser = signed_in(olga)
    days = {"from-0": "2026-12-24", "hours-0": "9–12", "from-1": "2026-12-28", "until-1": "2026-12-30"}
    browser.post(reverse("sla:calendar_new"), typed(rows="2", **days))
    made = Calendar.objects.get(name="Support")
    page = page_of(browser.get(reverse("sla:calendar_edit", args=(made.public_id,))))
    assert 'value="09:00–12:00, 13:00–17:30"' in page
    assert 'name="from-1" id="id_from-1" value="2026-12-28"' in page
    assert 'name="until-1" id="id_until-1" value="2026-12-30"' in page
    assert 'name="hours-0" id="id_hours-0" value="09:00–12:00"' in page


def test_editing_adds_a_version(signed_in: SignedIn, sue: User, office: Calendar) -> None:
    url = reverse("sla:calendar_edit", args=(office.public_id,))
    answer = signed_in(sue).post(url, typed(office, fri="9–14", note="Fridays end early"), follow=True)
    assert "Version 2 holds from now on" in page_of(answer)
    assert "Fridays end early" in page_of(answer)
    first, second = office.versions.order_by("version")
    assert first.hours["fri"] == [["09:00", "12:00"], ["13:00", "17:30"]]
    assert second.hours["fri"] == [["09:00", "14:00"]]
    assert second.created_by == sue


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mon": "9–12, 11–13"}, "mon"),
        ({"mon": "9–9"}, "mon"),
        ({"mon": "soon"}, "mon"),
        ({"mon": "", "tue": "", "wed": "", "thu": "", "fri": ""}, "mon"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"country": "QQ"}, "country"),
        ({"country": "AT", "region": "BY"}, "region"),
        ({"name": ""}, "name"),
        ({"name": "Hot leads"}, "name"),
        ({"rows": "1", "from-0": "2026-02-30"}, "from-0"),
        ({"rows": "1", "from-0": "0001-01-01"}, "from-0"),
        ({"rows": "1", "from-0": "2026-05-02", "until-0": "2026-05-01"}, "until-0"),
        ({"rows": "1", "from-0": "2026-05-02", "until-0": "2029-05-01"}, "until-0"),
        ({"rows": "1", "from-0": "2026-05-02", "hours-0": "9–8–7"}, "hours-0"),
        ({"rows": "1", "hours-0": "9–12"}, "from-0"),
        ({"rows": "2", "from-0": "2026-05-02", "from-1": "2026-05-02"}, "from-1"),
        ({"at": "never"}, "at"),
        ({"mon": "9–12" + " " * 500 + ", 13–14"}, "mon"),
        ({"mon": "9\x00–12"}, "mon"),
    ],
)
def test_bad_input_is_refused_at_its_field_and_kept(
    changes: dict[str, str], field: str, signed_in: SignedIn, olga: User, office: Calendar
) -> None:
    url = reverse("sla:calendar_edit", args=(office.public_id,))
    answer = signed_in(olga).post(url, typed(office, note="Calls come late", **changes))
    assert answer.status_code == 400
    assert f'href="#id_{field}"' in page_of(answer)
    assert 'value="Calls come late"' in page_of(answer)  # what was typed is kept
    assert office.versions.count() == 1


def test_a_save_on_top_of_another_is_refused(signed_in: SignedIn, olga: User, sue: User, office: Calendar) -> None:
    url = reverse("sla:calendar_edit", args=(office.public_id,))
    signed_in(sue).post(url, typed(office, fri="9–14"))
    answer = signed_in(olga).post(url, typed(office, fri="9–15", seen="1"))
    assert answer.status_code == 400
    assert "Sue Vogt saved version 2 meanwhile" in page_of(answer)
    assert 'value="9–15"' in page_of(answer)


def test_preview_says_what_would_be_due_before_saving(signed_in: SignedIn, olga: User, office: Calendar) -> None:
    url = reverse("sla:calendar_preview", args=(office.public_id,))
    # Friday 16:50, a warm lead's first follow-up within 1 h: 40 min on Friday and 20 on Monday; open on Saturday from
    # 10:00, it is due on Saturday at 10:20.
    answer = signed_in(olga).post(url, typed(office, sat="10–14"), headers={"HX-Request": "true"})
    page = page_of(answer)
    assert "tomorrow 10:20" in page
    assert "was Mon 9 Mar, 09:20" in page
    assert "<html" not in page
    assert office.versions.count() == 1


def test_preview_without_a_script_is_the_page_with_what_was_typed(
    signed_in: SignedIn, olga: User, office: Calendar
) -> None:
    url = reverse("sla:calendar_preview", args=(office.public_id,))
    page = page_of(signed_in(olga).post(url, typed(office, sat="10–14", at="2026-03-06T17:00")))
    assert "tomorrow 10:30" in page
    assert 'value="10–14"' in page
    assert "<html" in page


def test_preview_of_a_new_calendar_takes_all_promises(signed_in: SignedIn, olga: User) -> None:
    url = reverse("sla:calendar_new_preview")
    page = page_of(signed_in(olga).post(url, typed(fri="16:00–17:00"), headers={"HX-Request": "true"}))
    assert "today 16:55" in page  # hot: 5 min
    assert "Mon 9 Mar, 09:50" in page  # warm: 10 min are left, 50 come on Monday


def test_preview_of_nonsense_says_what_is_wrong(signed_in: SignedIn, olga: User) -> None:
    url = reverse("sla:calendar_new_preview")
    answer = signed_in(olga).post(url, typed(mon="9–8–7"), headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert "Monday: “9–8–7” is not a span of time" in page_of(answer)


def test_regions_follow_the_country(signed_in: SignedIn, olga: User) -> None:
    page = page_of(signed_in(olga).get(reverse("sla:calendar_regions"), {"country": "AT"}))
    assert "Wien" in page
    assert "Bayern" not in page
    assert "no regions" in page_of(signed_in(olga).get(reverse("sla:calendar_regions"), {"country": "QQ"}))


def test_running_clocks_keep_their_version(
    signed_in: SignedIn, olga: User, office: Calendar, asks: Callable[..., object], sam: User, tuesday: datetime
) -> None:
    handed = handoff.hand_over(asks(at=tuesday), by=None, now=tuesday)  # type: ignore[arg-type]
    before = set(Clock.objects.filter(handoff=handed).values_list("calendar_version", "due_at"))
    url = reverse("sla:calendar_edit", args=(office.public_id,))
    signed_in(olga).post(url, typed(office, tue="9–10"))
    assert office.versions.count() == 2
    assert set(Clock.objects.filter(handoff=handed).values_list("calendar_version", "due_at")) == before


def test_a_calendar_in_use_is_not_removed(signed_in: SignedIn, olga: User, office: Calendar) -> None:
    answer = signed_in(olga).post(reverse("sla:calendar_remove", args=(office.public_id,)))
    assert answer.status_code == 400
    assert "Office hours is in use: agreements:" in page_of(answer)
    assert Calendar.objects.filter(pk=office.pk).exists()


def test_an_unused_calendar_is_removed(signed_in: SignedIn, olga: User) -> None:
    browser = signed_in(olga)
    browser.post(reverse("sla:calendar_new"), typed())
    made = Calendar.objects.get(name="Support")
    answer = browser.post(reverse("sla:calendar_remove", args=(made.public_id,)), follow=True)
    assert "Support is removed" in page_of(answer)
    assert not Calendar.objects.filter(name="Support").exists()


@pytest.mark.parametrize("name", ["calendar_edit", "calendar_preview", "calendar_remove"])
def test_editing_is_shut_to_those_who_only_read(
    name: str, client: Client, signed_in: SignedIn, sam: User, ada: User, olga: User, office: Calendar
) -> None:
    url = reverse(f"sla:{name}", args=(office.public_id,))
    assert "login" in client.post(url)["Location"]
    assert signed_in(sam).post(url).status_code == 403
    assert signed_in(ada).post(url).status_code == 403
    nowhere = reverse(f"sla:{name}", args=("00000000-0000-4000-8000-000000000000",))
    assert signed_in(olga).post(nowhere).status_code == 404


def test_only_their_methods_are_answered(signed_in: SignedIn, olga: User, office: Calendar) -> None:
    browser = signed_in(olga)
    for name in ("calendar_remove", "calendar_preview"):
        assert browser.get(reverse(f"sla:{name}", args=(office.public_id,))).status_code == 405
    assert browser.post(reverse("sla:calendar", args=(office.public_id,))).status_code == 405
    assert browser.put(reverse("sla:calendar_edit", args=(office.public_id,))).status_code == 405


def test_special_days_of_the_next_year_are_listed(signed_in: SignedIn, olga: User) -> None:
    browser = signed_in(olga)
    browser.post(reverse("sla:calendar_new"), typed(rows="1", **{"from-0": "2026-12-24", "hours-0": "9–12"}))
    page = page_of(browser.get(reverse("sla:calendars")))
    assert f"{date(2026, 12, 24):%a} 24 Dec: 09:00–12:00" in page
