"""Working time against the public vectors, hand calculations around changes of the clock, and its laws."""

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla.working_time import WEEKDAYS, Windows, WorkingTime, shared

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "working_time.json").read_text())
ZONES = sorted(available_timezones())
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)

OFFICE = {day: [["09:00", "17:00"]] for day in WEEKDAYS[:5]}
ALWAYS = {day: [["00:00", "24:00"]] for day in WEEKDAYS}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# The public vectors


def amount(vector: dict[str, Any], minutes: str, seconds: str) -> timedelta:
    return timedelta(seconds=vector[seconds]) if seconds in vector else timedelta(minutes=vector[minutes])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_reproduces_public_vector(vector: dict[str, Any]) -> None:
    calendar = shared(
        WorkingTime(
            vector["timezone"],
            vector["hours"],
            vector["holidays"],
            vector.get("overrides"),
            vector.get("breaks", ()),
        )
    )
    start = at(vector["start"])
    match vector["op"]:
        case "add":
            assert calendar.add(start, amount(vector, "minutes", "seconds")) == at(vector["expect"])
        case "between":
            assert calendar.between(start, at(vector["end"])) == amount(vector, "expect", "expect_seconds")
        case "is_open":
            assert calendar.is_open(start) is vector["expect"]
        case "next_open":
            assert calendar.next_open(start) == at(vector["expect"])
        case other:
            pytest.fail(f"no such operation: {other}")


def test_vectors_are_complete() -> None:
    assert len(VECTORS) == 566


# Conventions. 2 March 2026 is a Monday.


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("2026-03-02T16:00Z", 60, "2026-03-02T17:00Z"),  # stays on the closing
        ("2026-03-02T17:00Z", 60, "2026-03-03T10:00Z"),  # the closing instant is closed
        ("2026-03-02T10:00Z", -60, "2026-03-02T09:00Z"),  # stays on the opening
        ("2026-03-02T09:00Z", -60, "2026-02-27T16:00Z"),  # Friday
        ("2026-03-07T12:00Z", -60, "2026-03-06T16:00Z"),  # counted back from Monday's opening
        ("2026-03-07T12:00Z", 0, "2026-03-09T09:00Z"),  # zero outside of hours
        ("2026-03-02T17:00Z", 0, "2026-03-03T09:00Z"),
        ("2026-03-02T12:34Z", 0, "2026-03-02T12:34Z"),
        ("2026-03-06T16:50Z", 240, "2026-03-09T12:50Z"),  # over a weekend
    ],
)
def test_add_follows_the_conventions(start: str, minutes: int, expected: str) -> None:
    assert WorkingTime("UTC", OFFICE).add(at(start), minutes * MINUTE) == at(expected)


def test_results_are_in_utc() -> None:
    calendar = WorkingTime("Asia/Kolkata", OFFICE)
    due = calendar.add(at("2026-03-02T10:00+05:30"), HOUR)
    assert (due.isoformat(), due.tzinfo) == ("2026-03-02T05:30:00+00:00", UTC)


def test_is_exact_to_the_microsecond() -> None:
    calendar = WorkingTime("UTC", OFFICE)
    last = at("2026-03-02T16:59:59.999999Z")
    assert calendar.is_open(last)
    assert calendar.add(last, MICROSECOND) == at("2026-03-02T17:00Z")
    assert calendar.add(last, 2 * MICROSECOND) == at("2026-03-03T09:00:00.000001Z")
    assert calendar.between(last, at("2026-03-03T09:00:00.000001Z")) == 2 * MICROSECOND


def test_windows_that_touch_or_overlap_count_once() -> None:
    calendar = WorkingTime("UTC", {"mon": [["09:00", "12:00"], ["11:00", "13:00"], ["13:00", "14:00"]]})
    assert calendar.open_windows(at("2026-03-02T00:00Z"), at("2026-03-03T00:00Z")) == [
        (at("2026-03-02T09:00Z"), at("2026-03-02T14:00Z"))
    ]


def test_window_over_midnight_belongs_to_the_day_it_starts_on() -> None:
    calendar = WorkingTime("UTC", {"mon": [["22:00", "06:00"]], "tue": [["22:00", "06:00"]]}, holidays=["2026-03-03"])
    assert calendar.is_open(at("2026-03-03T05:59Z"))  # Monday's window reaches into the holiday
    assert not calendar.is_open(at("2026-03-03T22:00Z"))
    assert not calendar.is_open(at("2026-03-04T01:00Z"))


def test_equal_start_and_end_is_a_whole_day() -> None:
    calendar = WorkingTime("UTC", {"mon": [["09:00", "09:00"]]})
    assert calendar.between(at("2026-03-01T00:00Z"), at("2026-03-08T00:00Z")) == 24 * HOUR


def test_holiday_wins_over_override_and_break_is_cut_last() -> None:
    calendar = WorkingTime(
        "UTC",
        OFFICE,
        holidays=[date(2026, 3, 3)],
        overrides={date(2026, 3, 3): [["10:00", "12:00"]], date(2026, 3, 4): [["10:00", "14:00"]]},
        breaks=[{"date": date(2026, 3, 4), "from": "11:00", "to": "11:30"}],
    )
    assert calendar.open_windows(at("2026-03-03T00:00Z"), at("2026-03-05T00:00Z")) == [
        (at("2026-03-04T10:00Z"), at("2026-03-04T11:00Z")),
        (at("2026-03-04T11:30Z"), at("2026-03-04T14:00Z")),
    ]


def test_open_windows_are_cut_at_both_ends() -> None:
    calendar = WorkingTime("UTC", OFFICE)
    assert calendar.open_windows(at("2026-03-02T16:00Z"), at("2026-03-03T10:00Z")) == [
        (at("2026-03-02T16:00Z"), at("2026-03-02T17:00Z")),
        (at("2026-03-03T09:00Z"), at("2026-03-03T10:00Z")),
    ]
    assert calendar.open_windows(at("2026-03-02T17:00Z"), at("2026-03-03T09:00Z")) == []
    assert calendar.open_windows(at("2026-03-03T10:00Z"), at("2026-03-02T16:00Z")) == []


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (OFFICE, 8 * HOUR),
        (ALWAYS, 24 * HOUR),
        ({"mon": [["09:00", "12:00"], ["13:00", "18:00"]], "sat": [["10:00", "12:00"]]}, 5 * HOUR),  # (8 + 2) / 2
        ({"mon": [["09:00", "13:00"], ["12:00", "15:00"]]}, 6 * HOUR),  # the hour at noon counts once
        ({"sun": [["20:00", "04:00"]], "mon": [["02:00", "06:00"]]}, 5 * HOUR),  # 20:00 to 06:00 in two days
    ],
)
def test_working_day_is_weekly_hours_by_open_days(hours: dict[str, Windows], expected: timedelta) -> None:
    assert WorkingTime("Europe/Berlin", hours).working_day == expected


def test_equal_calendars_are_one_key() -> None:
    one = WorkingTime("UTC", OFFICE, ["2026-05-01"], {"2026-05-01": [["09:00", "10:00"]]})
    same = WorkingTime("UTC", {**OFFICE, "sun": []}, [date(2026, 5, 1)])
    assert one == same
    assert hash(one) == hash(same)
    assert shared(one) is shared(same)
    assert one != WorkingTime("Etc/UTC", OFFICE, ["2026-05-01"])
    assert one != WorkingTime("UTC", ALWAYS, ["2026-05-01"])
    assert one != WorkingTime("UTC", OFFICE)
    assert one != WorkingTime(
        "UTC", OFFICE, ["2026-05-01"], breaks=[{"date": "2026-05-04", "from": "09:00", "to": "10:00"}]
    )


def test_window_over_new_year_is_whole_whatever_was_asked_first() -> None:
    new_year = at("2025-01-01T00:00Z")  # a Wednesday
    for year in range(2024, 2029):
        asked = WorkingTime("UTC", {"tue": [["22:00", "06:00"]]})
        assert not asked.is_open(at(f"{year}-06-01T12:00Z"))
        assert asked.between(new_year, new_year + 24 * HOUR) == 6 * HOUR
        assert asked.add(at("2026-06-02T22:00Z"), -1000 * HOUR) == at("2026-06-02T22:00Z") - timedelta(weeks=125)


def test_reaches_from_1990_to_2060() -> None:
    calendar = WorkingTime("Europe/Berlin", {"mon": [["10:00", "11:00"]]})
    since, until = at("1990-01-01T00:00+01:00"), at("2060-01-05T00:00+01:00")  # both Mondays
    assert calendar.between(since, until) == (until - since).days // 7 * HOUR
    assert calendar.add(since, 3653 * HOUR) == at("2060-01-01T00:00+01:00") - timedelta(days=3) + 11 * HOUR


# Changes of the clock, by hand


@pytest.mark.parametrize(
    ("zone", "window", "day", "opens", "closes"),
    [
        # Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
        ("Europe/Berlin", ["00:00", "06:00"], "2026-03-29", "2026-03-28T23:00Z", "2026-03-29T04:00Z"),  # 5 h
        ("Europe/Berlin", ["22:00", "06:00"], "2026-03-28", "2026-03-28T21:00Z", "2026-03-29T04:00Z"),  # 7 h
        ("Europe/Berlin", ["02:30", "04:00"], "2026-03-29", "2026-03-29T01:00Z", "2026-03-29T02:00Z"),
        ("Europe/Berlin", ["01:00", "02:30"], "2026-03-29", "2026-03-29T00:00Z", "2026-03-29T01:00Z"),
        # Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC.
        ("Europe/Berlin", ["00:00", "06:00"], "2026-10-25", "2026-10-24T22:00Z", "2026-10-25T05:00Z"),  # 7 h
        ("Europe/Berlin", ["22:00", "06:00"], "2026-10-24", "2026-10-24T20:00Z", "2026-10-25T05:00Z"),  # 9 h
        ("Europe/Berlin", ["02:30", "04:00"], "2026-10-25", "2026-10-25T00:30Z", "2026-10-25T03:00Z"),
        ("Europe/Berlin", ["01:00", "02:30"], "2026-10-25", "2026-10-24T23:00Z", "2026-10-25T00:30Z"),
        ("Europe/Berlin", ["01:00", "02:00"], "2026-10-25", "2026-10-24T23:00Z", "2026-10-25T00:00Z"),
        # Lord Howe, 5 October 2025: half an hour, 02:00 (+10:30) becomes 02:30 (+11) at 15:30 UTC.
        ("Australia/Lord_Howe", ["01:00", "03:00"], "2025-10-05", "2025-10-04T14:30Z", "2025-10-04T16:00Z"),
        # Havana, 2 November 2025: 01:00 (-4) becomes 00:00 (-5) at 05:00 UTC; midnight comes twice.
        ("America/Havana", ["18:00", "24:00"], "2025-11-01", "2025-11-01T22:00Z", "2025-11-02T04:00Z"),
        ("America/Havana", ["00:00", "02:00"], "2025-11-02", "2025-11-02T04:00Z", "2025-11-02T07:00Z"),
        # Santiago, 7 September 2025: midnight (-4) becomes 01:00 (-3) at 04:00 UTC.
        ("America/Santiago", ["00:00", "08:00"], "2025-09-07", "2025-09-07T04:00Z", "2025-09-07T11:00Z"),
        # Apia skipped 30 December 2011: from 29 December 24:00 (-10) to 31 December 00:00 (+14) at 10:00 UTC.
        ("Pacific/Apia", ["20:00", "24:00"], "2011-12-29", "2011-12-30T06:00Z", "2011-12-30T10:00Z"),
        ("Pacific/Apia", ["20:00", "04:00"], "2011-12-30", "2011-12-30T10:00Z", "2011-12-30T14:00Z"),
    ],
)
def test_change_of_the_clock_by_hand(zone: str, window: list[str], day: str, opens: str, closes: str) -> None:
    calendar = WorkingTime(zone, {}, overrides={day: [window]})
    noon = datetime.combine(date.fromisoformat(day), time(12), UTC)
    assert calendar.open_windows(noon - 72 * HOUR, noon + 72 * HOUR) == [(at(opens), at(closes))]


def test_day_that_never_was_is_closed() -> None:
    calendar = WorkingTime("Pacific/Apia", ALWAYS | {"fri": [["09:00", "17:00"]]})
    thursday, saturday = at("2011-12-29T12:00-10:00"), at("2011-12-31T12:00+14:00")
    assert calendar.between(thursday, saturday) == 24 * HOUR


def test_windows_around_a_skipped_hour_touch() -> None:
    calendar = WorkingTime("Europe/Berlin", {"sun": [["01:00", "02:00"], ["03:00", "04:00"]]})
    assert calendar.open_windows(at("2026-03-29T00:00Z"), at("2026-03-29T12:00Z")) == [
        (at("2026-03-29T00:00Z"), at("2026-03-29T02:00Z"))
    ]


# Every zone: windows around changes of its offset


class Change(NamedTuple):
    """At `moment` (naive UTC) the zone's offset goes from `before` to `after`."""

    moment: datetime
    before: timedelta
    after: timedelta

    def first_at(self, wall: datetime) -> datetime:
        """Return when the local clock, which runs evenly on both sides of the change, first reads `wall` or more."""
        if wall - self.before < self.moment:
            return (wall - self.before).replace(tzinfo=UTC)
        return max(self.moment, wall - self.after).replace(tzinfo=UTC)


def offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    found = moment.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert found is not None
    return found


@cache
def changes(name: str) -> tuple[Change, ...]:
    """Return the changes between 1990 and 2060 that a look every 30 days shows, to the second."""
    zone, step = ZoneInfo(name), timedelta(days=30)
    found, early, before = [], datetime(1990, 1, 1), offset(zone, datetime(1990, 1, 1))
    while early < datetime(2060, 1, 1):
        after = offset(zone, early + step)
        if after != before:
            low, high = early, early + step
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
            if offset(zone, high) == after:  # else there was more than one
                found.append(Change(high, before, after))
        early, before = early + step, after
    return tuple(found)


def clock(wall: datetime) -> str:
    return f"{wall:%H:%M:%S}"


def test_every_zone_opens_and_closes_rightly_around_its_changes() -> None:
    seen = 0
    for name in ZONES:
        for change in {(found.after > found.before): found for found in changes(name)}.values():
            jump = [change.moment + change.before, change.moment + change.after]
            inside = min(jump) + abs(change.after - change.before) / 2  # a reading that comes twice or never
            for opening, closing in [
                (inside, inside + 5 * HOUR),
                (inside - 5 * HOUR, inside),
                (min(jump) - 3 * HOUR, max(jump) + 3 * HOUR),
                (min(jump) - 11 * HOUR, max(jump) + 9 * HOUR),
            ]:
                if closing - opening > 24 * HOUR:  # around a whole skipped day: more than a window can hold
                    continue
                calendar = WorkingTime(name, {}, overrides={opening.date(): [[clock(opening), clock(closing)]]})
                first, last = change.first_at(opening), change.first_at(closing)
                label = f"{name} {opening} to {closing}"
                expected = [(first, last)] if first < last else []  # all of it skipped
                assert calendar.open_windows(first - 48 * HOUR, last + 48 * HOUR) == expected, label
                assert calendar.between(first - HOUR, last + HOUR) == last - first, label
                seen += 1
    assert seen > 2000


def test_every_zone_open_all_week_is_plain_time() -> None:
    for name in ZONES:
        calendar = WorkingTime(name, ALWAYS)
        around = changes(name)[-1].moment if changes(name) else datetime(2026, 3, 2)
        start, end = (around - 100 * HOUR).replace(tzinfo=UTC), (around + 100.5 * HOUR).replace(tzinfo=UTC)
        assert calendar.open_windows(start, end) == [(start, end)], name
        assert calendar.add(start, end - start) == end, name
        assert calendar.add(end, start - end) == start, name


# Laws

clocks = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
windows = st.lists(st.tuples(clocks, clocks), max_size=3)
amounts = st.one_of(
    st.integers(-200 * 60, 200 * 60).map(lambda minutes: minutes * MINUTE),
    st.timedeltas(timedelta(hours=-200), timedelta(hours=200)),
)


class Case(NamedTuple):
    calendar: WorkingTime
    moments: list[datetime]


@st.composite
def cases(draw: st.DrawFn, moments: int) -> Case:
    """Draw a calendar and moments within ten days of a change of its zone's offset, if it has any."""
    name = draw(st.sampled_from(ZONES))
    change = draw(st.sampled_from(changes(name) or (Change(datetime(2026, 3, 2), timedelta(), timedelta()),)))
    days = st.integers(-10, 10).map(lambda number: change.moment.date() + timedelta(days=number))
    hours = draw(st.dictionaries(st.sampled_from(WEEKDAYS), windows)) | {"wed": [["10:00", "12:00"]]}
    closed = st.builds(lambda day, start, end: {"date": day, "from": start, "to": end}, days, clocks, clocks)
    calendar = WorkingTime(
        name,
        hours,
        draw(st.lists(days, max_size=2)),
        draw(st.dictionaries(days, windows, max_size=3)),
        draw(st.lists(closed, max_size=2)),
    )
    near = st.one_of(
        st.integers(-14_400, 14_400).map(lambda minute: minute * MINUTE),
        st.timedeltas(timedelta(days=-10), timedelta(days=10)),
    ).map(lambda apart: (change.moment + apart).replace(tzinfo=UTC))
    return Case(calendar, draw(st.lists(near, min_size=moments, max_size=moments)))


laws = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@laws
@given(cases(moments=2), amounts)
def test_adding_and_measuring_are_inverse(case: Case, delta: timedelta) -> None:
    calendar, (start, end) = case
    assert calendar.between(start, calendar.add(start, delta)) == delta
    assert calendar.between(calendar.add(start, calendar.between(start, end)), end) == timedelta()


@laws
@given(cases(moments=2), amounts, amounts)
def test_adding_is_monotonic(case: Case, delta: timedelta, other: timedelta) -> None:
    calendar, (start, end) = case
    less, more = sorted([delta, other])
    assert calendar.add(min(start, end), delta) <= calendar.add(max(start, end), delta)
    assert calendar.add(start, less) <= calendar.add(start, more)
    assert timedelta() <= calendar.between(min(start, end), max(start, end)) <= abs(end - start)


@laws
@given(cases(moments=3), amounts, amounts)
def test_adding_and_measuring_are_additive(case: Case, delta: timedelta, other: timedelta) -> None:
    calendar, (start, middle, end) = case
    assert calendar.between(start, middle) + calendar.between(middle, end) == calendar.between(start, end)
    first, second = abs(delta), abs(other)
    assert calendar.add(calendar.add(start, first), second) == calendar.add(start, first + second)


@laws
@given(cases(moments=2))
def test_open_windows_add_up_and_agree(case: Case) -> None:
    calendar, (one, other) = case
    start, end = sorted([one, other])
    found = calendar.open_windows(start, end)
    assert sum((closing - opening for opening, closing in found), timedelta()) == calendar.between(start, end)
    assert all(calendar.is_open(opening) and calendar.is_open(closing - MICROSECOND) for opening, closing in found)
    assert all(closing < following for (_, closing), (following, _) in pairwise(found))
    assert calendar.is_open(calendar.next_open(start))
    assert (calendar.next_open(start) == start) == calendar.is_open(start)


@laws
@given(cases(moments=6), st.lists(amounts, min_size=6, max_size=6))
def test_vectors_agree_with_single_moments(case: Case, deltas: list[timedelta]) -> None:
    calendar, moments = case
    starts = [moment.timestamp() for moment in moments]
    expected = [calendar.add(moment, delta).timestamp() for moment, delta in zip(moments, deltas, strict=True)]
    assert calendar.add_many(starts, [delta.total_seconds() for delta in deltas]).tolist() == expected
    measured = [calendar.between(moment, moments[0]).total_seconds() for moment in moments]
    assert calendar.between_many(starts, starts[0]).tolist() == measured


# Vectors


def test_vectors_by_hand() -> None:
    calendar = WorkingTime("UTC", OFFICE)
    monday = at("2026-03-02T09:00Z").timestamp()
    # 8 h end on Monday's closing; 8 h and 0.1 s on Tuesday; an hour back on Friday 16:00.
    due = calendar.add_many(np.full(3, monday), [28_800.0, 28_800.1, -3_600.0])
    assert due.tolist() == [monday + 28_800, monday + 86_400.1, monday - 3 * 86_400 + 7 * 3_600]
    assert calendar.between_many(monday, due).tolist() == [28_800.0, 28_800.1, -3_600.0]


def test_a_fraction_of_a_second_does_not_slip_over_a_closing() -> None:
    calendar = WorkingTime("UTC", OFFICE)
    closing = at("2026-03-02T17:00Z").timestamp()
    tenths = np.arange(1, 1000) / 10
    assert calendar.add_many(closing - tenths, tenths).tolist() == [closing] * len(tenths)


def test_vectors_keep_their_shape() -> None:
    calendar = WorkingTime("UTC", OFFICE)
    assert calendar.add_many([], []).tolist() == []
    assert calendar.between_many([], 0.0).tolist() == []
    assert calendar.add_many(np.zeros((2, 3)), 60.0).shape == (2, 3)


# Bad input


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone: 'Europe/Atlantis'"),
        ({"timezone": "Europe"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"hours": None}, "hours"),
        ({"hours": {"monday": []}}, "hours: 'monday'"),
        ({"hours": {"mon": "09:00-17:00"}}, "hours.mon"),
        ({"hours": {"mon": None}}, "hours.mon"),
        ({"hours": {"mon": ["09:00", "17:00"]}}, r"hours.mon\[0\]"),
        ({"hours": {"mon": [["09:00", "12:00"], ["13:00"]]}}, r"hours.mon\[1\]"),
        ({"hours": {"mon": [["9:00", "17:00"]]}}, r"hours.mon\[0\].from: '9:00'"),
        ({"hours": {"mon": [["24:00", "17:00"]]}}, r"hours.mon\[0\].from: '24:00'"),
        ({"hours": {"mon": [["09:00", "24:01"]]}}, r"hours.mon\[0\].to: '24:01'"),
        ({"hours": {"mon": [["09:60", "17:00"]]}}, r"hours.mon\[0\].from"),
        ({"hours": {"mon": [["09:00", 17]]}}, r"hours.mon\[0\].to: 17"),
        ({"holidays": "2026-05-01"}, "holidays"),
        ({"holidays": ["1 May"]}, "holidays: '1 May'"),
        ({"holidays": [datetime(2026, 5, 1)]}, "holidays"),
        ({"overrides": [["09:00", "17:00"]]}, "overrides"),
        ({"overrides": {"2026-02-30": []}}, "overrides: '2026-02-30'"),
        ({"overrides": {"2026-05-01": [["x", "17:00"]]}}, r"overrides.2026-05-01\[0\].from: 'x'"),
        ({"breaks": [{"date": "2026-05-01", "from": "09:00"}]}, r"breaks\[0\]"),
        ({"breaks": [{"date": "soon", "from": "09:00", "to": "10:00"}]}, r"breaks\[0\].date: 'soon'"),
        ({"breaks": [{"date": "2026-05-01", "from": "9", "to": "10:00"}]}, r"breaks\[0\].from: '9'"),
    ],
)
def test_bad_calendar_is_refused_by_field(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}"):
        WorkingTime(**({"timezone": "UTC", "hours": OFFICE} | arguments))


def test_naive_moments_are_refused_by_name() -> None:
    calendar, naive, aware = WorkingTime("UTC", OFFICE), datetime(2026, 3, 2), at("2026-03-02T00:00Z")
    with pytest.raises(ValueError, match=r"^start: .* no time zone"):
        calendar.add(naive, HOUR)
    with pytest.raises(ValueError, match=r"^start: .* no time zone"):
        calendar.between(naive, aware)
    with pytest.raises(ValueError, match=r"^end: .* no time zone"):
        calendar.between(aware, naive)
    with pytest.raises(ValueError, match=r"^t: .* no time zone"):
        calendar.is_open(naive)
    with pytest.raises(ValueError, match=r"^t: .* no time zone"):
        calendar.next_open(naive)
    with pytest.raises(ValueError, match=r"^end: .* no time zone"):
        calendar.open_windows(aware, naive)


@pytest.mark.parametrize(
    "calendar",
    [
        WorkingTime("UTC", {}),
        WorkingTime("UTC", {"mon": []}),
        WorkingTime("UTC", {}, ["2026-05-01"], {"2026-05-01": [["09:00", "17:00"]]}),
    ],
    ids=["no hours", "empty day", "only window on a holiday"],
)
def test_calendar_that_never_opens_is_an_error_and_measures_nothing(calendar: WorkingTime) -> None:
    start = at("2026-03-02T12:00Z")
    with pytest.raises(ValueError, match=r"^hours: this calendar never opens"):
        calendar.next_open(start)
    with pytest.raises(ValueError, match=r"^hours: this calendar never opens"):
        calendar.add(start, HOUR)
    with pytest.raises(ValueError, match=r"^hours: this calendar never opens"):
        calendar.add(start, -HOUR)
    with pytest.raises(ValueError, match=r"^hours: without weekly hours"):
        _ = calendar.working_day
    assert not calendar.is_open(start)
    assert calendar.between(start, start + 1000 * HOUR) == timedelta()


def test_calendar_that_has_closed_for_good_says_so() -> None:
    calendar = WorkingTime("UTC", {}, overrides={"2026-03-02": [["09:00", "17:00"]]})
    assert calendar.add(at("2026-03-01T00:00Z"), 8 * HOUR) == at("2026-03-02T17:00Z")
    with pytest.raises(ValueError, match=r"^hours: .* not open long enough after"):
        calendar.add(at("2026-03-01T00:00Z"), 8 * HOUR + MICROSECOND)
    with pytest.raises(ValueError, match=r"^hours: .* not open long enough before"):
        calendar.add(at("2026-03-03T00:00Z") - 24 * HOUR, -HOUR)


def test_what_lies_out_of_range_is_refused_by_name() -> None:
    calendar = WorkingTime("UTC", OFFICE)
    with pytest.raises(ValueError, match=r"^start: .*1900 to 2200"):
        calendar.add(at("0202-03-02T12:00Z"), HOUR)
    with pytest.raises(ValueError, match=r"^delta: "):
        calendar.add(at("2026-03-02T12:00Z"), timedelta.max)
    with pytest.raises(ValueError, match=r"^starts: "):
        calendar.add_many([math.nan], 1.0)
    with pytest.raises(ValueError, match=r"^seconds: "):
        calendar.add_many([0.0], math.inf)
    with pytest.raises(ValueError, match=r"^ends: "):
        calendar.between_many([0.0], [1e300])
