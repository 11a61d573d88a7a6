"""Measuring an order of rows against labels that are known to be wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from influence_core.errors import DataError
from influence_core.noise.measure import detection
from influence_core.selection.overlap import jaccard


def test_by_hand() -> None:
    """The wrong rows come first and third: AP = (1/1 + 2/3) / 2."""
    wrong = np.array([True, False, True, False])
    found = detection([0.9, 0.8, 0.7, 0.1], wrong, np.arange(4))
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert (found.k, found.precision, found.recall) == (2, 0.5, 0.5)
    assert found.overlap == pytest.approx(1 / 3)
    assert detection([0.1, 0.8, 0.7, 0.9], wrong, np.arange(4), 3, "low").recall == 1.0


@given(seed=st.integers(0, 999), k=st.integers(1, 60))
def test_it_is_what_others_compute(seed: int, k: int) -> None:
    generator = np.random.default_rng(seed)
    wrong = generator.random(60) < 0.3
    wrong[0] = True
    values = generator.permutation(60).astype(float)
    found = detection(values, wrong, np.arange(60), k)
    assert found.average_precision == pytest.approx(average_precision_score(wrong, values))
    top = np.argsort(-values)[:k]
    assert found.precision == pytest.approx(wrong[top].mean())
    assert found.recall == pytest.approx(wrong[top].sum() / wrong.sum())
    assert found.overlap == pytest.approx(jaccard(top, np.flatnonzero(wrong)))


def test_ties_go_by_id_and_missing_values_come_last() -> None:
    wrong = np.array([False, True, False])
    by_id = np.array([1, 2, 0])
    assert detection([0.5, 0.5, 0.5], wrong, by_id).average_precision == 1.0
    assert detection([0.5, np.nan, 0.1], wrong, by_id).average_precision == pytest.approx(1 / 3)


def test_a_random_order_is_at_chance_and_a_perfect_one_is_not() -> None:
    generator = np.random.default_rng(0)
    wrong = np.arange(2_000) < 200
    by_id = np.arange(2_000)
    random = [detection(generator.random(2_000), wrong, by_id) for _ in range(60)]
    assert np.mean([one.above_chance for one in random]) < 0.1
    assert np.mean([one.overlap for one in random]) == pytest.approx(
        random[0].by_chance.mean, abs=0.005
    )
    assert detection(wrong, wrong, by_id).above_chance


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(DataError, match="'wrong' must mark at least one row; got 0"):
        detection([0.1, 0.2], np.zeros(2, bool), np.arange(2))
    with pytest.raises(DataError, match="'k' must be between 1 and 2; got 3"):
        detection([0.1, 0.2], np.ones(2, bool), np.arange(2), 3)
