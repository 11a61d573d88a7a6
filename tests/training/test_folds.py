"""How rows are dealt into folds, and that no probability comes from a model that saw its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from influence_core.config import (
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import RunError, ScoreError
from influence_core.progress import silent
from influence_core.store.run import Run
from influence_core.training import folds
from influence_core.training.folds import (
    deal_folds,
    read_out_of_fold,
    write_out_of_fold,
)
from influence_core.training.outlook import Examples

CLASSES = 3


@given(st.lists(st.integers(0, 5), min_size=2, max_size=80), st.integers(2, 7), st.integers(0, 99))
def test_folds_are_even_in_every_class(labels: list[int], count: int, seed: int) -> None:
    given = np.array(labels)
    fold = deal_folds(given, np.arange(len(given)), count, np.random.default_rng(seed))
    for part in (slice(None), *(given == label for label in set(labels))):
        counts = np.bincount(fold[part], minlength=count)
        assert counts.max() - counts.min() <= 1


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=2, max_size=60),
    st.integers(2, 5),
)
def test_rows_of_a_unit_stay_together(rows: list[tuple[int, int]], count: int) -> None:
    labels, units = np.array(rows).T
    fold = deal_folds(labels, units, count, np.random.default_rng(0))
    assert all(len(set(fold[units == unit])) == 1 for unit in units)
    assert len(set(fold)) == min(count, len(set(units)))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 6)), min_size=2, max_size=40),
    st.integers(2, 6),
)
def test_groups_of_a_class_are_spread(groups: list[tuple[int, int]], count: int) -> None:
    """Folds differ by no more rows of a class than its largest group has."""
    label, size = np.array(groups).T
    labels, units = np.repeat(label, size), np.repeat(np.arange(len(size)), size)
    fold = deal_folds(labels, units, count, np.random.default_rng(0))
    for one in set(label):
        counts = np.bincount(fold[labels == one], minlength=count)
        assert counts.max() - counts.min() <= size[label == one].max()


def test_folds_follow_the_seed() -> None:
    labels = np.zeros(50, np.int64)
    first, again, other = (
        deal_folds(labels, np.arange(50), 5, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.fixture
def clusters() -> tuple[np.ndarray, Examples]:
    """Features of three clouds of points, every tenth label wrong, a fifth of the rows held out."""
    generator = np.random.default_rng(0)
    truth = np.arange(300) % CLASSES
    features = 4 * np.eye(8)[truth] + generator.normal(size=(300, 8))
    labels = np.where(np.arange(300) % 10 == 4, (truth + 1) % CLASSES, truth)
    splits = np.where(np.arange(300) % 5 == 0, "test", "train").astype(object)
    ids = np.array([f"row-{number}" for number in range(300)], object)
    return features.astype(np.float16), Examples(ids, labels, splits)


def judged(
    folder: Path, features: np.ndarray, examples: Examples, units: np.ndarray | None = None
) -> Run:
    settings = RunSettings(
        model=ModelSettings(head_widths=(16,)),
        training=TrainingSettings(epochs=8, batch_size=32, head_lr=1e-2),
        scoring=ScoringSettings(folds=4),
    )
    units = np.arange(len(examples.train_rows)) if units is None else units
    run = Run(folder)
    write_out_of_fold(features, examples, units, CLASSES, settings, 0, run, silent())
    return run


def test_probabilities_agree_with_those_of_another_classifier(clusters, tmp_path: Path) -> None:
    features, examples = clusters
    found = read_out_of_fold(judged(tmp_path, features, examples))
    rows = examples.train_rows
    np.testing.assert_array_equal(found.rows, rows)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    own = found.probabilities[np.arange(len(rows)), examples.labels[rows]]
    np.testing.assert_allclose(np.exp(-found.loss), own, rtol=1e-5, atol=1e-12)
    reference = cross_val_predict(
        LogisticRegression(), features[rows], examples.labels[rows], cv=4, method="predict_proba"
    )
    agreed = found.probabilities.argmax(axis=1) == reference.argmax(axis=1)
    assert agreed.mean() > 0.95


def test_a_label_is_judged_without_being_known(
    clusters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    features, examples = clusters
    fold = np.arange(len(examples.train_rows)) % 4
    monkeypatch.setattr(folds, "deal_folds", lambda *_: fold)
    changed = examples.labels.copy()
    row = examples.train_rows[7]
    changed[row] = (changed[row] + 1) % CLASSES
    relabelled = Examples(examples.ids, changed, examples.splits)
    before, after = (
        read_out_of_fold(judged(tmp_path / name, features, given)).probabilities
        for name, given in (("before", examples), ("after", relabelled))
    )
    mates = fold == fold[7]
    np.testing.assert_array_equal(before[mates], after[mates])
    assert (before[~mates] != after[~mates]).any()


def test_one_group_cannot_be_divided(clusters, tmp_path: Path) -> None:
    features, examples = clusters
    with pytest.raises(ScoreError, match="two or more groups"):
        judged(tmp_path, features, examples, np.zeros(len(examples.train_rows), np.int64))


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no out-of-fold probabilities"):
        read_out_of_fold(Run(tmp_path))
