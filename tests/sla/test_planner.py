"""Quartiles, the way back from a goal, and money: each figure by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla import planner


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], 0.25, 2.25),  # place 1 + 5 x 0.25 = 2.25: a quarter of the way from 2 to 3
        ([1, 2, 3, 4, 5, 6], 0.75, 4.75),
        ([6, 1, 5, 2, 4, 3], 0.5, 3.5),
        ([10, 20, 30], 0.25, 15),
        ([7], 0.25, 7),
        ([3, 1], 0, 1),
        ([3, 1], 1, 3),
    ],
)
def test_quantile_lies_between_two_figures_in_proportion(values: list[float], share: float, expected: float) -> None:
    assert planner.quantile(values, share) == pytest.approx(expected)


def test_quantile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="values"):
        planner.quantile([], 0.5)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40), st.floats(0, 1), st.floats(0, 1))
def test_quantiles_are_in_order_and_within_the_figures(values: list[int], one: float, other: float) -> None:
    low, high = (planner.quantile(values, share) for share in sorted((one, other)))
    assert min(values) <= low <= high + 1e-9
    assert high <= max(values) + 1e-9


def test_range_is_the_middle_half_rounded_outward() -> None:
    # Sorted 87 96 99 101 103 110: places 2.25 and 4.75: 96 + 3/4 = 96.75 and 101 + 3/4 x 2 = 102.5.
    found = planner.range_of([99, 87, 103, 96, 110, 101])
    assert found == planner.Range(96, 103, 96.75, 102.5, 6)
    assert found.middle == 99.5
    assert not found.is_short


def test_range_looks_at_the_last_twelve_periods() -> None:
    found = planner.range_of([1000, *([50] * 12)])
    assert (found.low, found.high, found.periods) == (50, 50, 12) if found else pytest.fail("no range")


def test_range_of_few_periods_says_so() -> None:
    found = planner.range_of([40, 60])
    assert found is not None
    assert (found.low, found.high) == (45, 55)
    assert found.is_short
    assert planner.range_of([]) is None


def test_goal_leads_back_to_customers_and_leads() -> None:
    # 216,000 a month / 48,000 a deal = 4.5 customers; / 4.7 % = 95.7 leads.
    found = planner.reverse_funnel(
        goal=Decimal(216_000), share=Decimal(1), average_deal=Decimal(48_000), rate=Decimal("0.047")
    )
    assert found is not None
    assert found.customers == Decimal("4.5")
    assert found.whole_leads == 96
    assert planner.needed_rate(found.customers, 95) == pytest.approx(0.0473684)


def test_marketing_owes_its_share_of_the_goal_only() -> None:
    found = planner.reverse_funnel(
        goal=Decimal(300_000), share=Decimal("0.4"), average_deal=Decimal(20_000), rate=Decimal("0.05")
    )
    assert found is not None
    assert (found.revenue, found.customers, found.whole_leads) == (Decimal(120_000), Decimal(6), 120)


@pytest.mark.parametrize(
    ("goal", "deal"), [(None, Decimal(10)), (Decimal(10), None), (Decimal(10), Decimal(0))], ids=str
)
def test_without_goal_or_deal_there_is_no_way_back(goal: Decimal | None, deal: Decimal | None) -> None:
    assert planner.reverse_funnel(goal=goal, share=Decimal(1), average_deal=deal, rate=Decimal("0.1")) is None


@pytest.mark.parametrize("rate", [None, Decimal(0)])
def test_where_no_lead_becomes_a_customer_no_number_of_leads_is_enough(rate: Decimal | None) -> None:
    found = planner.reverse_funnel(goal=Decimal(100), share=Decimal(1), average_deal=Decimal(10), rate=rate)
    assert found is not None
    assert (found.customers, found.leads, found.whole_leads) == (Decimal(10), None, None)


def test_money_weighs_customers_against_hours() -> None:
    # 6 customers lost x 48,000 against 225 hours x 60.
    found = planner.money(customers=-6, average_deal=Decimal(48_000), hours=Decimal(225), hourly_cost=Decimal(60))
    assert (found.revenue, found.cost, found.balance) == (Decimal(-288_000), Decimal(13_500), Decimal(-274_500))


def test_hours_of_rejected_and_accepted_leads() -> None:
    # 10 x 45 min + 4 x 120 min = 930 min.
    assert planner.hours(rejected=10, worked=4, minutes_per_rejected=45, minutes_per_accepted=120) == Decimal("15.5")


def test_a_year_needs_and_gives() -> None:
    # 4.5 a month: 54 a year; 1,106 leads in 12 months x 52/1106.
    found = planner.goal_of_year(Decimal("4.5"), periods_a_year=12, sent=1106, periods=12, rate=52 / 1106)
    assert found is not None
    assert (found.needed, round(found.gives), round(found.gap), found.is_reached) == (Decimal(54), 52, -2, False)


def test_two_quarters_are_half_a_year() -> None:
    found = planner.goal_of_year(Decimal(10), periods_a_year=4, sent=300, periods=2, rate=0.1)
    assert found is not None
    assert (found.needed, found.gives, found.is_reached) == (Decimal(40), pytest.approx(60), True)


def test_without_a_rate_nobody_says_what_a_year_gives() -> None:
    assert planner.goal_of_year(Decimal(1), periods_a_year=12, sent=5, periods=1, rate=None) is None
