"""How many rows each class keeps: exact totals, floors, fair remainders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from influence_core.errors import SelectionError
from influence_core.selection.quotas import place_in_group, prefix, prefixes, proportional

sizes_lists = st.lists(st.integers(1, 60), min_size=1, max_size=12).map(np.array)


@given(sizes=sizes_lists, share=st.floats(0, 1), floor=st.integers(0, 8))
def test_quotas_are_exact_fair_and_respect_the_floor(sizes: Any, share: float, floor: int) -> None:
    total = round(share * sizes.sum())
    guarded = np.minimum(sizes, floor)
    assume(guarded.sum() <= total)
    kept = proportional(sizes, total, floor)
    assert kept.sum() == total
    assert (kept <= sizes).all()
    assert (kept >= guarded).all()
    if floor == 0:
        assert (np.abs(kept - sizes * total / sizes.sum()) < 1).all()


@pytest.mark.parametrize(
    ("sizes", "total", "floor", "expected"),
    [
        ([50, 30, 20], 50, 0, [25, 15, 10]),
        ([5, 5, 5], 8, 0, [3, 3, 2]),
        ([90, 8, 2], 50, 5, [43, 5, 2]),
        ([100, 10, 10], 30, 10, [10, 10, 10]),
        ([4, 3], 7, 0, [4, 3]),
        ([4, 3], 0, 0, [0, 0]),
    ],
)
def test_quotas_by_hand(sizes: list[int], total: int, floor: int, expected: list[int]) -> None:
    assert proportional(np.array(sizes), total, floor).tolist() == expected


def test_floors_that_ask_too_much_are_refused() -> None:
    with pytest.raises(SelectionError, match=r"leave room: 15 rows would stay, 10 may"):
        proportional(np.array([50, 50, 50]), 10, 5)
    with pytest.raises(SelectionError, match="leave room"):
        prefix(np.arange(6), 3, np.array([0, 0, 1, 1, 2, 2]), 2)


@given(
    groups=st.lists(st.integers(0, 4), min_size=1, max_size=50).map(np.array),
    share=st.floats(0, 1),
    floor=st.integers(0, 3),
    seed=st.integers(0, 9),
)
def test_prefixes_of_an_order(groups: Any, share: float, floor: int, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(groups))
    keep = round(share * len(groups))
    sizes = np.bincount(groups)
    assume(np.minimum(sizes, floor).sum() <= keep)
    kept = prefix(order, keep, groups, floor)
    assert len(kept) == len(set(kept.tolist())) == keep
    assert (np.bincount(groups[kept], minlength=len(sizes)) >= np.minimum(sizes, floor)).all()
    if floor == 0:
        assert set(kept) == set(order[:keep])
    quotas = proportional(sizes, keep, floor)
    chosen = prefixes(order, quotas, groups)
    assert np.bincount(groups[chosen], minlength=len(sizes)).tolist() == quotas.tolist()


def test_places_count_within_the_class() -> None:
    groups = np.array([0, 1, 0, 1, 1])
    assert place_in_group(np.array([4, 2, 1, 0, 3]), groups).tolist() == [0, 0, 1, 1, 2]
