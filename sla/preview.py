"""When something that starts at a moment would be due under an agreement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from leads.models import Temperature
from sla.calendars import budget, current, limit_in_words, working_time
from sla.models import Agreement, TimeLimit


@dataclass(frozen=True)
class Due:
    """One row: a promise, and the due moment for each temperature."""

    label: str
    cells: list[Cell]


@dataclass(frozen=True)
class Cell:
    """One due moment, how much working time led to it and what the buyer waits."""

    temperature: str
    limit: str
    due_at: datetime
    waited: timedelta


def due_times(agreement: Agreement, *, at: datetime) -> list[Due]:
    """Return what would be due when for a lead handed over at a moment.

    Args:
        agreement: whose limits hold.
        at: when the clocks would start.
    """
    limits = TimeLimit.objects.filter(
        target__agreement=agreement, target__commitment__measure__in=("first_follow_up", "decide")
    ).select_related("calendar", "target__commitment")
    rows: dict[str, list[Cell]] = {}
    order = Temperature.values
    for limit in sorted(limits, key=lambda each: (each.target.position, order.index(each.temperature))):
        hours = working_time(current(limit.calendar, now=at))
        due_at = hours.add(at, budget(limit, hours))
        cell = Cell(limit.get_temperature_display(), limit_in_words(limit), due_at, due_at - at)
        rows.setdefault(limit.target.commitment.get_measure_display(), []).append(cell)
    return [Due(label, cells) for label, cells in rows.items()]
