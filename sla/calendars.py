"""Calendars as working time: which version holds, its hours with holidays, and a time limit as a length of time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsla.accounts.models import User
from sla.models import Calendar, CalendarVersion, PersonalCalendar, TimeLimit
from sla.working_time import WEEKDAYS, WorkingTime, shared

HOLIDAY_YEARS = range(2000, 2101)


def working_time(version: CalendarVersion) -> WorkingTime:
    """Return the working time of a calendar's version: weekly hours without holidays and own closed days.

    Versions with the same meaning share one object, so that its intervals are built once in a process.

    Raises:
        ValueError: naming the field, for hours, zone, country or dates that make no sense.
    """
    return _working_time(
        timezone=version.timezone,
        hours=json.dumps(version.hours, sort_keys=True),
        country=version.holidays_country,
        region=version.holidays_region,
        closed=json.dumps(version.closed_days),
        special=json.dumps(version.special_days, sort_keys=True),
    )


def current(calendar: Calendar, *, now: datetime) -> CalendarVersion:
    """Return the version of a calendar that holds at a moment; before its first one, the first.

    Raises:
        CalendarVersion.DoesNotExist: the calendar has no version at all.
    """
    begun = calendar.versions.filter(created_at__lte=now).order_by("-version").first()
    return begun or calendar.versions.earliest("version")


def calendar_for(limit: TimeLimit, *, owner: User | None, now: datetime) -> CalendarVersion:
    """Return the version of the calendar that counts for a limit: its own, or the owner's where the target says so.

    Args:
        limit: with its target.
        owner: who owes; None, and somebody without hours of their own, are measured by the limit's calendar.
        now: the moment.
    """
    if owner is not None and limit.target.counts_owner_hours:
        personal = PersonalCalendar.objects.filter(user=owner).select_related("calendar").first()
        if personal is not None:
            return current(personal.calendar, now=now)
    return current(limit.calendar, now=now)


def budget(limit: TimeLimit, working_time: WorkingTime) -> timedelta:
    """Return the working time that a limit gives: its minutes, or its days times the calendar's working day.

    Args:
        limit: minutes or working days.
        working_time: of the limit's calendar.

    Raises:
        ValueError: days of a calendar without weekly hours, which has no length of a working day.
    """
    if limit.minutes is not None:
        return timedelta(minutes=limit.minutes)
    return working_time.working_day * (limit.working_days or 0)


def limit_in_words(limit: TimeLimit) -> str:
    """Write a limit as the contract says it: `5 min`, `1 h`, `1 h 30 min`, `2 working days`."""
    if limit.minutes is None:
        days = limit.working_days or 0
        return ngettext("%(days)d working day", "%(days)d working days", days) % {"days": days}
    hours, minutes = divmod(limit.minutes, 60)
    parts = [_("%(hours)d h") % {"hours": hours}] if hours else []
    if minutes or not hours:
        parts.append(_("%(minutes)d min") % {"minutes": minutes})
    return " ".join(parts)


@dataclass(frozen=True)
class Holiday:
    """A day on which a calendar is closed, and why."""

    day: date
    name: str


def holidays_between(version: CalendarVersion, start: date, end: date) -> list[Holiday]:
    """List public holidays and own closed days of a version, from `start` up to, without, `end`."""
    named: dict[date, str] = {}
    if version.holidays_country:
        named |= _public_holidays(version.holidays_country, version.holidays_region)
    named |= {date.fromisoformat(day): _("Closed") for day in version.closed_days}
    return [Holiday(day, name) for day, name in sorted(named.items()) if start <= day < end]


def special_between(version: CalendarVersion, start: date, end: date) -> list[tuple[date, str]]:
    """List the days with hours of their own, from `start` up to, without, `end`: the day, and its windows in words."""
    days = sorted((date.fromisoformat(day), windows) for day, windows in version.special_days.items())
    return [(day, ", ".join("–".join(each) for each in windows)) for day, windows in days if start <= day < end]


def week(version: CalendarVersion) -> list[tuple[str, list[str]]]:
    """Return the seven days of a calendar, Monday first: the name, and opening hours; none when closed."""
    return [
        (name, [f"{start}–{end}" for start, end in version.hours.get(day, [])]) for day, name in day_names().items()
    ]


def day_names() -> dict[str, str]:
    """Return the names of the weekdays by code, Monday first."""
    names = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
    return dict(zip(WEEKDAYS, names, strict=True))


def hours_in_words(version: CalendarVersion) -> str:
    """Write the week of a calendar: `Monday to Friday, 9–12 and 13–17:30`."""
    names = day_names()
    parts = []
    for days, windows in _same_hours(version):
        span = names[days[0]] if len(days) == 1 else _("%(first)s to %(last)s") % _ends(names[days[0]], names[days[-1]])
        parts.append(f"{span}, {_(' and ').join(windows)}")
    return "; ".join(parts) or _("never open")


def _ends(first: str, last: str) -> dict[str, str]:
    return {"first": first, "last": last}


def _same_hours(version: CalendarVersion) -> list[tuple[list[str], list[str]]]:
    """Group neighbouring weekdays that have the same windows; closed days are left out."""
    groups: list[tuple[list[str], list[str]]] = []
    before = ""
    for day in WEEKDAYS:
        windows = [f"{_short(start)}–{_short(end)}" for start, end in version.hours.get(day, [])]
        if windows and groups and groups[-1][1] == windows and groups[-1][0][-1] == before:
            groups[-1][0].append(day)
        elif windows:
            groups.append(([day], windows))
        before = day
    return groups


def _short(clock: str) -> str:
    hour, minute = clock.split(":")[:2]
    return str(int(hour)) if minute == "00" else f"{int(hour)}:{minute}"


@lru_cache(maxsize=256)
def _working_time(*, timezone: str, hours: str, country: str, region: str, closed: str, special: str) -> WorkingTime:
    closed_days: Iterable[str | date] = json.loads(closed)
    public = [day for day, _name in _public_holidays(country, region)] if country else []
    return shared(WorkingTime(timezone, json.loads(hours), [*public, *closed_days], json.loads(special)))


@lru_cache(maxsize=64)
def _public_holidays(country: str, region: str) -> tuple[tuple[date, str], ...]:
    try:
        found = holidays.country_holidays(country, subdiv=region or None, years=HOLIDAY_YEARS, language="en_US")
    except NotImplementedError:
        raise ValueError(f"holidays_country: no holidays are known for {country!r} {region!r}.") from None
    return tuple(sorted(found.items()))
