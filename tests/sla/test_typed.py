"""Times and rates as people type them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sla import typed
from sla.typed import Time


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("90", 90),
        ("90 min", 90),
        ("5min", 5),
        ("5 minutes", 5),
        ("1 h", 60),
        ("1 h 30", 90),
        ("1 h 30 min", 90),
        ("1h30m", 90),
        ("2 hours and 5 minutes", 125),
        ("1.5 h", 90),
        ("1,5 h", 90),
        ("1:30", 90),
        ("  4  H ", 240),
        ("0", 0),
    ],
)
def test_minutes_and_hours(text, minutes) -> None:
    assert typed.time(text) == Time(minutes=minutes)


@pytest.mark.parametrize(
    ("text", "days"), [("2 days", 2), ("1 day", 1), ("2 working days", 2), ("3 d", 3), ("1 Working Day", 1)]
)
def test_working_days(text, days) -> None:
    assert typed.time(text) == Time(working_days=days)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "5 min, 1 h 30 or 2 working days"),
        ("soon", "5 min, 1 h 30 or 2 working days"),
        ("-5", "5 min, 1 h 30 or 2 working days"),
        ("1 week", "5 min, 1 h 30 or 2 working days"),
        ("1 day 2 h", "not both"),
        ("0.33 h", "whole minutes"),
        ("9" * 30, "too long"),
    ],
)
def test_what_is_no_time_is_said(text, words) -> None:
    with pytest.raises(ValueError, match=words):
        typed.time(text)


def test_minutes_take_no_days() -> None:
    assert typed.minutes("") == 0
    assert typed.minutes("4 h") == 240
    with pytest.raises(ValueError, match="hours and minutes"):
        typed.minutes("1 day")


@pytest.mark.parametrize(("value", "text"), [(0, ""), (5, "5 min"), (240, "4 h"), (90, "1 h 30 min")])
def test_minutes_are_written_as_they_are_read(value, text) -> None:
    assert typed.minutes_written(value) == text
    assert typed.minutes(text) == value


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("9 in 10", "0.9"),
        ("9 times in 10", "0.9"),
        ("19/20", "0.95"),
        ("19 out of 20", "0.95"),
        ("90 %", "0.9"),
        ("90", "0.9"),
        ("62.5 %", "0.625"),
        ("62,5\u202f%", "0.625"),
        ("0.5 %", "0.005"),
        ("0", "0"),
        ("1 %", "0.01"),
        ("always", "1"),
        ("110 %", "1.1"),
        ("-5 %", "-0.05"),
        ("2 in 3", "0.6667"),
    ],
)
def test_rates(text, share) -> None:
    assert typed.rate(text) == Decimal(share)


@pytest.mark.parametrize("text", ["", "often", "0.9", "1", "9 in 0", "% 90", "9" * 30])
def test_what_is_no_rate_is_said(text) -> None:
    with pytest.raises(ValueError, match="9 in 10"):
        typed.rate(text)


@pytest.mark.parametrize(
    ("share", "in_times", "text"),
    [
        ("0.9", True, "9 in 10"),
        ("0.95", True, "19 in 20"),
        ("1", True, "every time"),
        ("0.625", True, "62.5 %"),
        ("0.5", False, "50 %"),
        ("0.025", False, "2.5 %"),
        ("1", False, "100 %"),
    ],
)
def test_rates_are_written_as_they_are_read(share, in_times, text) -> None:
    assert typed.rate_written(Decimal(share), in_times=in_times) == text
    assert typed.rate(text) == Decimal(share)


@pytest.mark.parametrize(("text", "value"), [("120", "120"), ("1,200", "1200"), ("99.5", "99.5"), ("99,5", "99.5")])
def test_figures(text, value) -> None:
    assert typed.figure(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "many", "nan", "inf", "1e400", "9" * 20])
def test_what_is_no_figure_is_said(text) -> None:
    with pytest.raises(ValueError, match="Give a number"):
        typed.figure(text)
