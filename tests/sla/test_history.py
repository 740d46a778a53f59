"""What plans start from: own history with its cases, as the scoreboard counts it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sla import assumptions, compliance, history
from sla.history import Basis
from sla.models import Agreement, Assumptions, Handoff
from tests.sla.contract_facts import Contract, at, make_contract
from tests.sla.planner_facts import NOW, twelve


@pytest.fixture
def contract(db: None) -> Contract:
    made = make_contract()
    twelve(made)
    return made


def basis(contract: Contract) -> Basis:
    return history.basis(contract.agreement, assumed=assumptions.current(), now=NOW)


def test_figures_come_with_their_cases(contract: Contract) -> None:
    found = basis(contract)
    assert (found.average_deal.value, found.average_deal.cases, found.left_out) == (Decimal(10_000), 5, 0)
    # Days to close: 7.125 15.125 18.125 19.125 45.125; the third quartile is the fourth, rounded up.
    assert (found.days, found.customer_days.cases) == (20, 5)
    # Of the 10 handed over before 26 March four became customers within 20 days: 1 6 7 10.
    assert (found.customer_rate.value, found.customer_rate.cases) == (Decimal("0.4"), 10)
    assert not any(each.is_typed for each in (found.average_deal, found.customer_days, found.customer_rate))


def test_deals_in_another_currency_or_without_an_amount_are_left_out(contract: Contract) -> None:
    won = Handoff.objects.filter(won_at__isnull=False).order_by("handed_over_at")
    Handoff.objects.filter(pk=won[0].pk).update(currency="USD", revenue=99_000)
    Handoff.objects.filter(pk=won[1].pk).update(revenue=None, currency="")
    Handoff.objects.filter(pk=won[2].pk).update(revenue=40_000)
    found = basis(contract)
    assert (found.average_deal.value, found.average_deal.cases, found.left_out) == (Decimal(20_000), 3, 2)


def test_an_imported_past_tells_what_a_deal_is_worth(contract: Contract) -> None:
    Handoff.objects.filter(won_at__isnull=False).update(
        origin="import", agreement=None, handed_over_at=None, revenue=7_000
    )
    found = basis(contract)
    assert (found.average_deal.value, found.average_deal.cases) == (Decimal(7_000), 5)
    # It does not know when it was handed over: the agreement names the days.
    assert (found.customer_days.own, found.days) == (None, contract.agreement.customer_days)


def test_deals_of_more_than_a_year_ago_do_not_count(contract: Contract) -> None:
    found = history.basis(contract.agreement, assumed=assumptions.current(), now=at("2027-03-01 08:00"))
    assert found.average_deal.cases == 2  # won on 10 and 20 March


def test_a_typed_figure_counts_before_the_own_one(contract: Contract) -> None:
    assumptions.assume(customer_days=60, average_deal=Decimal(15_000))
    found = basis(contract)
    assert (found.average_deal.value, found.average_deal.own) == (Decimal(15_000), Decimal(10_000))
    assert (found.days, found.customer_days.own) == (60, Decimal(20))
    # 60 days: of the 8 handed over before 14 February four became customers within them: 1 2 6 7.
    assert (found.customer_rate.value, found.customer_rate.cases) == (Decimal("0.5"), 8)


def test_a_typed_rate_of_none_stays_none(contract: Contract) -> None:
    assumptions.assume(customer_rate=Decimal(0))
    assert basis(contract).customer_rate.value == 0


def test_without_a_past_there_is_no_figure(db: None) -> None:
    found = history.basis(make_contract().agreement, assumed=assumptions.current(), now=NOW)
    assert (found.average_deal.value, found.customer_rate.value, found.days) == (None, None, 90)


def test_periods_are_those_of_the_scoreboard(contract: Contract) -> None:
    compliance.replay(now=NOW)
    found = history.by_measure(contract.agreement, now=NOW)
    quantity = found["quantity"]
    assert [(figure.start.isoformat(), figure.kept) for figure in quantity.figures] == [
        ("2026-02-01", 8),
        ("2026-03-01", 3),  # April is not over; 12 is an override
    ]
    assert quantity.quartiles == (4.25, 5.5, 6.75)
    assert quantity.range is not None
    assert (quantity.range.low, quantity.range.high, quantity.range.is_short) == (4, 7, True)
    accepted = found["accepted"]
    assert [(figure.kept, figure.cases) for figure in accepted.figures] == [(5, 7), (2, 3)]
    assert accepted.range is None
    assert accepted.quartiles is not None
    assert accepted.quartiles[1] == pytest.approx((5 / 7 + 2 / 3) / 2)


def test_rates_that_cannot_be_judged_yet_are_shown_and_not_counted(contract: Contract) -> None:
    compliance.replay(now=NOW)
    customers = history.by_measure(contract.agreement, now=NOW)["customers"]  # 90 days of March are not over
    assert [figure.is_ripe for figure in customers.figures] == [False, False]
    assert (customers.values, customers.quartiles) == ([], None)


def test_versions_of_one_period_count_together(contract: Contract) -> None:
    compliance.replay(now=NOW)
    first = contract.agreement
    rows = list(first.compliance.filter(commitment__measure="quantity", period_start="2026-03-01"))
    second = Agreement.objects.get(pk=first.pk)
    second.pk, second.version, second.status = None, 2, "superseded"
    second.public_id = "6f1f0a52-32c8-4f3c-9d0e-222222222222"
    second.save(force_insert=True)
    rows[0].pk, rows[0].agreement, rows[0].kept, rows[0].cases = None, second, 4, 4
    rows[0].save(force_insert=True)
    found = history.by_measure(second, now=NOW)["quantity"]
    assert [figure.kept for figure in found.figures] == [8, 7]


def test_there_is_one_row_of_assumptions(db: None) -> None:
    assumptions.assume(revenue_goal=Decimal(216_000), currency="CHF")
    assumptions.assume(hourly_cost=Decimal(75))
    found = assumptions.current()
    assert (found.revenue_goal, found.currency, found.hourly_cost) == (Decimal(216_000), "CHF", Decimal(75))
    assert Assumptions.objects.count() == 1
    Assumptions.objects.all().delete()
    assert assumptions.current().minutes_per_rejected == 45
