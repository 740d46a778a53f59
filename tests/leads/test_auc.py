"""Areas under the curve by hand, and against counting pairs."""

from __future__ import annotations

import itertools
import random

import pytest

from leads import auc


def test_four_leads_by_hand() -> None:
    # Good 3 and 2, bad 1 and 2.5: 3 of 4 pairs are in order. Placements of the good: 1, ½; of the bad: 1, ½.
    # Each variance is (¼² + ¼²) ÷ 1 = ⅛, so the area's is ⅛ ÷ 2 + ⅛ ÷ 2 = ⅛; 1.96 × √⅛ = 0.693.
    found = auc.compare([True, True, False, False], [[3, 2, 1, 2.5]])
    assert found is not None
    (area,) = found.areas
    assert area.value == 0.75
    assert area.low == pytest.approx(0.75 - 0.69296, abs=1e-4)
    assert area.high == 1  # not 1.44
    assert (found.good, found.bad, found.is_few) == (2, 2, True)


def test_ties_count_half() -> None:
    # pairs: 2 against 1 → 1, 2 against 2 → ½, 1 against 1 → ½, 1 against 2 → 0: 2 of 4
    found = auc.compare([True, True, False, False], [[2, 1, 1, 2]])
    assert found is not None
    assert found.areas[0].value == 0.5


def test_the_gain_of_a_score_over_the_same_score_is_nothing() -> None:
    found = auc.compare([True, True, False, False], [[3, 2, 1, 2.5], [30, 20, 10, 25]])
    assert found is not None
    assert (found.gain.value, found.gain.low, found.gain.high) == (0, 0, 0)


def test_the_gain_by_hand() -> None:
    # The second tells all apart: its placements are 1, without spread. So the gain's variance is that of the first.
    found = auc.compare([True, True, False, False], [[3, 2, 1, 2.5], [4, 3, 1, 2]])
    assert found is not None
    assert found.areas[1].value == 1
    assert found.gain.value == 0.25
    assert found.gain.low == pytest.approx(0.25 - 0.69296, abs=1e-4)


def test_one_sort_of_leads_has_no_area() -> None:
    assert auc.compare([True, True], [[1, 2]]) is None
    assert auc.compare([], [[]]) is None


def test_one_of_each_has_an_area_without_an_interval() -> None:
    found = auc.compare([True, False], [[2, 1]])
    assert found is not None
    assert (found.areas[0].value, found.areas[0].low, found.areas[0].high) == (1, None, None)


def test_it_is_the_share_of_pairs_in_order() -> None:
    chance = random.Random(20260303)  # a test's numbers
    for _round in range(30):
        is_good = [True, False] + [chance.random() < 0.4 for _ in range(30)]
        score = [float(chance.randrange(12)) for _ in is_good]
        pairs = list(
            itertools.product(
                [s for s, good in zip(score, is_good, strict=True) if good],
                [s for s, good in zip(score, is_good, strict=True) if not good],
            )
        )
        share = sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs)
        found = auc.compare(is_good, [score])
        assert found is not None
        assert found.areas[0].value == pytest.approx(share)
