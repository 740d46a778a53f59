"""What to promise: quartiles of the past, the leads that a sales goal needs, a change in money. Knows no database."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

MOST_PERIODS = 12
WANTED_PERIODS = 6
SIXTY = Decimal(60)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of some figures lies, between two of them in proportion.

    Args:
        values: at least one; in any order.
        share: from 0 to 1; 0.25 is the first quartile.

    Returns:
        With n sorted values, the one at place 1 + (n - 1) x share; between two places it is interpolated.

    Raises:
        ValueError: without values.

    Source: definition 7 of Hyndman, R. J. and Fan, Y. (1996), Sample quantiles in statistical packages, The American
    Statistician 50(4); what spreadsheets call QUARTILE.INC.
    """
    if not values:
        raise ValueError("values: a quantile needs at least one.")
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def median(values: Sequence[float]) -> float | None:
    """Return the value in the middle; None without values."""
    return quantile(values, 0.5) if values else None


@dataclass(frozen=True)
class Range:
    """What a period usually brings: the middle half of the past.

    Attributes:
        low: first quartile rounded down; what can be promised.
        high: third quartile rounded up; what the other side has to be able to take.
        first_quartile, third_quartile: as computed.
        periods: how many periods it rests on.
    """

    low: int
    high: int
    first_quartile: float
    third_quartile: float
    periods: int

    @property
    def middle(self) -> float:
        """Return the middle of the range, with which a goal is compared."""
        return (self.low + self.high) / 2

    @property
    def is_short(self) -> bool:
        """Tell whether it rests on fewer periods than it should."""
        return self.periods < WANTED_PERIODS


def range_of(counts: Sequence[int]) -> Range | None:
    """Return the middle half of what the last periods brought.

    Args:
        counts: of whole periods, oldest first; of more than twelve the last twelve count.

    Returns:
        First to third quartile (see `quantile`); None without periods. Rounded outward: a promise is not raised by
        rounding, and a capacity not lowered.
    """
    last = list(counts)[-MOST_PERIODS:]
    if not last:
        return None
    first, third = quantile(last, 0.25), quantile(last, 0.75)
    return Range(math.floor(first), math.ceil(third), first, third, len(last))


# --- from the sales goal


@dataclass(frozen=True)
class Funnel:
    """The way back from a revenue goal to leads, for one period.

    Attributes:
        revenue: marketing's part of the goal.
        customers: needed for it.
        leads: needed for these customers; None where no lead becomes a customer, or nobody knows.
    """

    revenue: Decimal
    customers: Decimal
    leads: Decimal | None

    @property
    def whole_leads(self) -> int | None:
        """Return the leads needed, rounded up: a lead is whole."""
        if self.leads is None:
            return None
        # A rate that no decimal writes exactly must not cost a lead.
        return int(self.leads.quantize(Decimal("0.000001")).to_integral_value(ROUND_CEILING))


def reverse_funnel(
    *, goal: Decimal | None, share: Decimal, average_deal: Decimal | None, rate: Decimal | None
) -> Funnel | None:
    """Return the customers and leads that a goal needs.

    Args:
        goal: new revenue of a period.
        share: of it from marketing's leads, from 0 to 1.
        average_deal: revenue of one customer, in the currency of the goal.
        rate: leads that become customers within the agreed days, from 0 to 1.

    Returns:
        goal x share / average deal = customers; / rate = leads. None where the goal or the deal is not known.
    """
    if goal is None or not average_deal:
        return None
    revenue = goal * share
    customers = revenue / average_deal
    return Funnel(revenue, customers, customers / rate if rate else None)


def needed_rate(customers: Decimal, leads: float) -> float | None:
    """Return the share of some leads that must become customers; None without leads."""
    return float(customers) / leads if leads else None


# --- in money and in the goal


@dataclass(frozen=True)
class Money:
    """What a change brings or costs over the time that was looked at.

    Attributes:
        customers: won (positive) or lost (negative).
        revenue: theirs.
        hours: of sales, saved (positive) or spent more (negative).
        cost: theirs.
    """

    customers: int
    revenue: Decimal
    hours: Decimal
    cost: Decimal

    @property
    def balance(self) -> Decimal:
        """Return revenue and saved cost together."""
        return self.revenue + self.cost


def money(*, customers: int, average_deal: Decimal, hours: Decimal, hourly_cost: Decimal) -> Money:
    """Weigh customers won or lost against hours saved or spent.

    Args:
        customers: after less before.
        average_deal: revenue of one.
        hours: of sales, before less after.
        hourly_cost: of one hour.
    """
    return Money(customers, customers * average_deal, hours, hours * hourly_cost)


def hours(*, rejected: int, worked: int, minutes_per_rejected: int, minutes_per_accepted: int) -> Decimal:
    """Return the hours that sales spends on some leads, rejected and accepted ones."""
    return (Decimal(rejected * minutes_per_rejected) + Decimal(worked * minutes_per_accepted)) / SIXTY


@dataclass(frozen=True)
class Goal:
    """Customers that a year needs, and what a year would bring."""

    needed: Decimal
    gives: float

    @property
    def gap(self) -> float:
        """Return what it gives beyond what is needed; negative when it falls short."""
        return self.gives - float(self.needed)

    @property
    def is_reached(self) -> bool:
        """Tell whether it gives what is needed, to the whole customer as people say it."""
        return round(self.gives) >= round(self.needed)


def goal_of_year(
    customers_a_period: Decimal, *, periods_a_year: int, sent: int, periods: float, rate: float | None
) -> Goal | None:
    """Compare the customers that a year needs with those that a year of such periods gives.

    Args:
        customers_a_period: needed, as of `reverse_funnel`.
        periods_a_year: 12 months or 4 quarters.
        sent: leads sent in the time that was looked at.
        periods: how many periods that time has.
        rate: of these leads that become customers.

    Returns:
        None where nobody knows how many become customers, or no time was looked at.
    """
    if rate is None or not periods:
        return None
    return Goal(customers_a_period * periods_a_year, sent / periods * periods_a_year * rate)
