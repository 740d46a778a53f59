"""Change calendars: check hours, save them as a new version, remove what nothing uses, give people own hours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

import holidays
from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _
from holidays.registry import COUNTRIES

from leadsla.accounts.models import User
from sla import agreement_notices, calendars
from sla.models import Agreement, Calendar, CalendarVersion, Clock, PersonalCalendar, TimeLimit
from sla.working_time import WEEKDAYS, WorkingTime

Windows = list[list[str]]

DAY = 24 * 60  # minutes
MOST_EXCEPTIONS = 1000

_DASH = re.compile(r"\s*(?:–|—|−|-|\bto\b|\bbis\b)\s*", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:,|;|\n|\band\b|\bund\b|/|\+)\s*", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2})(?:[:.]?(\d{2}))?(?:\s*(?:h|uhr))?", re.IGNORECASE)
_CLOSED = frozenset({"", "–", "—", "-", "closed", "none"})
_ALL_DAY = frozenset({"24h", "24 h", "all day", "always"})


class Refused(Exception):  # noqa: N818  # it reads as what happened
    """What was typed cannot be; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class Hours:
    """What a version of a calendar says.

    Attributes:
        timezone: IANA name.
        week: weekday → windows `["09:00", "12:00"]` of the local clock; a missing day is closed.
        country: of public holidays, ISO 3166 code; empty for none.
        region: of that country.
        closed: own closed days.
        special: days whose windows replace the weekly ones.
    """

    timezone: str
    week: Mapping[str, Windows]
    country: str = ""
    region: str = ""
    closed: tuple[date, ...] = ()
    special: Mapping[date, Windows] = field(default_factory=dict)


def hours_of(version: CalendarVersion) -> Hours:
    """Return what a version says."""
    return Hours(
        timezone=version.timezone,
        week={day: windows for day, windows in version.hours.items() if windows},
        country=version.holidays_country,
        region=version.holidays_region,
        closed=tuple(sorted(map(date.fromisoformat, version.closed_days))),
        special={date.fromisoformat(day): windows for day, windows in sorted(version.special_days.items())},
    )


def draft(hours: Hours, *, now: datetime) -> CalendarVersion:
    """Return hours as a version that is not saved: what a preview calculates with."""
    return CalendarVersion(created_at=now, version=0, **_columns(hours))


# --- hours as people type them


def windows_in(text: str) -> Windows:
    """Read the windows of a day: `09:00–12:00, 13:00–17:30`, `9-12`, `22:00–06:00`, `all day`, or nothing when closed.

    Returns:
        Windows in order, written `HH:MM`; the end of a window that reaches over midnight is before its start.

    Raises:
        ValueError: in words, for what is no time of day, for an empty window and for windows that overlap.
    """
    typed = text.strip().lower()
    if typed in _CLOSED:
        return []
    if typed in _ALL_DAY:
        return [["00:00", "24:00"]]
    return _in_order([_window(part) for part in _BETWEEN.split(text.strip()) if part])


def windows_in_words(windows: Iterable[Iterable[str]]) -> str:
    """Write windows as `windows_in` reads them: `09:00–12:00, 13:00–17:30`."""
    return ", ".join("–".join(window) for window in windows)


def _window(text: str) -> tuple[int, int]:
    ends = _DASH.split(text.strip())
    if len(ends) != 2:
        raise ValueError(_("“%(text)s” is not a span of time. Write it as 09:00–12:00.") % {"text": text.strip()})
    start, end = (_minute(each) for each in ends)
    if start == DAY:
        start = 0
    if start == end:
        raise ValueError(
            _("“%(text)s” is empty: it ends when it starts. A whole day is 00:00–24:00.") % {"text": text.strip()}
        )
    return start, end


def _minute(text: str) -> int:
    match = _CLOCK.fullmatch(text.strip())
    hour, minute = (int(match[1]), int(match[2] or 0)) if match else (99, 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise ValueError(_("“%(text)s” is not a time of day. Write it as 09:00.") % {"text": text.strip()})
    return hour * 60 + minute


def _in_order(spans: list[tuple[int, int]]) -> Windows:
    reach = 0
    before = ""
    for start, end in sorted(spans):
        written = f"{_written(start)}–{_written(end)}"
        if before and start < reach:
            raise ValueError(
                _("%(one)s and %(other)s overlap. Make one window of them.") % {"one": before, "other": written}
            )
        reach, before = end if end > start else end + DAY, written
    return [[_written(start), _written(end)] for start, end in sorted(spans)]


def _written(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


# --- holidays


@lru_cache(maxsize=1)
def countries() -> dict[str, str]:
    """Return the countries whose public holidays are known: code → English name, in order of names."""
    small = {"and", "of", "the"}
    named = {
        codes[1]: " ".join(word if word in small else word.capitalize() for word in name.split("_"))
        for name, codes in COUNTRIES.items()
        if len(codes[1]) == 2
    }
    known = holidays.list_supported_countries(include_aliases=False)
    return dict(sorted(((code, name) for code, name in named.items() if code in known), key=lambda each: each[1]))


@lru_cache(maxsize=256)
def regions(country: str) -> dict[str, str]:
    """Return the regions of a country that have holidays of their own: code → name, empty for none."""
    if country not in countries():
        return {}
    known = holidays.country_holidays(country)
    names: dict[str, str] = {}
    for name, code in getattr(known, "subdivisions_aliases", {}).items():
        names.setdefault(code, name)
    found = {code: names.get(code, code) for code in known.subdivisions if len(code) <= 10}  # the column's length
    return dict(sorted(found.items(), key=lambda each: each[1]))


# --- checking


def problems(hours: Hours, *, now: datetime) -> dict[str, str]:
    """Return what is wrong with hours, by field; empty when they make a calendar.

    Args:
        hours: windows are as `windows_in` reads them.
        now: the calendar must open at some time after it.

    Returns:
        Messages by `timezone`, a weekday (`mon` …), `country`, `region`, or "" for the whole.
    """
    found: dict[str, str] = {}
    if hours.country and hours.country not in countries():
        found["country"] = _("No holidays are known for “%(code)s”. Choose a country of the list.") % {
            "code": hours.country
        }
    elif hours.region and hours.region not in regions(hours.country):
        words = {"region": hours.region, "country": countries().get(hours.country, _("no country"))}
        found["region"] = _("“%(region)s” is not a region of %(country)s. Choose one of the list.") % words
    if not any(hours.week.values()):
        found["mon"] = _("This calendar never opens. Give at least one window on one day.")
    found |= _overlaps(hours.week)
    if len(hours.closed) + len(hours.special) > MOST_EXCEPTIONS:
        found[""] = _("At most %(most)d days can differ from the week.") % {"most": MOST_EXCEPTIONS}
    if found:
        return found
    try:
        WorkingTime(hours.timezone, hours.week)
    except ValueError:
        return {
            "timezone": _("“%(zone)s” is not a time zone. Use a name like Europe/Berlin.") % {"zone": hours.timezone}
        }
    try:
        calendars.working_time(draft(hours, now=now)).next_open(now)
    except ValueError:
        return {"": _("With these closed days the calendar never opens again. Take some of them out.")}
    return {}


def _overlaps(week: Mapping[str, Windows]) -> dict[str, str]:
    """Find windows over midnight that run into the next day's."""
    found = {}
    names = calendars.day_names()
    for number, day in enumerate(WEEKDAYS):
        following = WEEKDAYS[(number + 1) % 7]
        over = [end for start, end in week.get(day, []) if end <= start]
        first = week.get(following, [])[:1]
        if over and first and first[0][0] < over[-1]:
            found[following] = _("%(start)s is still open from %(day)s, until %(end)s. Make one window of them.") % {
                "start": first[0][0],
                "day": names[day],
                "end": over[-1],
            }
    return found


# --- writing


def create(name: str, *, hours: Hours, by: User, now: datetime, note: str = "") -> Calendar:
    """Make a calendar with its first version.

    Raises:
        Refused: the name is taken, or the hours make no calendar.
    """
    name = _name(name, but=None)
    _check(hours, now=now)
    with transaction.atomic():
        calendar = Calendar.objects.create(name=name)
        CalendarVersion.objects.create(
            calendar=calendar, version=1, created_at=now, created_by=by, note=note, **_columns(hours)
        )
    return calendar


def change(
    calendar: Calendar,
    *,
    hours: Hours,
    by: User,
    now: datetime,
    note: str = "",
    name: str = "",
    seen: int | None = None,
) -> CalendarVersion | None:
    """Save hours as a calendar's next version; clocks that run keep theirs.

    Args:
        calendar: which.
        hours: the whole of what holds from now on.
        by: who.
        now: from when it holds.
        note: why.
        name: a new name; empty keeps it.
        seen: the version that was edited; a newer one refuses the change.

    Returns:
        The new version; None where the hours are what they were.

    Raises:
        Refused: somebody saved meanwhile, the name is taken, or the hours make no calendar.
    """
    name = _name(name, but=calendar) if name else calendar.name
    _check(hours, now=now)
    with transaction.atomic():
        Calendar.objects.select_for_update().get(pk=calendar.pk)  # two at once would make the same number
        newest = calendar.versions.select_related("created_by").order_by("-version").first()
        if newest is not None and seen is not None and newest.version != seen:
            words = {"who": newest.created_by or _("somebody"), "version": newest.version}
            raise Refused(
                {"": _("%(who)s saved version %(version)d meanwhile. Open the calendar again and repeat it.") % words}
            )
        if name != calendar.name:
            calendar.name = name
            calendar.save(update_fields=["name"])
        if newest is not None and hours_of(newest) == hours:
            return None
        number = newest.version + 1 if newest else 1
        made = CalendarVersion.objects.create(
            calendar=calendar, version=number, created_at=now, created_by=by, note=note, **_columns(hours)
        )
        for agreement in Agreement.objects.in_force(now=now).filter(pk__in=_agreements_with(calendar)):
            agreement_notices.hours_changed(agreement, made, by=by, now=now)
        return made


def uses(calendar: Calendar) -> list[str]:
    """Say in words where a calendar is used; empty when it may be removed."""
    found = []
    agreements = Agreement.objects.filter(pk__in=_agreements_with(calendar)).order_by("position", "-version")
    if agreements:
        found.append(_("agreements: %(names)s") % {"names": ", ".join(map(str, agreements))})
    persons = User.objects.filter(personal_calendar__calendar=calendar)
    if persons:
        found.append(_("own hours of %(names)s") % {"names": ", ".join(map(str, persons))})
    clocks = Clock.objects.filter(calendar_version__calendar=calendar).count()
    if clocks:
        found.append(_("clocks that ran by it: %(count)s") % {"count": f"{clocks:,}"})
    return found


def _agreements_with(calendar: Calendar) -> set[int]:
    by_limit = TimeLimit.objects.filter(calendar=calendar).values_list("target__agreement", flat=True)
    return {*by_limit, *Agreement.objects.filter(calendar=calendar).values_list("pk", flat=True)}


def remove(calendar: Calendar) -> None:
    """Remove a calendar that nothing uses, with its versions.

    Raises:
        Refused: it is in use; the words say where.
    """
    _refuse_used(calendar)
    try:
        with transaction.atomic():
            calendar.versions.all().delete()
            calendar.delete()
    except ProtectedError:  # it came into use at this very moment
        _refuse_used(calendar)
        raise


def _refuse_used(calendar: Calendar) -> None:
    used = uses(calendar)
    if used:
        raise Refused({"": _("%(name)s is in use: %(uses)s.") % {"name": calendar.name, "uses": "; ".join(used)}})


def set_personal(user: User, *, calendar: Calendar | None) -> bool:
    """Give a person hours of their own; None takes them away.

    Returns:
        False where nothing changed. Clocks that run keep their hours; a target says whether own hours count.
    """
    mine = PersonalCalendar.objects.filter(user=user)
    if calendar is None:
        return mine.delete()[0] > 0
    if mine.filter(calendar=calendar).exists():
        return False
    PersonalCalendar.objects.update_or_create(user=user, defaults={"calendar": calendar})
    return True


def _name(typed: str, *, but: Calendar | None) -> str:
    name = " ".join(typed.split())
    if not name:
        raise Refused({"name": _("Give the calendar a name.")})
    if len(name) > 120:
        raise Refused({"name": _("A name has at most 120 characters.")})
    others = Calendar.objects.exclude(pk=but.pk) if but else Calendar.objects.all()
    if others.filter(name__iexact=name).exists():
        raise Refused({"name": _("There is a calendar with this name already.")})
    return name


def _check(hours: Hours, *, now: datetime) -> None:
    found = problems(hours, now=now)
    if found:
        raise Refused(found)


def _columns(hours: Hours) -> dict[str, object]:
    return {
        "timezone": hours.timezone,
        "hours": {day: hours.week[day] for day in WEEKDAYS if hours.week.get(day)},
        "holidays_country": hours.country,
        "holidays_region": hours.region,
        "closed_days": [day.isoformat() for day in hours.closed],
        "special_days": {day.isoformat(): windows for day, windows in hours.special.items()},
    }
