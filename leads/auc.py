"""How well scores tell good leads from bad ones: the area under the ROC curve, with its interval. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_Z = 1.959964  # 95 % of a normal distribution lie within so many standard deviations
FEW = 10  # with fewer good or bad ones, an area says nothing


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; `low` and `high` are None where there are too few cases for one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Areas:
    """The areas of some scores of the same leads.

    Attributes:
        areas: one for each of the scores, in their order; 0.5 is as good as chance, 1 tells all apart.
        gain: of the last over the first.
        good: how many good ones there are.
        bad: how many bad ones.
    """

    areas: list[Estimate]
    gain: Estimate
    good: int
    bad: int

    @property
    def is_few(self) -> bool:
        """Tell whether there are too few cases to conclude anything."""
        return min(self.good, self.bad) < FEW


def compare(is_good: Sequence[bool], scores: Sequence[Sequence[float]]) -> Areas | None:
    """Return the area of each score, and of the last one's gain over the first on the same leads.

    The area is the share of pairs of a good and a bad lead in which the good one has the higher score; ties count half
    (Mann-Whitney). Intervals: DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated
    receiver operating characteristic curves", Biometrics 44 (1988) 837-845; computed from midranks as in Sun and Xu,
    IEEE Signal Processing Letters 21 (2014) 1389-1393.

    Args:
        is_good: of each lead.
        scores: for each model the scores of the same leads, in the same order.

    Returns:
        The areas; None unless there is at least one good and one bad lead.
    """
    good = np.asarray(is_good, dtype=bool)
    table = np.asarray(scores, dtype=np.float64)
    n_good, n_bad = int(good.sum()), int((~good).sum())
    if not n_good or not n_bad:
        return None
    placed = [_placements(row[good], row[~good]) for row in table]
    values = [float(of_good.mean()) for of_good, _of_bad in placed]
    covariance = None
    if n_good > 1 and n_bad > 1:
        covariance = (
            np.atleast_2d(np.cov([of_good for of_good, _of_bad in placed])) / n_good
            + np.atleast_2d(np.cov([of_bad for _of_good, of_bad in placed])) / n_bad
        )
    areas = [
        _estimate(value, None if covariance is None else covariance[n, n], lowest=0) for n, value in enumerate(values)
    ]
    spread = None
    if covariance is not None:
        spread = covariance[0, 0] + covariance[-1, -1] - 2 * covariance[0, -1]
    return Areas(areas, _estimate(values[-1] - values[0], spread, lowest=-1), n_good, n_bad)


def _placements(good: Numbers, bad: Numbers) -> tuple[Numbers, Numbers]:
    """Return for each good lead the share of bad ones below it, and for each bad one the share of good ones above."""
    together = _midranks(np.concatenate([good, bad]))
    of_good = (together[: len(good)] - _midranks(good)) / len(bad)
    of_bad = 1 - (together[len(good) :] - _midranks(bad)) / len(good)
    return of_good, of_bad


def _midranks(values: Numbers) -> Numbers:
    """Return the rank of each value from 1; equal ones share the middle of their ranks."""
    _distinct, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle: Numbers = np.cumsum(counts) - (counts - 1) / 2
    return middle[which]


def _estimate(value: float, variance: float | None, *, lowest: float) -> Estimate:
    if variance is None:
        return Estimate(value, None, None)
    half = _Z * sqrt(max(float(variance), 0.0))
    return Estimate(value, max(value - half, lowest), min(value + half, 1.0))
