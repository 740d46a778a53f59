"""The clock: real, fixed and shifted."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from pytest_django import Settings

from leadsla import clock


def test_is_the_real_time_when_nothing_is_set(settings: Settings) -> None:
    settings.LEADSLA_NOW = ""
    before = timezone.now()
    assert before <= clock.now() <= timezone.now()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2026-03-03T09:00:00Z", datetime(2026, 3, 3, 9, tzinfo=UTC)),
        ("2026-03-03T09:00:00+02:00", datetime(2026, 3, 3, 7, tzinfo=UTC)),
        # Without an offset in the portal's zone: Berlin is one hour ahead in winter and two in summer.
        ("2026-03-03T09:00", datetime(2026, 3, 3, 8, tzinfo=UTC)),
        ("2026-07-03 09:00", datetime(2026, 7, 3, 7, tzinfo=UTC)),
        ("2026-03-03", datetime(2026, 3, 2, 23, tzinfo=UTC)),
    ],
)
def test_a_moment_fixes_the_clock(settings: Settings, told: str, expected: datetime) -> None:
    settings.LEADSLA_NOW = told
    settings.TIME_ZONE = "Europe/Berlin"
    assert clock.now() == expected
    assert clock.now() == expected


@pytest.mark.parametrize(
    ("told", "shift"),
    [
        ("+2d4h", timedelta(days=2, hours=4)),
        ("-90m", timedelta(minutes=-90)),
        ("+1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_a_shift_moves_the_clock_and_lets_it_run(settings: Settings, told: str, shift: timedelta) -> None:
    settings.LEADSLA_NOW = told
    before = timezone.now()
    assert before + shift <= clock.now() <= timezone.now() + shift


@pytest.mark.parametrize("told", ["tomorrow", "+", "+d", "2026-13-01", "+2x", "9:00"])
def test_nonsense_is_refused_with_an_example(settings: Settings, told: str) -> None:
    settings.LEADSLA_NOW = told
    with pytest.raises(ImproperlyConfigured, match=r"LEADSLA_NOW.*2026-03-03T09:00"):
        clock.now()
