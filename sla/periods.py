"""Months and quarters in a time zone, and the working time in them. Knows no database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from django.utils.dates import MONTHS
from django.utils.translation import gettext

from sla.working_time import WorkingTime

Kind = Literal["month", "quarter"]
MONTHS_OF: dict[str, int] = {"month": 1, "quarter": 3}
FIRST_YEAR, LAST_YEAR = 1990, 2199  # what an address may ask for; calendars reach further on both sides
_WRITTEN = re.compile(r"(\d{4})-(?:(\d{2})|Q([1-4]))(?:-\d{2})?", re.ASCII)


@dataclass(frozen=True)
class Period:
    """A month or a quarter in a zone.

    Attributes:
        start: its first day.
        end: the first day after it.
        starts_at: midnight of `start` in the zone.
        ends_at: midnight of `end` in the zone; a moment belongs to the period when it is before it.
        kind: "month" or "quarter".
        timezone: IANA name.
    """

    start: date
    end: date
    starts_at: datetime
    ends_at: datetime
    kind: str
    timezone: str

    def __contains__(self, moment: datetime) -> bool:
        return self.starts_at <= moment < self.ends_at

    @property
    def last_day(self) -> date:
        """Return the last day of the period."""
        return self.end - timedelta(days=1)

    @property
    def code(self) -> str:
        """Return how the period is written in addresses: `2026-11` or `2026-Q4`."""
        return f"{self.start:%Y}-Q{(self.start.month + 2) // 3}" if self.kind == "quarter" else f"{self.start:%Y-%m}"

    @property
    def label(self) -> str:
        """Return how people call it: `November 2026` or `Q4 2026`."""
        if self.kind == "quarter":
            return gettext("Q%(number)d %(year)d") % {
                "number": (self.start.month + 2) // 3,
                "year": self.start.year,
            }
        return f"{MONTHS[self.start.month]} {self.start.year}"


def containing(moment: datetime, *, kind: str, timezone: str) -> Period:
    """Return the period that a moment belongs to.

    Args:
        moment: aware.
        kind: "month" or "quarter".
        timezone: the agreement's zone; the same moment can be October in one zone and November in another.

    Returns:
        The period.
    """
    return of_day(moment.astimezone(ZoneInfo(timezone)).date(), kind=kind, timezone=timezone)


def of_day(day: date, *, kind: str, timezone: str) -> Period:
    """Return the period that a day belongs to."""
    length = MONTHS_OF[kind]
    start = date(day.year, (day.month - 1) // length * length + 1, 1)
    end = _months_later(start, length)
    return Period(start, end, midnight(start, timezone), midnight(end, timezone), kind, timezone)


def back(period: Period, count: int) -> Period:
    """Return the period `count` periods before; a negative count gives a later one."""
    first = _months_later(period.start, -count * MONTHS_OF[period.kind])
    return of_day(first, kind=period.kind, timezone=period.timezone)


def read(text: str) -> date | None:
    """Return the first day of a period written as `2026-11`, `2026-Q4` or `2026-11-01`; None when it is none.

    Years in which nothing of a contract can lie are no period either.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if not match:
        return None
    year, month, quarter = match.groups()
    try:
        day = date(int(year), int(month) if month else int(quarter) * 3 - 2, 1)
    except ValueError:
        return None
    return day if is_in_reach(day) else None


def is_in_reach(day: date) -> bool:
    """Tell whether a day, or a moment's, lies in the years that pages may ask for."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def midnight(day: date, timezone: str) -> datetime:
    """Return the moment, in UTC, at which a day begins in a zone."""
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def next_day(day: date) -> date:
    """Return the day after."""
    return day + timedelta(days=1)


def year_before(period: Period) -> datetime:
    """Return the moment, in UTC, twelve months before the period ends."""
    return midnight(_months_later(period.end, -12), period.timezone)


def working_dates(period: Period, working_time: WorkingTime) -> list[date]:
    """Return the days of a period on which a calendar is open at all."""
    zone = ZoneInfo(period.timezone)
    found: set[date] = set()
    for opens, closes in working_time.open_windows(period.starts_at, period.ends_at):
        day, last = opens.astimezone(zone).date(), (closes - timedelta(microseconds=1)).astimezone(zone).date()
        found.update(day + timedelta(days=step) for step in range((last - day).days + 1))
    return sorted(found)


def since_last_working_day(period: Period, days: Sequence[date], *, now: datetime) -> datetime:
    """Return from when on the working day counts that a moment belongs to.

    Args:
        period: in which the moment lies.
        days: its working days, in order.
        now: the moment; on a day without working time it belongs to the next working day.

    Returns:
        Midnight after the working day before; the start of the period where there is none.
    """
    today = now.astimezone(ZoneInfo(period.timezone)).date()
    belongs = next((day for day in days if day >= today), period.end)
    before = [day for day in days if day < belongs]
    return midnight(next_day(before[-1]), period.timezone) if before else period.starts_at


def working_days(period: Period, working_time: WorkingTime, *, now: datetime) -> tuple[int, int]:
    """Return the working days of a period that have begun, and all of them: "working day 12 of 21"."""
    days = working_dates(period, working_time)
    today = now.astimezone(ZoneInfo(period.timezone)).date()
    return sum(1 for day in days if day <= today), len(days)


def _months_later(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
