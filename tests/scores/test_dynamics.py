from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from influence_core.scores import dynamics
from influence_core.training.dynamics import Snapshot


def test_forgetting_by_hand():
    history = np.array(
        # row:  learnt, forgot once, forgot twice, never learnt, right from the start and lost
        [[0, 1, 1, 0, 1], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]],
        dtype=bool,
    )
    events, never = dynamics.forgetting(history)
    assert events.tolist() == [0, 1, 2, 0, 1]
    assert never.tolist() == [False, False, False, True, False]


@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 6))))
def test_forgetting_equals_counting_row_by_row(history):
    events, never = dynamics.forgetting(history)
    for row, column in enumerate(history.T):
        forgotten = sum(before and not after for before, after in pairwise(column))
        assert events[row] == forgotten
        assert never[row] == (not column.any())


def test_pvi_by_hand():
    # Labels 0, 0, 0, 1: priors 3/4 and 1/4. A model that knows nothing has PVI 0.
    labels = np.array([0, 0, 0, 1])
    p_true = np.array([0.75, 0.375, 1.0, 0.5])
    found = dynamics.pvi(-np.log(p_true), dynamics.log_prior(labels))
    np.testing.assert_allclose(found, [0, -1, np.log2(4 / 3), 1], atol=1e-12)


def test_pvi_stays_finite_where_probabilities_vanish():
    prior = dynamics.log_prior(np.array([0, 1]))
    found = dynamics.pvi(np.array([2000.0, 0.0]), prior)
    assert found[0] == pytest.approx(-2000 / np.log(2) + 1)


def test_the_prior_of_the_other_folds_by_hand():
    # Fold 0 holds 0, 0, 1 and fold 1 holds 0, 1, 1, 2: label 2 is in no other fold.
    labels = np.array([0, 0, 1, 0, 1, 1, 2])
    fold = np.array([0, 0, 0, 1, 1, 1, 1])
    found = dynamics.log_prior_elsewhere(labels, fold)
    shares = [1 / 4, 1 / 4, 2 / 4, 2 / 3, 1 / 3, 1 / 3, np.nan]
    np.testing.assert_allclose(2**found, shares, rtol=1e-12)


@given(arrays(np.float64, (5, 4), elements=st.floats(-100, 100)))
def test_moments_equal_numpy(columns):
    np.testing.assert_allclose(dynamics.mean_over(columns), columns.mean(0), atol=1e-9)
    np.testing.assert_allclose(dynamics.deviation_over(columns), columns.std(0), atol=1e-6)
    np.testing.assert_array_equal(dynamics.sum_over(columns.round()), columns.round().sum(0))


@pytest.mark.parametrize(("epoch", "step"), [(1, 20), (2, 40), (9, 60)])
def test_snapshot_at_the_end_of_an_epoch_or_the_last(tmp_path, epoch, step):
    times = [(10, 0.5), (20, 1.0), (30, 1.5), (40, 2.0), (60, 3.0)]
    snapshots = [Snapshot(step, epoch, tmp_path) for step, epoch in times]
    assert dynamics.snapshot_at(snapshots, epoch).step == step
