"""Business-hours arithmetic: when a calendar is open, and the open time between two moments. Knows no database."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIRST_YEAR, LAST_YEAR = 1900, 2200

Windows = Sequence[Sequence[str]]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Inside, time is whole microseconds since 1970: exact in int64, and recovered exactly from float64 seconds until 2106.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (a reading of the wall clock has no zone)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)

_Span = tuple[int, int]  # wall-clock microseconds from midnight of the day a window starts on


class _Timeline(NamedTuple):
    """Sorted open intervals of [since, until) and what the two binary searches need.

    Interval 0 is empty and stands at `since`, so that every moment has an interval at or before it.
    """

    since: int
    until: int
    opens: Integers
    closes: Integers
    totals: Integers  # open time up to each closing
    shifts: Integers  # totals - closes: what turns a moment inside an interval into open time

    def measure(self, moments: Integers) -> Integers:
        """Return the open time from `since` to each moment."""
        interval = self.opens.searchsorted(moments, side="right")
        interval -= 1
        return np.minimum(moments, self.closes[interval]) + self.shifts[interval]


class WorkingTime:
    """A calendar: weekly hours in a time zone, with closed days, special days and breaks.

    timezone: IANA name. hours: weekday (`mon` … `sun`) → windows `["HH:MM", "HH:MM"]` of the local wall clock, seconds
    optional; an end at or before its start is on the next day and `24:00` ends the day. holidays: dates on which no
    window starts. overrides: date → the windows that replace the weekly ones; a holiday wins over them. breaks: closed
    spans `{"date", "from", "to"}`, cut out last. Dates are ISO strings or `date`.

    Windows that touch or overlap count once. A window is open from the first moment at which the local clock reads its
    start until the first moment at which it reads its end; a reading that a change of the clock skips is the moment of
    the change. So neighbouring windows stay neighbours, no window lasts an hour longer because its end comes twice, and
    what is counted between the two is real elapsed time.

    A calendar may be closed for ever: measuring then gives zero, and asking it for a moment raises ValueError.
    Instances are immutable, and equal when they mean the same; intervals are built for the years that are asked for.
    Raises ValueError, naming the field, for an unknown zone or malformed hours and dates.
    """

    __slots__ = ("_breaks", "_dates", "_line", "_week", "_zone", "timezone")

    def __init__(
        self,
        timezone: str,
        hours: Mapping[str, Windows],
        holidays: Iterable[str | date] = (),
        overrides: Mapping[str, Windows] | Mapping[date, Windows] | None = None,
        breaks: Iterable[Mapping[str, str | date]] = (),
    ) -> None:
        self.timezone = timezone
        self._zone = _zone(timezone)
        self._week = _week(hours)
        self._dates = _dates(holidays, overrides or {})
        self._breaks = _breaks(breaks)
        self._line: _Timeline | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkingTime) and self._meaning() == other._meaning()

    def __hash__(self) -> int:
        return hash(self._meaning())

    def __repr__(self) -> str:
        open_days = [name for name, spans in zip(WEEKDAYS, self._week, strict=True) if spans]
        return f"<WorkingTime {self.timezone} {' '.join(open_days) or 'no weekly hours'}>"

    @property
    def working_day(self) -> timedelta:
        """Return the weekly hours ÷ the days of the week that have any; ValueError if none has."""
        open_days = sum(1 for spans in self._week if spans)
        if not open_days:
            raise ValueError("hours: without weekly hours there is no length of a working day; open at least one day.")
        # Three weeks side by side, so that a window over the end of the week meets the next Monday's.
        day_of = [
            (day + 7 * week, span) for week in (-1, 0, 1) for day, spans in enumerate(self._week) for span in spans
        ]
        walls = np.array([(day * _DAY + start, day * _DAY + end) for day, (start, end) in day_of], np.int64)
        opens, closes = _united(np.clip(walls, 0, 7 * _DAY), _NO_SPANS)
        return int((closes - opens).sum()) * _MICROSECOND / open_days

    def add(self, start: datetime, delta: timedelta) -> datetime:
        """Return the moment, in UTC, at which `delta` of open time has passed since `start`.

        Outside of hours the count begins at the next opening, also for zero. A result on a closing stays there; a
        negative `delta` counts back, and its result on an opening stays there. Raises ValueError for a naive `start`
        and where the calendar does not open often enough between 1900 and 2200.
        """
        moment, amount = _micros("start", start), delta // _MICROSECOND
        _check_amount("delta", amount, amount)
        return _moment(int(self._advance(np.array(moment, np.int64), np.array(amount, np.int64))))

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return the open time from `start` to `end`, negative if `end` is the earlier one."""
        first, last = _micros("start", start), _micros("end", end)
        line = self._covering(min(first, last), max(first, last))
        return int(line.measure(np.array(last)) - line.measure(np.array(first))) * _MICROSECOND

    def is_open(self, t: datetime) -> bool:
        """Return whether the calendar is open at `t`. The opening instant is open, the closing instant is closed."""
        moment = _micros("t", t)
        line = self._covering(moment, moment)
        return bool(moment < line.closes[line.opens.searchsorted(moment, side="right") - 1])

    def next_open(self, t: datetime) -> datetime:
        """Return `t` in UTC if the calendar is open then, else the next opening; ValueError if there is none."""
        moment = _micros("t", t)
        return _moment(int(self._advance(np.array(moment, np.int64), np.array(0, np.int64))))

    def open_windows(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Return the open stretches from `start` to `end` as pairs in UTC, cut at both; none if `end` is not later.

        Their lengths add up to `between(start, end)`.
        """
        first, last = _micros("start", start), _micros("end", end)
        if last <= first:
            return []
        line = self._covering(first, last)
        among = slice(line.closes.searchsorted(first, side="right"), line.opens.searchsorted(last))
        pairs = zip(line.opens[among].tolist(), line.closes[among].tolist(), strict=True)
        return [(_moment(max(opening, first)), _moment(min(closing, last))) for opening, closing in pairs]

    def add_many(self, starts: npt.ArrayLike, seconds: npt.ArrayLike) -> Floats:
        """Return what `add` gives for each pair, as float64 seconds since 1970.

        starts: seconds since 1970; seconds: open time to add; both are taken to the nearest microsecond, and one number
        goes with every element of the other. Raises ValueError as `add` does, and for what is not a finite number.
        """
        moments, amounts = np.broadcast_arrays(_many_micros("starts", starts), _many_amounts(seconds))
        return _seconds(self._advance(moments, amounts))

    def between_many(self, starts: npt.ArrayLike, ends: npt.ArrayLike) -> Floats:
        """Return what `between` gives for each pair of seconds since 1970, as float64 seconds."""
        firsts, lasts = np.broadcast_arrays(_many_micros("starts", starts), _many_micros("ends", ends))
        if not firsts.size:
            return _seconds(firsts)
        line = self._covering(int(min(firsts.min(), lasts.min())), int(max(firsts.max(), lasts.max())))
        return _seconds(line.measure(lasts) - line.measure(firsts))

    def _meaning(self) -> tuple[object, ...]:
        return self.timezone, self._week, tuple(sorted(self._dates.items())), self._breaks

    def _advance(self, moments: Integers, amounts: Integers) -> Integers:
        if not moments.size:
            return moments
        line = self._covering(int(moments.min()), int(moments.max()))
        # Forward, the wanted interval is the first with total >= target, so that a result stays on a closing. Backward
        # and for zero it is the first with total > target, in whole microseconds the first with total >= target + 1.
        beyond = (amounts <= 0).astype(np.int64)
        while True:
            targets = line.measure(moments) + amounts
            if targets.min() < 0:
                line = self._earlier(line)
                continue
            interval = line.totals.searchsorted(targets + beyond)
            if interval.max() < len(line.totals):
                return targets - line.shifts[interval]
            line = self._later(line)

    def _covering(self, first: int, last: int) -> _Timeline:
        """Return intervals that reach from before `first` to after `last`, with a year's room for what comes next."""
        line = self._line
        if line and line.since <= first and last < line.until:
            return line
        if line:
            first, last = min(first, line.since), max(last, line.until - 1)
        return self._build(_year(first) - 1, _year(last) + 2)

    def _earlier(self, line: _Timeline) -> _Timeline:
        first, after = _year(line.since), _year(line.until)
        if first <= FIRST_YEAR:
            raise ValueError(self._too_closed("before"))
        return self._build(2 * first - after, after)

    def _later(self, line: _Timeline) -> _Timeline:
        first, after = _year(line.since), _year(line.until)
        if after > LAST_YEAR:
            raise ValueError(self._too_closed("after"))
        return self._build(first, 2 * after - first)

    def _too_closed(self, side: str) -> str:
        if not any(self._week) and not any(self._dates.values()):
            return "hours: this calendar never opens; give at least one window on one day."
        return f"hours: this calendar is not open long enough {side} this moment (years {FIRST_YEAR} to {LAST_YEAR})."

    def _build(self, first: int, after: int) -> _Timeline:
        """Build the years from `first` up to, without, `after`.

        Always from scratch and put in place by one assignment: two threads may both build, neither sees half a line.
        """
        since, until = _year_start(max(first, FIRST_YEAR)), _year_start(min(after, LAST_YEAR + 1))
        # Local dates begin up to a day beside UTC's, and a window reaches into the day after its own.
        days = np.arange(since // _DAY - 3, until // _DAY + 3)
        walls = _wall_windows(days, self._week, self._dates)
        breaks = np.array(self._breaks, np.int64).reshape(-1, 2)
        breaks = breaks[(breaks[:, 1] >= days[0] * _DAY) & (breaks[:, 0] <= days[-1] * _DAY)]
        opens, closes = _united(np.clip(_instants(self._zone, walls), since, until), _instants(self._zone, breaks))
        opens, closes = np.concatenate(([since], opens)), np.concatenate(([since], closes))
        totals = np.cumsum(closes - opens)
        self._line = _Timeline(since, until, opens, closes, totals, totals - closes)
        return self._line


@lru_cache(maxsize=512)
def shared(calendar: WorkingTime) -> WorkingTime:
    """Return the calendar that was first given here with the same meaning, so that its intervals are built once."""
    return calendar


_NO_SPANS: Integers = np.empty((0, 2), np.int64)


def _wall_windows(
    days: Integers, week: tuple[tuple[_Span, ...], ...], dates: Mapping[int, tuple[_Span, ...]]
) -> Integers:
    """Return every window of the days as (start, end) in wall-clock microseconds since 1970, unsorted."""
    usual = days[~np.isin(days, list(dates))]
    weekday = (usual + 3) % 7  # 1 January 1970 was a Thursday
    found = [
        usual[weekday == number, None] * _DAY + np.array(span, np.int64)
        for number, spans in enumerate(week)
        for span in spans
    ]
    special = [
        (day * _DAY + start, day * _DAY + end)
        for day, spans in dates.items()
        if days[0] <= day <= days[-1]
        for start, end in spans
    ]
    return np.concatenate([_NO_SPANS, *found, np.array(special, np.int64).reshape(-1, 2)])


def _united(windows: Integers, breaks: Integers) -> tuple[Integers, Integers]:
    """Return sorted, separate openings and closings: what some window covers and no break does."""
    edges, index = np.unique(np.concatenate((windows, breaks)), return_inverse=True)
    outweighs = len(windows) + 1
    steps = np.concatenate((np.full(windows.shape, (1, -1)), np.full(breaks.shape, (-outweighs, outweighs))))
    is_open = np.cumsum(np.bincount(index.ravel(), steps.ravel(), minlength=len(edges))) > 0
    was_open = np.concatenate(([False], is_open[:-1]))
    return edges[is_open & ~was_open], edges[was_open & ~is_open]


def _instants(zone: ZoneInfo, walls: Integers) -> Integers:
    """Turn readings of the local clock into UTC: a reading that comes twice is its first, a skipped one the change."""
    readings, index = np.unique(walls, return_inverse=True)
    instants = np.array([_instant(zone, reading) for reading in readings.tolist()], np.int64)
    return instants[index].reshape(walls.shape)


def _instant(zone: ZoneInfo, reading: int) -> int:
    wall = _WALL_EPOCH + timedelta(microseconds=reading)
    before, after = _offset(zone, wall), _offset(zone, wall.replace(fold=1))
    if after <= before:
        return reading - before
    # Skipped: the change lies after `early` and not after `late`.
    early, late = reading - after, reading - before
    while late - early > 1:
        middle = (early + late) // 2
        if _offset(zone, (_EPOCH + timedelta(microseconds=middle)).astimezone(zone)) == before:
            early = middle
        else:
            late = middle
    return late


def _offset(zone: ZoneInfo, wall: datetime) -> int:
    offset = zone.utcoffset(wall)
    assert offset is not None  # a ZoneInfo always knows it for a given moment
    return offset // _MICROSECOND


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        raise ValueError(f"timezone: {name!r} is not known; use an IANA name such as Europe/Berlin.") from None


def _week(hours: Mapping[str, Windows]) -> tuple[tuple[_Span, ...], ...]:
    if not isinstance(hours, Mapping):
        raise ValueError(f"hours: expected windows by weekday, got {hours!r}.")
    for name in hours:
        if name not in WEEKDAYS:
            raise ValueError(f"hours: {name!r} is not a weekday; use {', '.join(WEEKDAYS)}.")
    return tuple(_spans(f"hours.{name}", hours.get(name, ())) for name in WEEKDAYS)


def _dates(
    holidays: Iterable[str | date], overrides: Mapping[str, Windows] | Mapping[date, Windows]
) -> dict[int, tuple[_Span, ...]]:
    """Return the windows of each day that differs from its week, by days since 1970."""
    if isinstance(holidays, str):
        raise ValueError(f"holidays: expected a list of dates, got {holidays!r}.")
    if not isinstance(overrides, Mapping):
        raise ValueError(f"overrides: expected windows by date, got {overrides!r}.")
    special = {_day("overrides", day): _spans(f"overrides.{day}", windows) for day, windows in overrides.items()}
    return special | {_day("holidays", day): () for day in holidays}


def _breaks(breaks: Iterable[object]) -> tuple[_Span, ...]:
    found = set()
    for number, closed in enumerate(breaks):
        field = f"breaks[{number}]"
        if not isinstance(closed, Mapping) or set(closed) != {"date", "from", "to"}:
            raise ValueError(f"{field}: expected date, from and to, got {closed!r}.")
        day = _day(f"{field}.date", closed["date"]) * _DAY
        start, end = _span(field, (closed["from"], closed["to"]))
        found.add((day + start, day + end))
    return tuple(sorted(found))


def _spans(field: str, windows: object) -> tuple[_Span, ...]:
    if isinstance(windows, str) or not isinstance(windows, Sequence):
        raise ValueError(f'{field}: expected a list of windows such as [["09:00", "17:00"]], got {windows!r}.')
    return tuple(sorted({_span(f"{field}[{number}]", window) for number, window in enumerate(windows)}))


def _span(field: str, window: object) -> _Span:
    if isinstance(window, str) or not isinstance(window, Sequence) or len(window) != 2:
        raise ValueError(f'{field}: expected a start and an end such as ["09:00", "17:00"], got {window!r}.')
    start = _clock(f"{field}.from", window[0])
    end = _DAY if window[1] == "24:00" else _clock(f"{field}.to", window[1])
    return start, end if end > start else end + _DAY


def _clock(field: str, text: object) -> int:
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{field}: {text!r} is not a time of day; write it as 09:00, a closing midnight as 24:00.")
    hour, minute, second = (int(part or 0) for part in match.groups())
    return ((hour * 60 + minute) * 60 + second) * _SECOND


def _day(field: str, day: object) -> int:
    """Return the days from 1 January 1970 to a date."""
    try:
        if isinstance(day, str):
            day = date.fromisoformat(day)
        if isinstance(day, datetime) or not isinstance(day, date):
            raise TypeError
    except (TypeError, ValueError):
        raise ValueError(f"{field}: {day!r} is not a date; write it as 2026-12-24.") from None
    return day.toordinal() - _EPOCH.toordinal()


def _micros(field: str, moment: datetime) -> int:
    if moment.utcoffset() is None:
        raise ValueError(f"{field}: {moment} has no time zone; give a moment that has one.")
    micros = (moment - _EPOCH) // _MICROSECOND
    _check_moments(field, micros, micros)
    return micros


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _many_micros(field: str, seconds: npt.ArrayLike) -> Integers:
    return _rounded(field, seconds, _check_moments)


def _many_amounts(seconds: npt.ArrayLike) -> Integers:
    return _rounded("seconds", seconds, _check_amount)


def _rounded(field: str, seconds: npt.ArrayLike, check: Callable[[str, float, float], None]) -> Integers:
    micros = np.asarray(seconds, np.float64) * _SECOND
    if micros.size:
        check(field, float(micros.min()), float(micros.max()))
    return np.rint(micros).astype(np.int64)


def _seconds(micros: Integers) -> Floats:
    return micros / _SECOND


def _check_moments(field: str, earliest: float, latest: float) -> None:
    if not _SINCE <= earliest <= latest < _UNTIL:  # also refuses what is not a number
        raise ValueError(f"{field}: every moment must lie in the years {FIRST_YEAR} to {LAST_YEAR}.")


def _check_amount(field: str, least: float, most: float) -> None:
    if not _SINCE - _UNTIL <= least <= most <= _UNTIL - _SINCE:
        raise ValueError(f"{field}: expected at most {LAST_YEAR + 1 - FIRST_YEAR} years of working time.")


def _year(micros: int) -> int:
    return _moment(micros).year


def _year_start(year: int) -> int:
    return (datetime(year, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


_SINCE, _UNTIL = _year_start(FIRST_YEAR), _year_start(LAST_YEAR + 1)
