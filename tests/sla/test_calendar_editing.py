"""Editing calendars: what is typed becomes windows, versions are added and never changed, use forbids removal."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from leadsla.accounts.models import User
from leadsla.outbox.models import Message
from sla import calendar_editing, calendars
from sla.calendar_editing import Hours, windows_in
from sla.models import Calendar, CalendarVersion, PersonalCalendar

MORNINGS = Hours(timezone="Europe/Berlin", week={"mon": [["09:00", "12:00"]]})


@pytest.mark.parametrize(
    ("typed", "windows"),
    [
        ("09:00–12:00, 13:00–17:30", [["09:00", "12:00"], ["13:00", "17:30"]]),
        ("9-12 and 13-17.30", [["09:00", "12:00"], ["13:00", "17:30"]]),
        ("13:00 - 17:30; 9 to 12", [["09:00", "12:00"], ["13:00", "17:30"]]),
        ("22:00–06:00", [["22:00", "06:00"]]),
        ("00:00–24:00", [["00:00", "24:00"]]),
        ("all day", [["00:00", "24:00"]]),
        ("0900-1730", [["09:00", "17:30"]]),
        ("09:00–12:00, 12:00–13:00", [["09:00", "12:00"], ["12:00", "13:00"]]),
        ("closed", []),
        ("  ", []),
    ],
)
def test_windows_are_read_as_people_write_them(typed: str, windows: list[list[str]]) -> None:
    assert windows_in(typed) == windows


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("9", "“9” is not a span of time"),
        ("9-12-13", "not a span of time"),
        ("9–25", "“25” is not a time of day"),
        ("9:60–12", "“9:60” is not a time of day"),
        ("24:01–3", "not a time of day"),
        ("noon–3", "“noon” is not a time of day"),
        ("9–9", "“9–9” is empty"),
        ("09:00–12:00, 11:30–15:00", "09:00–12:00 and 11:30–15:00 overlap"),
        ("22:00–06:00, 23:00–24:00", "overlap"),
        ("all day, 9–12", "not a span of time"),
    ],
)
def test_windows_that_are_none_are_refused_in_words(typed: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        windows_in(typed)


def test_what_is_read_is_written_the_same() -> None:
    text = "09:00–12:00, 13:00–17:30, 22:00–02:00"
    assert calendar_editing.windows_in_words(windows_in(text)) == text


@pytest.mark.parametrize(
    ("hours", "field"),
    [
        (Hours("Europe/Atlantis", {"mon": [["09:00", "12:00"]]}), "timezone"),
        (Hours("Europe/Berlin", {}), "mon"),
        (Hours("Europe/Berlin", {"tue": []}), "mon"),
        (Hours("Europe/Berlin", {"mon": [["22:00", "06:00"]], "tue": [["05:00", "12:00"]]}), "tue"),
        (Hours("Europe/Berlin", {"sun": [["22:00", "06:00"]], "mon": [["05:30", "12:00"]]}), "mon"),
        (Hours("Europe/Berlin", {"mon": [["09:00", "12:00"]]}, country="QQ"), "country"),
        (Hours("Europe/Berlin", {"mon": [["09:00", "12:00"]]}, country="DE", region="Texas"), "region"),
        (Hours("Europe/Berlin", {"mon": [["09:00", "12:00"]]}, region="BY"), "region"),
    ],
)
def test_hours_that_make_no_calendar_are_refused_by_field(hours: Hours, field: str, tuesday: datetime) -> None:
    assert list(calendar_editing.problems(hours, now=tuesday)) == [field]


def test_windows_over_midnight_may_meet_the_next_day_s(tuesday: datetime) -> None:
    week = {"mon": [["22:00", "06:00"]], "tue": [["06:00", "12:00"]]}
    assert calendar_editing.problems(Hours("Europe/Berlin", week), now=tuesday) == {}


def test_regions_are_those_of_the_country() -> None:
    assert calendar_editing.countries()["DE"] == "Germany"
    assert calendar_editing.regions("DE")["BY"] == "Bayern"
    assert calendar_editing.regions("QQ") == {}


def test_saving_makes_a_new_version_and_leaves_the_old_one(olga: User, tuesday: datetime) -> None:
    calendar = calendar_editing.create("Mornings", hours=MORNINGS, by=olga, now=tuesday, note="First")
    first = calendar.versions.get()
    later = tuesday + timedelta(days=1)
    longer = Hours(
        timezone="Europe/Berlin",
        week={"mon": [["08:00", "12:00"]]},
        country="DE",
        region="BY",
        closed=(date(2026, 12, 28),),
        special={date(2026, 12, 24): [["09:00", "11:00"]]},
    )
    second = calendar_editing.change(calendar, hours=longer, by=olga, now=later, note="Earlier calls")
    assert second is not None
    assert (second.version, second.created_by, second.created_at, second.note) == (2, olga, later, "Earlier calls")
    assert calendar_editing.hours_of(second) == longer
    first.refresh_from_db()
    assert calendar_editing.hours_of(first) == MORNINGS
    assert calendars.current(calendar, now=later - timedelta(seconds=1)) == first
    assert calendars.current(calendar, now=later) == second


def test_both_sides_managers_are_told_of_hours_that_an_agreement_counts_by(
    max_: User, sue: User, olga: User, tuesday: datetime
) -> None:
    hours = Calendar.objects.get(name="Office hours")
    version = calendar_editing.change(hours, hours=MORNINGS, by=max_, now=tuesday, note="Nobody is here after noon")
    assert version is not None
    told = Message.objects.filter(event__contains=f"hours:{hours.pk}:2", channel="in_app")
    assert [(message.recipient, message.subject) for message in told] == [(sue, "Other hours: Office hours")]
    # A calendar that no agreement counts by is nobody's matter.
    other = calendar_editing.create("Mornings", hours=MORNINGS, by=olga, now=tuesday)
    longer = Hours(timezone="Europe/Vienna", week=MORNINGS.week)
    calendar_editing.change(other, hours=longer, by=max_, now=tuesday)
    assert not Message.objects.filter(event__contains=f"hours:{other.pk}:").exists()


def test_the_same_hours_make_no_version(olga: User, tuesday: datetime) -> None:
    calendar = calendar_editing.create("Mornings", hours=MORNINGS, by=olga, now=tuesday)
    assert calendar_editing.change(calendar, hours=MORNINGS, by=olga, now=tuesday, name="Before noon") is None
    assert (calendar.versions.count(), Calendar.objects.get(pk=calendar.pk).name) == (1, "Before noon")


def test_a_change_on_top_of_somebody_s_is_refused(olga: User, sue: User, tuesday: datetime) -> None:
    calendar = calendar_editing.create("Mornings", hours=MORNINGS, by=olga, now=tuesday)
    other = Hours(timezone="Europe/Vienna", week=MORNINGS.week)
    calendar_editing.change(calendar, hours=other, by=sue, now=tuesday, seen=1)
    with pytest.raises(calendar_editing.Refused, match="Sue Vogt saved version 2 meanwhile"):
        calendar_editing.change(calendar, hours=MORNINGS, by=olga, now=tuesday, seen=1)
    assert calendar.versions.count() == 2


@pytest.mark.parametrize("name", ["office hours", " Office  hours "])
def test_a_name_stands_once(name: str, olga: User, tuesday: datetime) -> None:
    with pytest.raises(calendar_editing.Refused) as refused:
        calendar_editing.create(name, hours=MORNINGS, by=olga, now=tuesday)
    assert list(refused.value.errors) == ["name"]


def test_a_calendar_in_use_is_not_removed(sam: User) -> None:
    office = Calendar.objects.get(name="Office hours")
    with pytest.raises(calendar_editing.Refused, match=r"Office hours is in use: agreements: .* \(version 1\)"):
        calendar_editing.remove(office)
    assert CalendarVersion.objects.filter(calendar=office).exists()


def test_a_person_s_calendar_is_in_use_until_they_give_it_back(olga: User, sam: User, tuesday: datetime) -> None:
    calendar = calendar_editing.create("Mornings", hours=MORNINGS, by=olga, now=tuesday)
    assert calendar_editing.set_personal(sam, calendar=calendar)
    assert not calendar_editing.set_personal(sam, calendar=calendar)
    with pytest.raises(calendar_editing.Refused, match="own hours of Sam Becker"):
        calendar_editing.remove(calendar)
    assert calendar_editing.set_personal(sam, calendar=None)
    assert not PersonalCalendar.objects.exists()
    calendar_editing.remove(calendar)
    assert not Calendar.objects.filter(name="Mornings").exists()
