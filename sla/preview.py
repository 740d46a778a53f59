"""When something that starts at a moment would be due under an agreement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from leads.models import Temperature
from sla.calendars import budget, current, limit_in_words, working_time
from sla.models import Agreement, Calendar, CalendarVersion, TimeLimit


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
    rows: dict[str, list[Cell]] = {}
    for limit in _in_order(_limits(agreement)):
        hours = working_time(current(limit.calendar, now=at))
        due_at = hours.add(at, budget(limit, hours))
        cell = Cell(limit.get_temperature_display(), limit_in_words(limit), due_at, due_at - at)
        rows.setdefault(limit.target.commitment.get_measure_display(), []).append(cell)
    return [Due(label, cells) for label, cells in rows.items()]


@dataclass(frozen=True)
class Moved:
    """One promise at one temperature under hours that are being edited, and under those that hold."""

    label: str
    temperature: str
    limit: str
    due_at: datetime
    was: datetime | None  # None where nothing holds yet


def due_if(agreement: Agreement, hours: CalendarVersion, *, calendar: Calendar | None, at: datetime) -> list[Moved]:
    """Return what would be due when if a calendar had other hours.

    Args:
        agreement: whose limits hold.
        hours: a version that need not be saved.
        calendar: which has them; of None, and of one that no limit names, all limits are shown as if they ran by it.
        at: when the clocks would start.
    """
    limits = _limits(agreement)
    own = limits.filter(calendar=calendar) if calendar is not None else limits.none()
    edited = working_time(hours)
    before = working_time(current(calendar, now=at)) if calendar is not None and own else None
    return [
        Moved(
            label=limit.target.commitment.get_measure_display(),
            temperature=limit.get_temperature_display(),
            limit=limit_in_words(limit),
            due_at=edited.add(at, budget(limit, edited)),
            was=before.add(at, budget(limit, before)) if before else None,
        )
        for limit in _in_order(own or limits)
    ]


def _limits(agreement: Agreement) -> QuerySet[TimeLimit]:
    return TimeLimit.objects.filter(
        target__agreement=agreement, target__commitment__measure__in=("first_follow_up", "decide")
    ).select_related("calendar", "target__commitment")


def _in_order(limits: QuerySet[TimeLimit]) -> list[TimeLimit]:
    order = Temperature.values
    return sorted(limits, key=lambda each: (each.target.position, order.index(each.temperature)))
