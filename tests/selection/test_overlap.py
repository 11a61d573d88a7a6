"""The Jaccard index and what chance makes of it."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from influence_core.errors import SelectionError
from influence_core.selection.overlap import chance, jaccard, overlap


def test_jaccard_by_hand() -> None:
    assert jaccard([1, 2, 3], [2, 3, 4]) == 0.5
    assert jaccard([1], [2]) == 0.0
    assert jaccard([], []) == 1.0
    assert jaccard(["a", "a"], ["a"]) == 1.0


def test_overlap_by_hand() -> None:
    found = overlap(10, [1, 2, 3, 3], [2, 3, 4, 5])
    assert (found.both, found.only_first, found.only_second, found.rows) == (2, 1, 2, 10)
    assert found.jaccard == 0.4
    assert found.chance == chance(10, 3, 4)


@pytest.mark.parametrize(("rows", "first", "second"), [(6, 2, 3), (7, 3, 3), (5, 5, 2), (4, 0, 2)])
def test_chance_is_the_mean_over_all_sets(rows: int, first: int, second: int) -> None:
    fixed = list(range(first))
    every = [jaccard(fixed, list(other)) for other in combinations(range(rows), second)]
    assert chance(rows, first, second).mean == pytest.approx(np.mean(every))


@pytest.mark.parametrize(("share", "expected"), [(0.2, 0.111), (0.05, 0.026)])
def test_chance_at_the_shares_of_the_paper(share: float, expected: float) -> None:
    found = chance(10_000, int(share * 10_000), int(share * 10_000))
    assert found.mean == pytest.approx(expected, abs=5e-4)
    assert found.low < found.mean < found.high


def test_chance_covers_what_random_sets_do() -> None:
    generator = np.random.default_rng(0)
    bounds = chance(400, 80, 60)
    drawn = [
        jaccard(generator.choice(400, 80, replace=False), generator.choice(400, 60, replace=False))
        for _ in range(400)
    ]
    inside = np.mean([bounds.low <= value <= bounds.high for value in drawn])
    assert 0.93 <= inside <= 0.99


def test_sets_larger_than_the_whole_are_refused() -> None:
    with pytest.raises(SelectionError, match="'second' must be between 0 and 5; got 6"):
        chance(5, 1, 6)
    assert chance(5, 0, 0).mean == 1.0
