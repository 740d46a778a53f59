"""When the steps of a clock's escalation are due: plans of one clock or of a million, and which of them is next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy.typing as npt

from sla.models import Agreement, ClockPause, EscalationStep
from sla.working_time import WorkingTime


@dataclass(frozen=True)
class Plan:
    """When each step is due, soonest first, and the ids of these steps.

    Attributes:
        at: moments, in order.
        steps: id of the step of each moment.
    """

    at: list[datetime]
    steps: list[int]

    def next_after(
        self, due_at: datetime, *, taken: Collection[int] = (), is_breached: bool = False
    ) -> datetime | None:
        """Return the first moment at which something is to be done: a step that is not taken, or the breach.

        Args:
            due_at: of the clock.
            taken: ids of steps that were taken.
            is_breached: the breach was recorded.

        Returns:
            The moment; None when nothing is left to do.
        """
        ahead = [at for at, step in zip(self.at, self.steps, strict=True) if step not in taken]
        return min(ahead if is_breached else [*ahead, due_at], default=None)


def steps_of(agreement: Agreement, *, measure: str, temperature: str) -> list[EscalationStep]:
    """Return the steps of a clock: those that name its measure, and without any those that name none.

    Args:
        agreement: under which the clock runs.
        measure: of the clock.
        temperature: of the clock.
    """
    return chosen(list(agreement.escalation.filter(temperature=temperature)), measure=measure)


def chosen(steps: Sequence[EscalationStep], *, measure: str) -> list[EscalationStep]:
    """Choose among all steps of a temperature those for a measure."""
    named = [step for step in steps if measure in step.measures]
    return named or [step for step in steps if not step.measures]


def offset(step: EscalationStep, budget: timedelta) -> timedelta:
    """Return after how much working time of a clock a step is due."""
    return budget * float(step.share) + timedelta(minutes=step.minutes)


def plan(steps: Sequence[EscalationStep], *, hours: WorkingTime, start: datetime, budget: timedelta) -> Plan:
    """Plan the steps of one clock.

    Args:
        steps: of the clock.
        hours: of its calendar.
        start: when it starts; out of hours it begins to run at the next opening.
        budget: working time that it has.
    """
    return in_order([(hours.add(start, offset(step, budget)), step.pk) for step in steps])


def plan_many(
    steps: Sequence[EscalationStep], *, hours: WorkingTime, starts: npt.ArrayLike, budget: timedelta
) -> list[Plan]:
    """Plan the steps of many clocks with the same budget.

    Args:
        steps: of each of the clocks.
        hours: of their calendar.
        starts: seconds since 1970, one for each clock.
        budget: working time that each has.

    Returns:
        One plan per start, in their order.
    """
    lines = [hours.add_many(starts, offset(step, budget).total_seconds()).tolist() for step in steps]
    ids = [step.pk for step in steps]
    count = len(lines[0]) if lines else len(list(starts))  # type: ignore[arg-type]  # a one-dimensional array
    return [
        in_order([(datetime.fromtimestamp(line[number], UTC), step) for line, step in zip(lines, ids, strict=True)])
        for number in range(count)
    ]


def in_order(moments: Sequence[tuple[datetime, int]]) -> Plan:
    """Put moments of steps into order."""
    found = sorted(moments)
    return Plan([at for at, _step in found], [step for _at, step in found])


# --- with pauses


def moment(start: datetime, amount: timedelta, *, hours: WorkingTime, pauses: Sequence[ClockPause]) -> datetime:
    """Return when a clock has run for an amount of working time.

    Args:
        start: when it started.
        amount: working time without pauses.
        hours: of its calendar.
        pauses: in order of their start; each stands for as many working seconds as it says.
    """
    at = hours.add(start, amount)
    for pause in pauses:
        if at <= pause.starts_at:
            break
        amount += timedelta(seconds=pause.seconds)
        at = hours.add(start, amount)
    return at
