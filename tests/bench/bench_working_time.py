"""Speed of the working-time arithmetic: a million at once against a bare binary search, and one at a time."""
# ruff: noqa: T201 (what it prints is the result)

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np

from sla.working_time import WEEKDAYS, WorkingTime

HOURS = {day: [["09:00", "12:30"], ["13:30", "17:00"]] for day in WEEKDAYS[:5]}
SPANS = ((1990, 2060), (2024, 2028))
COUNT = 1_000_000


def best(act: Callable[[], object], repeat: int = 5) -> float:
    """Return the shortest of several runs, in milliseconds."""
    took = []
    for _ in range(repeat):
        began = perf_counter()
        act()
        took.append((perf_counter() - began) * 1000)
    return min(took)


def measure(first: int, last: int) -> str:
    """Return the table line for calendars and moments from one year to another."""
    draw = np.random.default_rng(2026)
    since, until = datetime(first, 1, 1, tzinfo=UTC), datetime(last, 1, 1, tzinfo=UTC)
    calendar = WorkingTime("Europe/Berlin", HOURS)
    building = best(lambda: calendar.between(since, until), repeat=1)
    openings = np.array([opening.timestamp() for opening, _ in calendar.open_windows(since, until)])
    starts = draw.uniform(since.timestamp(), until.timestamp(), COUNT)
    seconds = draw.uniform(0, 40 * 3600, COUNT)
    bare = best(lambda: openings.searchsorted(starts))
    adding = best(lambda: calendar.add_many(starts, seconds))
    measuring = best(lambda: calendar.between_many(starts, starts + seconds))
    single = best(lambda: [calendar.add(since, timedelta(hours=5)) for _ in range(1000)])
    return (
        f"| {first}–{last} | {building:.1f} ms | {bare:.0f} ms | {adding:.0f} ms | {adding / bare:.2f} "
        f"| {measuring:.0f} ms | {single:.1f} µs |"
    )


def main() -> None:
    """Print a line for each span of years; the ratio says how many bare searches `add_many` takes."""
    print("| years | first use | searchsorted | add_many | ratio (aim ≤ 3) | between_many | one add |")
    print("|---|---|---|---|---|---|---|")
    for first, last in SPANS:
        print(measure(first, last))


if __name__ == "__main__":
    main()
