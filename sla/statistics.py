"""Intervals and forecasts of counts and rates: Wilson, Poisson with a gamma prior, beta-binomial. Knows no database."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z95 = 1.959963984540054  # the 97.5 % point of the normal distribution
TAIL = 0.025  # what lies beyond it
LIKELY = 0.8  # "likely" is said of 8 in 10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """Where a figure ends, and how probably it keeps its promise.

    Attributes:
        expected: mean.
        low: lower end of what is likely (8 in 10).
        high: upper end of it.
        probability: of reaching what is promised, from 0 to 1.
    """

    expected: float
    low: float
    high: float
    probability: float


@dataclass(frozen=True)
class Gamma:
    """What is believed about a rate per unit of time: mean `shape / exposure`, as sure as `exposure` units of time."""

    shape: float
    exposure: float


@dataclass(frozen=True)
class Beta:
    """What is believed about a share: like `kept` kept and `lost` lost cases."""

    kept: float
    lost: float


def wilson(kept: int, cases: int, z: float = Z95) -> tuple[float, float] | None:
    """Return the score interval of a share.

    Args:
        kept: cases that kept the promise.
        cases: all of them.
        z: normal quantile; the default gives 95 %.

    Returns:
        Lower and upper end, from 0 to 1; None without cases.

    Source: Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference.
    """
    if not cases:
        return None
    share, square = kept / cases, z * z
    middle = (share + square / (2 * cases)) / (1 + square / cases)
    half = z / (1 + square / cases) * math.sqrt(share * (1 - share) / cases + square / (4 * cases * cases))
    return (middle - half if kept else 0.0), (middle + half if kept < cases else 1.0)


def gamma_from_history(counts: Sequence[int], exposures: Sequence[float], *, worth: float) -> Gamma:
    """Learn a rate per unit of time from past periods.

    Args:
        counts: what each past period brought.
        exposures: how long each was, as in working days.
        worth: units of time that the whole history may weigh at most; periods change, so it must not drown the present.

    Returns:
        The belief; without history Jeffreys' prior, which says next to nothing.
    """
    total = float(sum(exposures))
    if not total:
        return Gamma(0.5, 0.0)
    weight = min(worth, total)
    return Gamma(sum(counts) / total * weight + 0.5, weight)


def beta_from_history(kept: int, cases: int, *, worth: float) -> Beta:
    """Learn a share from past cases that weigh at most `worth` cases; without any, Jeffreys' prior."""
    weight = min(worth, float(cases))
    share = kept / cases if cases else 0.0
    return Beta(0.5 + share * weight, 0.5 + (1 - share) * weight)


def count_forecast(counted: int, *, elapsed: float, left: float, prior: Gamma, at_least: float) -> Forecast:
    """Say where a count ends that grows like a Poisson process of unknown rate.

    Args:
        counted: so far.
        elapsed: time in which it was counted, in the unit of the prior.
        left: time that is left.
        prior: belief about the rate before.
        at_least: what is promised.

    Returns:
        The forecast of the final count. What is still to come is negative binomial (Poisson, rate gamma distributed).
    """
    shape, exposure = prior.shape + counted, prior.exposure + elapsed
    if left <= 0 or exposure <= 0:
        return Forecast(counted, counted, counted, float(counted >= at_least))
    chances = _negative_binomial(shape, left / (exposure + left))
    more = float(np.arange(len(chances)) @ chances)
    low, high = _likely(chances)
    needed = max(0, math.ceil(at_least - 1e-9) - counted)
    return Forecast(counted + more, counted + low, counted + high, float(chances[needed:].sum()))


def rate_forecast(kept: int, cases: int, *, remaining: int, prior: Beta, at_least: float) -> Forecast:
    """Say where a share ends when `remaining` cases are still to come.

    Args:
        kept: cases that kept the promise so far.
        cases: all decided so far.
        remaining: cases that are still to be decided in the period.
        prior: belief about the share before.
        at_least: the promised share.

    Returns:
        The forecast of the final share: the remaining cases are beta-binomial.
    """
    if remaining <= 0:
        share = kept / cases if cases else 0.0
        return Forecast(share, share, share, float(bool(cases) and is_reached(kept, cases, at_least)))
    chances = _beta_binomial(remaining, prior.kept + kept, prior.lost + cases - kept)
    total = cases + remaining
    more = float(np.arange(remaining + 1) @ chances)
    low, high = _likely(chances)
    needed = max(0, math.ceil(at_least * total - 1e-9) - kept)
    return Forecast((kept + more) / total, (kept + low) / total, (kept + high) / total, float(chances[needed:].sum()))


def is_reached(kept: int, cases: int, at_least: float) -> bool:
    """Tell whether a share reaches what is promised, without a rounding error deciding it."""
    return kept >= at_least * cases - 1e-9


def rules_out(kept: int, cases: int, at_least: float) -> bool:
    """Tell whether so few cases already say that a share is another one than promised.

    Exact, because an interval by approximation is too sure of itself with a handful of cases: of one case that went
    wrong, Wilson's excludes 90 %, although one in ten does so when the promise is kept.

    Args:
        kept: cases that kept the promise.
        cases: all of them.
        at_least: the promised share.

    Returns:
        True when a promise that is just kept gives so few, or so many, in less than 2.5 % of all samples: the promise
        then lies outside of the 95 % interval of Clopper and Pearson (1934), Biometrika 26(4).
    """
    if not cases or not 0 < at_least < 1:
        return False
    places = np.arange(cases + 1)
    logs = _log_choose(cases, places) + places * math.log(at_least) + (cases - places) * math.log1p(-at_least)
    chances = np.exp(logs)
    return bool(min(chances[: kept + 1].sum(), chances[kept:].sum()) < TAIL)


def _log_choose(size: int, places: npt.NDArray[np.int_]) -> Floats:
    gamma = np.array([math.lgamma(number + 1) for number in range(size + 1)])
    result: Floats = gamma[size] - gamma[places] - gamma[size - places]
    return result


def _negative_binomial(shape: float, share: float) -> Floats:
    """Return the chances of 0, 1, 2 … events; `share` is the later time ÷ all time."""
    mean = shape * share / (1 - share)
    spread = math.sqrt(mean / (1 - share))
    size = int(mean + 12 * spread + 60)
    counts = np.arange(size, dtype=np.float64)
    logs = np.concatenate(([0.0], np.cumsum(np.log((shape + counts) / (counts + 1) * share))))
    return _normalised(logs)


def _beta_binomial(size: int, kept: float, lost: float) -> Floats:
    """Return the chances of 0 … `size` kept cases."""
    counts = np.arange(size, dtype=np.float64)
    steps = (size - counts) / (counts + 1) * (kept + counts) / (lost + size - counts - 1)
    return _normalised(np.concatenate(([0.0], np.cumsum(np.log(steps)))))


def _normalised(logs: Floats) -> Floats:
    chances = np.exp(logs - logs.max())
    result: Floats = chances / chances.sum()
    return result


def _likely(chances: Floats) -> tuple[int, int]:
    """Return the ends of the middle 8 in 10."""
    running = np.cumsum(chances)
    tail = (1 - LIKELY) / 2
    low, high = np.searchsorted(running, (tail, 1 - tail))
    return int(low), int(min(high, len(chances) - 1))
