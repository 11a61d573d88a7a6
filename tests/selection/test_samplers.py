"""Samplers: exact, repeatable, blind to the order of the input, and right about their ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.errors import SelectionError
from influence_core.selection import samplers

Order = Callable[[Any, Any, int], Any]

SAMPLERS: dict[str, Order] = {
    "cutoff easy": lambda hard, ids, seed: samplers.cutoff(hard, ids),
    "cutoff hard": lambda hard, ids, seed: samplers.cutoff(hard, ids, "hard"),
    "cutoff both": lambda hard, ids, seed: samplers.cutoff(hard, ids, "both"),
    "softmax": lambda hard, ids, seed: samplers.softmax(hard, ids, np.random.default_rng(seed)),
    "linear": lambda hard, ids, seed: samplers.linear(hard, ids, np.random.default_rng(seed)),
    "linear hard": lambda hard, ids, seed: samplers.linear(
        hard, ids, np.random.default_rng(seed), "hard"
    ),
    "random": lambda hard, ids, seed: samplers.random(ids, np.random.default_rng(seed)),
}

scores = st.lists(
    st.integers(-3, 3).map(float) | st.floats(-1e6, 1e6), min_size=0, max_size=40
).map(np.array)


def ids_of(values: Any) -> np.ndarray:
    return np.array([f"é{number * 7919 % 104729}" for number in range(len(values))], dtype=object)


@pytest.mark.parametrize("name", SAMPLERS)
@given(values=scores, seed=st.integers(0, 99), shuffle=st.randoms(use_true_random=False))
def test_an_order_is_a_permutation_that_forgets_the_input_order(
    name: str, values: Any, seed: int, shuffle: Any
) -> None:
    ids = ids_of(values)
    order = SAMPLERS[name](values, ids, seed)
    assert sorted(order) == list(range(len(values)))
    again = list(range(len(values)))
    shuffle.shuffle(again)
    mixed = SAMPLERS[name](values[again], ids[again], seed)
    assert ids[order].tolist() == ids[again][mixed].tolist()


@pytest.mark.parametrize("name", ["softmax", "linear", "random"])
def test_seeds_make_the_difference(name: str) -> None:
    values = np.linspace(0, 1, 50)
    ids = ids_of(values)
    first, same, other = (SAMPLERS[name](values, ids, seed).tolist() for seed in (1, 1, 2))
    assert first == same
    assert first != other


def test_cutoffs_by_hand() -> None:
    hardness = np.array([2.0, 5.0, 2.0, 0.0, 9.0])
    ids = np.array(["b", "c", "a", "e", "d"])
    assert samplers.cutoff(hardness, ids, "easy").tolist() == [4, 1, 2, 0, 3]
    assert samplers.cutoff(hardness, ids, "hard").tolist() == [3, 0, 2, 1, 4]
    assert samplers.cutoff(hardness, ids, "both").tolist() == [2, 1, 0, 4, 3]


@given(values=scores)
def test_a_cutoff_keeps_nothing_easier_than_what_it_drops(values: Any) -> None:
    order = samplers.cutoff(values, ids_of(values))
    assert (np.diff(values[order]) <= 0).all()


def test_hardness_points_up_and_fills_gaps() -> None:
    assert samplers.hardness([1.0, 3.0], "low").tolist() == [-1.0, -3.0]
    assert samplers.hardness([1.0, np.nan, 2.0, 9.0, np.inf, -np.inf]).tolist() == [
        *(1.0, 2.0, 2.0, 9.0, 9.0, 1.0)
    ]
    assert samplers.hardness([np.nan, np.nan]).tolist() == [0.0, 0.0]


def first_drawn(draw: Callable[[np.random.Generator], Any], rows: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.bincount([draw(generator)[0] for _ in range(4000)], minlength=rows) / 4000


def test_softmax_draws_in_proportion_to_the_exponential() -> None:
    hardness = np.array([0.0, 1.0, 3.0])
    z = (hardness - hardness.mean()) / hardness.std()
    expected = np.exp(z) / np.exp(z).sum()
    ids = ["a", "b", "c"]
    seen = first_drawn(lambda generator: samplers.softmax(hardness, ids, generator), 3)
    np.testing.assert_allclose(seen, expected, atol=0.03)
    opposite = first_drawn(lambda generator: samplers.softmax(hardness, ids, generator, "hard"), 3)
    np.testing.assert_allclose(opposite, np.exp(-z) / np.exp(-z).sum(), atol=0.03)


def test_linear_draws_between_epsilon_and_one() -> None:
    hardness = np.array([0.0, 1.0, 2.0, 4.0])
    weights = np.array([0.05, 0.05 + 0.95 / 4, 0.05 + 0.95 / 2, 1.0])
    seen = first_drawn(
        lambda generator: samplers.linear(hardness, list("abcd"), generator, clip=1.0), 4
    )
    np.testing.assert_allclose(seen, weights / weights.sum(), atol=0.03)


def test_linear_is_not_ruled_by_one_outlier() -> None:
    hardness = np.append(np.repeat([0.0, 1.0], 250), 1e9)
    ids = ids_of(hardness)
    order = samplers.linear(hardness, ids, np.random.default_rng(0))
    assert hardness[order[:200]].mean() > 0.85


def test_draws_from_equal_scores_are_uniform() -> None:
    hardness = np.full(4, 7.0)
    for draw in (samplers.softmax, samplers.linear):
        seen = first_drawn(lambda generator, draw=draw: draw(hardness, list("abcd"), generator), 4)
        np.testing.assert_allclose(seen, 0.25, atol=0.03)


@pytest.mark.parametrize("draw", [samplers.softmax, samplers.linear])
def test_a_draw_has_one_end(draw: Any) -> None:
    with pytest.raises(SelectionError, match="'prune' must be 'easy' or 'hard'"):
        draw(np.arange(3.0), list("abc"), np.random.default_rng(0), "both")
