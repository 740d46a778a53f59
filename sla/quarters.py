"""Roll months with too few cases into their quarter, and judge that. Reads what compliance wrote; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sla import measures, periods
from sla.judgement import Figures, judge_rate
from sla.measures import MEASURES
from sla.models import Agreement, Compliance, ComplianceStatus
from sla.periods import Period
from sla.statistics import Beta

_UNKNOWN = Beta(0.5, 0.5)


@dataclass(frozen=True)
class Quarter:
    """One promise over the months of a quarter.

    Attributes:
        period: the quarter.
        kept, cases, open_cases, waived: of its months together.
        value: kept ÷ cases; None without cases.
        low, high: 95 % Wilson interval.
        status: how it stands in the same words; too few to say when a quarter, too, has too few.
    """

    period: Period
    kept: int
    cases: int
    open_cases: int
    waived: int
    value: float | None
    low: float | None
    high: float | None
    status: ComplianceStatus


def rolls(row: Compliance, agreement: Agreement) -> bool:
    """Tell whether a figure rolls into the quarter: a month's rate with too few cases; not one of twelve months."""
    is_rate = not MEASURES[row.commitment.measure].is_count
    return (
        row.status == ComplianceStatus.TOO_FEW
        and agreement.period == Agreement.Period.MONTH
        and is_rate
        and MEASURES[row.commitment.measure].settles != "customer"
    )


def of_rows(rows: Sequence[Compliance], agreement: Agreement, *, now: datetime) -> dict[int, Quarter]:
    """Return the quarter of each promise that has too few cases in a month.

    Args:
        rows: of one agreement and month.
        agreement: theirs; all its versions count together.
        now: the moment.

    Returns:
        Quarter by commitment id; promises that can be judged by themselves are missing.
    """
    few = {row.commitment_id: row for row in rows if rolls(row, agreement)}
    if not few:
        return {}
    start = next(iter(few.values())).period_start
    quarter = periods.of_day(start, kind="quarter", timezone=agreement.timezone)
    months = Compliance.objects.filter(
        agreement__series=agreement.series,
        commitment__in=few,
        period_start__gte=quarter.start,
        period_start__lt=quarter.end,
        period_end__lte=quarter.end,
    )
    found: dict[int, list[Compliance]] = {}
    for month in months:
        found.setdefault(month.commitment_id, []).append(month)
    return {
        commitment: _together(row, found.get(commitment, [row]), quarter, now=now) for commitment, row in few.items()
    }


def _together(row: Compliance, months: Sequence[Compliance], quarter: Period, *, now: datetime) -> Quarter:
    kept, cases = sum(month.kept for month in months), sum(month.cases for month in months)
    still_open = sum(month.open_cases for month in months)
    # Where open cases are among the cases already, they are not added again.
    undecided = still_open if measures.MEASURES[row.commitment.measure].counts_open else 0
    judged = judge_rate(
        Figures(kept=kept, cases=cases - undecided, open_cases=still_open),
        at_least=float(row.at_least),
        prior=_UNKNOWN,
        is_over=now >= quarter.ends_at,
    )
    waived = sum(month.waived for month in months)
    return Quarter(quarter, kept, cases, still_open, waived, judged.value, judged.low, judged.high, judged.status)
