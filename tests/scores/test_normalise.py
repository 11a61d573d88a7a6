import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import zscore

from influence_core.scores.normalise import class_norm, dataset_norm, id_order, rank

floats = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))


def test_by_hand():
    scores = np.array([1.0, 3.0, 10.0, 10.0, 7.0])
    labels = np.array([0, 0, 1, 1, 2])
    np.testing.assert_array_equal(class_norm(scores, labels), [-1, 1, 0, 0, 0])


@given(arrays(np.float64, st.integers(4, 40), elements=floats), st.integers(1, 4))
def test_equals_scipy_where_there_is_spread(scores, classes):
    labels = np.arange(len(scores)) % classes
    found = class_norm(scores, labels)
    for label in range(classes):
        mine = scores[labels == label]
        if mine.std() > 1e-6 * max(np.abs(mine).max(), 1):
            np.testing.assert_allclose(found[labels == label], zscore(mine), rtol=1e-9, atol=1e-9)
        elif np.ptp(mine) == 0:
            np.testing.assert_array_equal(found[labels == label], 0)


def test_a_constant_that_floats_cannot_hold_has_no_spread():
    np.testing.assert_array_equal(dataset_norm(np.full(7, 0.1)), np.zeros(7))


def test_missing_scores_stay_missing_and_count_for_nothing():
    found = dataset_norm(np.array([1.0, np.nan, 3.0]))
    np.testing.assert_array_equal(found, [-1, np.nan, 1])


def test_a_missing_score_ranks_last():
    ids = np.array(["a", "b", "c"], dtype=object)
    assert rank(np.array([1.0, np.nan, 2.0]), id_order(ids), "high").tolist() == [2, 3, 1]


@pytest.mark.parametrize(("hard", "expected"), [("high", [2, 1, 3, 4]), ("low", [4, 3, 1, 2])])
def test_rank_one_is_hardest_and_ties_go_by_id(hard, expected):
    ids = np.array(["d", "c", "a", "b"], dtype=object)
    assert rank(np.array([5.0, 5.0, 1.0, 1.0]), id_order(ids), hard).tolist() == expected


@given(arrays(np.float64, st.integers(1, 30), elements=floats), st.randoms())
def test_ranks_follow_the_rows_when_they_are_shuffled(scores, random):
    ids = np.array([f"row-{number}" for number in range(len(scores))], dtype=object)
    order = list(range(len(scores)))
    random.shuffle(order)
    ranks = rank(scores, id_order(ids), "high")
    np.testing.assert_array_equal(rank(scores[order], id_order(ids[order]), "high"), ranks[order])
    assert sorted(ranks) == list(range(1, len(scores) + 1))
