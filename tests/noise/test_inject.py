"""Wrong labels on purpose: exact counts, seeded, training rows only, in any order of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.errors import DataError
from influence_core.noise.inject import Flips, confused, confusion_of, uniform

CLASSES = 3
LABELS = np.arange(600) % CLASSES
ROWS = np.arange(0, 600, 2)
IDS = np.array([f"id-{row:04d}" for row in ROWS])
CONFUSION = np.array([[0.0, 0.8, 0.2], [0.5, 0.0, 0.5], [1.0, 0.0, 0.0]])


def drawn(kind: str, share: float = 0.1, seed: int = 0, order: np.ndarray | None = None) -> Flips:
    place = np.arange(len(ROWS)) if order is None else order
    generator = np.random.default_rng(seed)
    rows, ids = ROWS[place], IDS[place]
    if kind == "uniform":
        return uniform(LABELS, rows, ids, share, CLASSES, generator)
    return confused(LABELS, rows, ids, share, CONFUSION, generator)


@pytest.mark.parametrize("kind", ["uniform", "confused"])
@given(share=st.floats(0, 1), seed=st.integers(0, 99))
def test_counts_are_exact_and_other_rows_are_left_alone(kind: str, share: float, seed: int) -> None:
    flips = drawn(kind, share, seed)
    assert len(flips.rows) == len(set(flips.rows)) == round(share * len(ROWS))
    assert set(flips.rows) <= set(ROWS)
    assert (np.diff(flips.rows) > 0).all()
    noisy = flips.applied(LABELS)
    assert np.flatnonzero(noisy != LABELS).tolist() == flips.wrong.tolist()
    np.testing.assert_array_equal(flips.before, LABELS[flips.rows])


@pytest.mark.parametrize("kind", ["uniform", "confused"])
def test_the_seed_decides_and_the_order_of_rows_does_not(kind: str) -> None:
    first, again, other = drawn(kind), drawn(kind), drawn(kind, seed=1)
    shuffled = drawn(kind, order=np.random.default_rng(5).permutation(len(ROWS)))
    for flips in (again, shuffled):
        np.testing.assert_array_equal(first.rows, flips.rows)
        np.testing.assert_array_equal(first.after, flips.after)
    assert first.rows.tolist() != other.rows.tolist()


def test_a_uniform_draw_may_return_the_label_and_a_confused_one_never_does() -> None:
    """Of labels of three classes drawn anew, two thirds are wrong, as the paper says."""
    shares = [len(drawn("uniform", 1.0, seed).wrong) / len(ROWS) for seed in range(40)]
    assert np.mean(shares) == pytest.approx(2 / 3, abs=0.01)
    flips = drawn("confused", 1.0)
    assert flips.wrong.tolist() == flips.rows.tolist()


def test_labels_go_where_the_confusion_sends_them() -> None:
    flips = drawn("confused", 1.0)
    for label in range(CLASSES):
        after = np.bincount(flips.after[flips.before == label], minlength=CLASSES)
        assert after[CONFUSION[label] == 0].sum() == 0
        np.testing.assert_allclose(after / after.sum(), CONFUSION[label], atol=0.1)


def test_confusion_by_hand() -> None:
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.0, 1.0, 0.0]])
    labels = np.array([0, 0, 1])
    np.testing.assert_allclose(
        confusion_of(probabilities, labels),
        [[0.0, 0.5 / 0.6, 0.1 / 0.6], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]],
    )


def test_what_cannot_be_wrong_is_refused() -> None:
    with pytest.raises(DataError, match=r"'classes' must be two or more, .*; got 1"):
        confusion_of(np.ones((4, 1)), np.zeros(4, np.int64))
    with pytest.raises(DataError, match=r"'share' must be in \[0, 1\]; got 1.5"):
        drawn("uniform", 1.5)
    with pytest.raises(DataError, match=r"'classes' must be two or more, .*; got 1"):
        uniform(LABELS, ROWS, IDS, 0.1, 1, np.random.default_rng(0))
