"""Periods over the ends of months, years and summer time, in the zone of the agreement."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from sla import periods
from sla.working_time import WorkingTime

WEEKDAYS = WorkingTime("Europe/Berlin", {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")})


def test_a_moment_belongs_to_the_month_of_its_zone() -> None:
    moment = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    assert periods.containing(moment, kind="month", timezone="Europe/Berlin").start == date(2026, 11, 1)
    assert periods.containing(moment, kind="month", timezone="America/Sao_Paulo").start == date(2026, 10, 1)


def test_a_month_begins_and_ends_at_local_midnight_over_the_change_of_the_clock() -> None:
    march = periods.of_day(date(2026, 3, 15), kind="month", timezone="Europe/Berlin")
    assert march.starts_at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert march.ends_at == datetime(2026, 3, 31, 22, tzinfo=UTC)
    assert march.starts_at in march
    assert march.ends_at not in march


def test_quarters_and_steps_over_the_year() -> None:
    quarter = periods.of_day(date(2026, 2, 3), kind="quarter", timezone="UTC")
    assert (quarter.start, quarter.end, quarter.code, quarter.label) == (
        date(2026, 1, 1),
        date(2026, 4, 1),
        "2026-Q1",
        "Q1 2026",
    )
    assert periods.back(quarter, 1).start == date(2025, 10, 1)
    assert periods.back(quarter, -3).start == date(2026, 10, 1)


def test_the_year_before_the_end() -> None:
    march = periods.of_day(date(2026, 3, 1), kind="month", timezone="UTC")
    assert periods.year_before(march) == datetime(2025, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11", date(2026, 11, 1)),
        ("2026-11-17", date(2026, 11, 1)),
        ("2026-Q4", date(2026, 10, 1)),
        ("2026-13", None),
        ("0000-01", None),
        ("1989-12", None),
        ("1990-01", date(1990, 1, 1)),
        ("9999-12", None),
        ("November", None),
        ("", None),
    ],
)
def test_reading_what_stands_in_an_address(text: str, day: date | None) -> None:
    assert periods.read(text) == day


def test_working_days_of_november_2026() -> None:
    # 1 November 2026 is a Sunday: 21 weekdays. Tuesday the 17th is the twelfth.
    november = periods.of_day(date(2026, 11, 1), kind="month", timezone="Europe/Berlin")
    now = datetime(2026, 11, 17, 13, 20, tzinfo=UTC)
    assert periods.working_days(november, WEEKDAYS, now=now) == (12, 21)


def test_a_calendar_without_hours_has_no_working_days() -> None:
    november = periods.of_day(date(2026, 11, 1), kind="month", timezone="UTC")
    closed = WorkingTime("UTC", {})
    assert periods.working_dates(november, closed) == []
