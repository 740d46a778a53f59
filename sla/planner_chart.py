"""The planner's chart: counts by period as bars, with the promised band behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _

from leadsla.display import number
from sla import periods
from sla.models import Agreement
from sla.planner import Range

LINES = 4  # of the grid
STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)


@dataclass(frozen=True)
class Bar:
    """One bar in per cent of the drawing, with what it stands for."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    label: str
    name: str
    value: str


@dataclass(frozen=True)
class Line:
    """A line of the grid, or an end of the band: where it stands, and its figure."""

    y: float
    label: str


@dataclass(frozen=True)
class Bars:
    """A chart of counts by period with the promised band behind them."""

    bars: list[Bar]
    grid: list[Line]
    band: tuple[Line, Line] | None
    band_height: float
    sentence: str


def bars(agreement: Agreement, counts: Sequence[tuple[date, int]], promised: Range | None) -> Bars | None:
    """Lay out what periods brought; None without any.

    Args:
        agreement: says what a period is.
        counts: first day and count of each period, oldest first.
        promised: the band.
    """
    if not counts or promised is None:
        return None
    highest = max([promised.high, *(count for _start, count in counts), 4])
    step = next((step for step in STEPS if highest / step <= LINES), -(-highest // LINES))
    top = -(-highest // step) * step
    slot = 100 / len(counts)
    drawn = [
        Bar(
            x=place * slot + slot * 0.21,
            y=100 - count / top * 100,
            width=slot * 0.58,
            height=count / top * 100,
            middle=place * slot + slot / 2,
            label=_short(agreement, start),
            name=periods.of_day(start, kind=agreement.period, timezone=agreement.timezone).label,
            value=number(count),
        )
        for place, (start, count) in enumerate(counts)
    ]
    words = {
        "periods": len(counts),
        "period": agreement.get_period_display(),
        "range": f"{number(promised.low)}–{number(promised.high)}",
    }
    return Bars(
        bars=drawn,
        grid=[Line(100 - value / top * 100, number(value)) for value in range(0, top + 1, step)],
        band=(
            Line(100 - promised.high / top * 100, number(promised.high)),
            Line(100 - promised.low / top * 100, number(promised.low)),
        ),
        band_height=(promised.high - promised.low) / top * 100,
        sentence=_("Qualified leads of %(periods)d periods, each a %(period)s; the middle half between %(range)s.")
        % words,
    )


def _short(agreement: Agreement, start: date) -> str:
    if agreement.period == Agreement.Period.QUARTER:
        return f"Q{(start.month + 2) // 3}"
    return format_date(start, "M")[:1]
