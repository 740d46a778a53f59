"""What the past gave: each promise by period, average deal, days to close, leads that became customers; with cases."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from sla import periods, planner
from sla.measures import MEASURES
from sla.models import Agreement, Assumptions, Commitment, Compliance

Measure = Commitment.Measure
A_YEAR = timedelta(days=365)

_CLOSED = """
    SELECT count(*) FILTER (WHERE revenue IS NOT NULL AND currency = %(currency)s),
           avg(revenue) FILTER (WHERE revenue IS NOT NULL AND currency = %(currency)s),
           count(*),
           count(*) FILTER (WHERE won_at >= handed_over_at AND origin = 'live'),
           percentile_cont(0.75) WITHIN GROUP (ORDER BY extract(epoch FROM won_at - handed_over_at) / 86400.0)
               FILTER (WHERE won_at >= handed_over_at AND origin = 'live')
    FROM sla_handoff
    WHERE won_at <= %(now)s AND won_at > %(since)s AND leg = 1 AND NOT is_notice
        AND (agreement_id IN (SELECT id FROM sla_agreement WHERE series = %(series)s::uuid)
             OR (agreement_id IS NULL AND origin = 'import'))"""

_CUSTOMERS = """
    SELECT count(*), count(*) FILTER (WHERE won_at <= handed_over_at + make_interval(days => %(days)s))
    FROM sla_handoff
    WHERE agreement_id IN (SELECT id FROM sla_agreement WHERE series = %(series)s::uuid)
        AND handed_over_at >= %(since)s AND handed_over_at + make_interval(days => %(days)s) < %(now)s
        AND origin = 'live' AND NOT is_notice AND leg = 1 AND door <> '' AND override_by_id IS NULL
        AND NOT (closed_because IN ('withdrawn', 'merged') AND decision = '' AND closed_at <= %(now)s)"""


@dataclass(frozen=True)
class Figure:
    """What one period gave under one promise.

    Attributes:
        start: first day of the period.
        kept: cases that kept it; of a count, how many.
        cases: all of them.
        value: the count, or kept / cases; None without cases.
        is_ripe: every case had its time.
    """

    start: date
    kept: int
    cases: int
    value: float | None
    is_ripe: bool


@dataclass(frozen=True)
class Series:
    """What the last whole periods gave under one promise, oldest first."""

    measure: str
    side: str
    label: str
    figures: tuple[Figure, ...]

    @property
    def values(self) -> list[float]:
        """Return the values of the periods that can be judged."""
        return [figure.value for figure in self.figures if figure.value is not None and figure.is_ripe]

    @property
    def cases(self) -> int:
        """Return the cases of the periods that can be judged."""
        return sum(figure.cases for figure in self.figures if figure.is_ripe)

    @property
    def is_count(self) -> bool:
        """Tell whether it is a number, not a share."""
        return MEASURES[self.measure].is_count

    @property
    def quartiles(self) -> tuple[float, float, float] | None:
        """Return first quartile, median and third quartile over the periods; None without any."""
        if not self.values:
            return None
        first, middle, third = (planner.quantile(self.values, share) for share in (0.25, 0.5, 0.75))
        return first, middle, third

    @property
    def range(self) -> planner.Range | None:
        """Return the range to promise; of a count only."""
        return planner.range_of([round(value) for value in self.values]) if self.is_count else None


def by_measure(agreement: Agreement, *, now: datetime, most: int = planner.MOST_PERIODS) -> dict[str, Series]:
    """Return what the last whole periods gave, from the same figures as the scoreboard.

    All versions of an agreement are one: two that were judged in the same period count together.

    Args:
        agreement: any version of it.
        now: periods that are not over by then are left out.
        most: at most so many periods.

    Returns:
        By measure, in the order of the contract; measures without a figure are left out.
    """
    rows = Compliance.objects.filter(
        agreement__series=agreement.series,
        period_end__lte=_today(agreement, now=now),
        period_start__gte=_first_start(agreement, now=now, most=most),
    )
    found: defaultdict[tuple[str, str], dict[date, list[int]]] = defaultdict(dict)
    unripe: set[tuple[str, date]] = set()
    today = _today(agreement, now=now)
    for measure, side, start, kept, cases, counts_from in rows.values_list(
        "commitment__measure", "commitment__side", "period_start", "kept", "cases", "counts_from"
    ):
        before = found[measure, side].get(start, [0, 0])
        found[measure, side][start] = [before[0] + kept, before[1] + cases]
        if counts_from is not None and counts_from > today:
            unripe.add((measure, start))
    order = {code: place for place, code in enumerate(MEASURES)}
    return {
        measure: Series(
            measure,
            side,
            str(Measure(measure).label),
            tuple(
                _figure(measure, start, kept, cases, is_ripe=(measure, start) not in unripe)
                for start, (kept, cases) in sorted(known.items())
            ),
        )
        for (measure, side), known in sorted(found.items(), key=lambda item: order[item[0][0]])
    }


def _figure(measure: str, start: date, kept: int, cases: int, *, is_ripe: bool) -> Figure:
    value = float(kept) if MEASURES[measure].is_count else (kept / cases if cases else None)
    return Figure(start, kept, cases, value, is_ripe)


def _today(agreement: Agreement, *, now: datetime) -> date:
    return periods.containing(now, kind=agreement.period, timezone=agreement.timezone).start


def _first_start(agreement: Agreement, *, now: datetime, most: int) -> date:
    return periods.back(periods.containing(now, kind=agreement.period, timezone=agreement.timezone), most).start


# --- what plans start from


@dataclass(frozen=True)
class Input:
    """One figure that a plan starts from.

    Attributes:
        value: what counts: what somebody typed, else own history; None where neither is known.
        own: from own history.
        cases: that the own figure rests on.
        is_typed: somebody typed another figure.
    """

    value: Decimal | None
    own: Decimal | None
    cases: int
    is_typed: bool


@dataclass(frozen=True)
class Basis:
    """What a plan starts from.

    Attributes:
        assumed: what somebody typed.
        average_deal: in the currency of the assumptions; `left_out` won ones have another one, or no revenue.
        customer_days: days from the handover in which 3 in 4 of those who became customers did.
        customer_rate: leads that became customers within these days.
    """

    assumed: Assumptions
    average_deal: Input
    left_out: int
    customer_days: Input
    customer_rate: Input

    @property
    def days(self) -> int:
        """Return the days in which a lead counts as having become a customer."""
        return int(self.customer_days.value or 0)


def basis(agreement: Agreement, *, assumed: Assumptions, now: datetime) -> Basis:
    """Return what a plan for an agreement starts from; typed figures count before own ones.

    Deals are those won in the last twelve months from handoffs of any version, and from an imported past. Days to close
    are the third quartile, from the handover to won, rounded up; without any, the days that the agreement names. The
    rate is of the leads handed over in the twelve months before these days, so that all had them.

    Args:
        agreement: any version of it.
        assumed: what was typed.
        now: what is known by then.
    """
    values: dict[str, Any] = {
        "currency": assumed.currency,
        "series": str(agreement.series),
        "now": now,
        "since": now - A_YEAR,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLOSED, values)
        priced, deal, won, timed, days = cursor.fetchone()
        own_days = Decimal(math.ceil(days)) if days is not None else None
        within = assumed.customer_days or max(1, int(own_days if own_days is not None else agreement.customer_days))
        cursor.execute(_CUSTOMERS, values | {"days": within, "since": now - A_YEAR - timedelta(days=within)})
        sent, customers = cursor.fetchone()
    own_deal = Decimal(deal).quantize(Decimal("0.01")) if deal is not None else None
    own_rate = Decimal(customers) / Decimal(sent) if sent else None
    return Basis(
        assumed=assumed,
        average_deal=_input(assumed.average_deal, own_deal, priced),
        left_out=won - priced,
        customer_days=Input(Decimal(within), own_days, timed, assumed.customer_days is not None),
        customer_rate=_input(assumed.customer_rate, own_rate, sent),
    )


def _input(typed: Decimal | None, own: Decimal | None, cases: int) -> Input:
    return Input(own if typed is None else typed, own, cases, typed is not None)
