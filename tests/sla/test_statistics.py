"""Intervals and forecasts against values from tables and from counting by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla.statistics import (
    Beta,
    Gamma,
    beta_from_history,
    count_forecast,
    gamma_from_history,
    is_reached,
    rate_forecast,
    rules_out,
    wilson,
)


@pytest.mark.parametrize(
    ("kept", "cases", "low", "high"),
    [
        # Newcombe, R. G. (1998), Statistics in Medicine 17: 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_newcombe(kept: int, cases: int, low: float, high: float) -> None:
    interval = wilson(kept, cases)
    assert interval is not None
    assert interval == pytest.approx((low, high), abs=0.00006)


def test_wilson_says_nothing_without_cases_and_touches_the_ends() -> None:
    assert wilson(0, 0) is None
    nothing, everything = wilson(0, 7), wilson(7, 7)
    assert nothing is not None
    assert everything is not None
    assert nothing[0] == 0.0
    assert everything[1] == 1.0


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilson_encloses_the_share(kept: int, cases: int) -> None:
    kept = min(kept, cases)
    interval = wilson(kept, cases)
    assert interval is not None
    assert 0 <= interval[0] <= kept / cases <= interval[1] <= 1


def test_a_count_with_a_sure_rate_goes_on_as_a_poisson_process() -> None:
    # A rate of 2 a day that a very long history is sure of, one day left: Poisson with mean 2.
    sure = Gamma(shape=2e9, exposure=1e9)
    forecast = count_forecast(10, elapsed=5, left=1, prior=sure, at_least=12)
    assert forecast.expected == pytest.approx(12.0, abs=1e-6)
    # P(N >= 2) = 1 - e^-2 - 2 e^-2
    assert forecast.probability == pytest.approx(1 - 3 * math.exp(-2), abs=1e-6)


def test_a_count_of_unknown_rate_is_negative_binomial() -> None:
    # Gamma(1, 1) after nothing, one unit left: geometric with 1/2, so P(N >= 1) = 1/2 and the mean is 1.
    forecast = count_forecast(0, elapsed=0, left=1, prior=Gamma(1, 1), at_least=1)
    assert forecast.expected == pytest.approx(1.0, abs=1e-9)
    assert forecast.probability == pytest.approx(0.5, abs=1e-12)


def test_a_count_without_time_left_stays_what_it_is() -> None:
    forecast = count_forecast(119, elapsed=21, left=0, prior=Gamma(0.5, 0), at_least=120)
    assert (forecast.expected, forecast.low, forecast.high, forecast.probability) == (119, 119, 119, 0.0)


def test_history_gives_the_rate_but_weighs_one_period_at_most() -> None:
    # 240 in 40 working days is 6 a day; weighed as 20 days that is 120 of them.
    assert gamma_from_history([120, 120], [20, 20], worth=20) == Gamma(120.5, 20)
    assert gamma_from_history([], [], worth=20) == Gamma(0.5, 0)


def test_history_of_a_share_weighs_a_limited_number_of_cases() -> None:
    # 60 of 100 as 20 cases: 12 kept, 8 lost, and half a case each of Jeffreys' prior.
    belief = beta_from_history(60, 100, worth=20)
    assert (belief.kept, belief.lost) == pytest.approx((12.5, 8.5))
    assert beta_from_history(0, 0, worth=20) == Beta(0.5, 0.5)


def test_a_rate_with_a_flat_belief_is_equally_likely_to_end_anywhere() -> None:
    # Uniform prior, no cases, 3 to come: 0, 1, 2 or 3 kept have 1/4 each. At least 60 % needs 2 of 3: 1/2.
    forecast = rate_forecast(0, 0, remaining=3, prior=Beta(1, 1), at_least=0.6)
    assert forecast.probability == pytest.approx(0.5, abs=1e-12)
    assert forecast.expected == pytest.approx(0.5, abs=1e-12)


def test_a_rate_with_two_cases_to_come_by_hand() -> None:
    # Beta(1,1) after 2 of 2 is Beta(3,1): both kept 3/4 * 4/5 = 3/5, none 1/4 * 2/5 = 1/10, one 3/10.
    forecast = rate_forecast(2, 2, remaining=2, prior=Beta(1, 1), at_least=0.75)
    assert forecast.probability == pytest.approx(0.9, abs=1e-12)
    assert forecast.expected == pytest.approx((2 + 0.3 + 2 * 0.6) / 4, abs=1e-12)


def test_a_rate_without_cases_to_come_is_settled() -> None:
    assert rate_forecast(9, 10, remaining=0, prior=Beta(0.5, 0.5), at_least=0.9).probability == 1.0
    assert rate_forecast(8, 10, remaining=0, prior=Beta(0.5, 0.5), at_least=0.9).probability == 0.0


def test_reaching_a_promise_exactly_is_reaching_it() -> None:
    assert is_reached(27, 30, 0.9)
    assert not is_reached(26, 30, 0.9)


@pytest.mark.parametrize(
    ("kept", "cases", "at_least", "is_ruled_out"),
    [
        (0, 1, 0.9, False),  # one in ten
        (0, 2, 0.9, True),  # one in a hundred
        (3, 5, 0.9, False),  # 10 x 0.9^3 x 0.1^2 + 5 x 0.9 x 0.1^4 + 0.1^5 = 8.6 %
        (2, 5, 0.9, True),  # 0.86 %
        (5, 5, 0.5, False),  # 1 in 32 = 3.1 %
        (6, 6, 0.5, True),  # 1 in 64 = 1.6 %
        (44, 49, 0.9, False),
        (0, 0, 0.9, False),
        (1, 1, 1.0, False),
    ],
)
def test_few_cases_rule_a_promise_out_only_when_they_are_hardly_chance(
    kept: int, cases: int, at_least: float, is_ruled_out: bool
) -> None:
    assert rules_out(kept, cases, at_least) is is_ruled_out
