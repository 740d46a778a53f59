"""Calendars: the seed's hours, holidays and limits against hand calculation."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from leadsla.accounts.models import User
from sla import calendars
from sla.models import Agreement, Calendar, CalendarVersion, PersonalCalendar, TimeLimit

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def berlin(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN)  # type: ignore[arg-type]


def version(name: str) -> CalendarVersion:
    return calendars.current(Calendar.objects.get(name=name), now=berlin(2026, 3, 3, 10))


def limit(measure: str, temperature: str) -> TimeLimit:
    return TimeLimit.objects.get(target__commitment__measure=measure, temperature=temperature)


@pytest.mark.parametrize(
    ("start", "worked", "due"),
    [
        # 40 minutes are left on Tuesday, 20 come on Wednesday.
        (berlin(2026, 3, 3, 16, 50), timedelta(hours=1), berlin(2026, 3, 4, 9, 20)),
        # Friday evening waits for Monday.
        (berlin(2026, 3, 6, 19, 0), timedelta(hours=1), berlin(2026, 3, 9, 10, 0)),
        # The lunch break does not count.
        (berlin(2026, 3, 3, 11, 45), timedelta(hours=1), berlin(2026, 3, 3, 13, 45)),
        # Good Friday and Easter Monday are holidays in all of Germany.
        (berlin(2026, 4, 2, 17, 0), timedelta(hours=1), berlin(2026, 4, 7, 9, 30)),
        # Over the change of the clock on 29 March nothing of working time is lost.
        (berlin(2026, 3, 27, 17, 0), timedelta(hours=1), berlin(2026, 3, 30, 9, 30)),
    ],
)
def test_office_hours_count_only_open_time(start: datetime, worked: timedelta, due: datetime) -> None:
    assert calendars.working_time(version("Office hours")).add(start, worked) == due


def test_hot_leads_have_no_lunch_break() -> None:
    hours = calendars.working_time(version("Hot leads"))
    assert hours.add(berlin(2026, 3, 3, 11, 58), timedelta(minutes=5)) == berlin(2026, 3, 3, 12, 3)


def test_limits_in_days_use_the_calendar_s_working_day() -> None:
    hours = calendars.working_time(version("Office hours"))
    assert calendars.budget(limit("decide", "warm"), hours) == timedelta(hours=7, minutes=30)
    assert calendars.budget(limit("decide", "cool"), hours) == timedelta(hours=15)
    assert calendars.budget(limit("first_follow_up", "warm"), hours) == timedelta(hours=1)


def test_own_closed_and_special_days_change_the_hours() -> None:
    special = version("Office hours")
    special.closed_days = ["2026-03-04"]
    special.special_days = {"2026-03-05": [["14:00", "15:00"]]}
    hours = calendars.working_time(special)
    assert hours.add(berlin(2026, 3, 3, 17, 0), timedelta(hours=1)) == berlin(2026, 3, 5, 14, 30)


def test_the_version_of_the_moment_holds() -> None:
    calendar = Calendar.objects.get(name="Office hours")
    first = calendar.versions.get()
    second = CalendarVersion.objects.create(
        calendar=calendar,
        version=2,
        timezone="Europe/Berlin",
        hours={"mon": [["08:00", "12:00"]]},
        created_at=berlin(2026, 6, 1),
    )
    assert calendars.current(calendar, now=berlin(2026, 5, 31, 23, 59)) == first
    assert calendars.current(calendar, now=berlin(2026, 6, 1)) == second


def test_holidays_are_listed_with_their_names() -> None:
    found = calendars.holidays_between(version("Office hours"), date(2026, 4, 1), date(2026, 5, 1))
    assert [(holiday.day, holiday.name) for holiday in found] == [
        (date(2026, 4, 3), "Good Friday"),
        (date(2026, 4, 6), "Easter Monday"),
    ]


def test_unknown_country_of_holidays_is_named() -> None:
    wrong = version("Office hours")
    wrong.holidays_country = "QQ"
    with pytest.raises(ValueError, match="holidays_country"):
        calendars.working_time(wrong)


def test_the_week_is_written_as_people_say_it() -> None:
    assert calendars.hours_in_words(version("Office hours")) == "Monday to Friday, 9–12 and 13–17:30"
    assert calendars.hours_in_words(version("Hot leads")) == "Monday to Friday, 9–17:30"


def test_limits_are_written_as_people_say_them() -> None:
    assert calendars.limit_in_words(limit("first_follow_up", "hot")) == "5 min"
    assert calendars.limit_in_words(limit("decide", "hot")) == "4 h"
    assert calendars.limit_in_words(limit("decide", "warm")) == "1 working day"
    assert calendars.limit_in_words(limit("fix", "cool")) == "3 working days"
    assert calendars.limit_in_words(TimeLimit(minutes=90)) == "1 h 30 min"


def test_the_seed_is_in_force_from_long_ago_and_nobody_signed_it() -> None:
    agreement = Agreement.objects.in_force(now=berlin(2005, 1, 1)).get()
    assert agreement.is_provisional
    assert agreement.signatures.count() == 0


def test_whose_hours_count_is_said_by_the_target(sam: User) -> None:
    now = berlin(2026, 3, 3, 10)
    agreed, own = limit("decide", "warm"), Calendar.objects.create(name="Sam's mornings")
    mornings = CalendarVersion.objects.create(
        calendar=own, version=1, timezone="Europe/Berlin", hours={"tue": [["08:00", "12:00"]]}, created_at=now
    )
    PersonalCalendar.objects.create(user=sam, calendar=own)
    assert calendars.calendar_for(agreed, owner=sam, now=now) == version("Office hours")
    agreed.target.counts_owner_hours = True
    assert calendars.calendar_for(agreed, owner=sam, now=now) == mornings
    assert calendars.calendar_for(agreed, owner=None, now=now) == version("Office hours")


def test_somebody_without_own_hours_is_measured_by_the_agreed_ones(nia: User) -> None:
    agreed = limit("decide", "warm")
    agreed.target.counts_owner_hours = True
    assert calendars.calendar_for(agreed, owner=nia, now=berlin(2026, 3, 3, 10)) == version("Office hours")
