"""Held-out judges on frozen features."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from influence_core.errors import ScoreError
from influence_core.noise import held_out
from influence_core.noise.held_out import Judgement, discriminant, neighbours, whitened
from tests.noise.blobs import clouds

CLASSES = 4
LABELS = np.arange(200) % CLASSES
FEATURES = clouds(LABELS, CLASSES)
FOLD = np.arange(200) // 4 % 5
UNITS = np.arange(200)


def nearby(
    features: np.ndarray = FEATURES, labels: np.ndarray = LABELS, units: np.ndarray = UNITS
) -> Judgement:
    return neighbours(features, labels, units, CLASSES, np.random.default_rng(0))


def test_the_discriminant_is_bayes_rule_over_normal_classes() -> None:
    unit = FEATURES / np.linalg.norm(FEATURES, axis=1, keepdims=True)
    x = (unit - unit.mean(axis=0)).astype(np.float64)
    inside = FOLD == 2
    rest, labels = x[~inside], LABELS[~inside]
    means = np.stack([rest[labels == label].mean(axis=0) for label in range(CLASSES)])
    within = rest - means[labels]
    covariance = within.T @ within / len(within)
    share, size = held_out.SHRINKAGE, x.shape[1]
    shrunk = (1 - share) * covariance + share * np.trace(covariance) / size * np.eye(size)
    densities = np.stack([multivariate_normal(mean, shrunk).pdf(x[inside]) for mean in means], 1)
    weighted = densities * np.bincount(labels)
    expected = weighted / weighted.sum(axis=1, keepdims=True)
    found = discriminant(FEATURES, LABELS, FOLD, CLASSES)
    np.testing.assert_allclose(found.probabilities[inside], expected, rtol=1e-3, atol=1e-6)
    given = found.probabilities[np.arange(200), LABELS]
    np.testing.assert_allclose(found.loss, -np.log(given), rtol=1e-4, atol=1e-6)


def test_no_row_judges_itself() -> None:
    """Its label, and those of its fold, change nothing of what is said of it."""
    inside = FOLD == 1
    other = np.where(inside, (LABELS + 1) % CLASSES, LABELS)
    before, after = (discriminant(FEATURES, labels, FOLD, CLASSES) for labels in (LABELS, other))
    np.testing.assert_array_equal(before.probabilities[inside], after.probabilities[inside])
    assert not np.array_equal(before.probabilities[~inside], after.probabilities[~inside])


def test_two_classes_and_one_that_no_other_fold_has() -> None:
    two = discriminant(FEATURES, LABELS % 2, FOLD, 2)
    np.testing.assert_allclose(two.probabilities.sum(axis=1), 1, rtol=1e-5)
    labels = LABELS.copy()
    labels[0] = CLASSES
    found = discriminant(FEATURES, labels, FOLD, CLASSES + 1)
    assert found.probabilities[0, CLASSES] == 0
    assert np.isfinite(found.loss).all()
    assert found.loss[0] == found.loss.max()


def test_one_fold_is_refused() -> None:
    with pytest.raises(ScoreError, match="'fold' must divide the training rows"):
        discriminant(FEATURES, LABELS, np.zeros(200, int), CLASSES)


def test_whitening_makes_classes_round() -> None:
    stretched = FEATURES * np.linspace(1, 20, FEATURES.shape[1], dtype=np.float32)
    points = whitened(stretched, LABELS, UNITS).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, rtol=1e-5)
    means = np.stack([points[label == LABELS].mean(axis=0) for label in range(CLASSES)])
    values = np.linalg.eigvalsh(np.cov((points - means[LABELS]).T))
    assert values.max() / values.min() < 20


def test_neighbours_find_what_does_not_belong() -> None:
    labels = LABELS.copy()
    labels[:10] = (labels[:10] + 1) % CLASSES
    found = nearby(labels=labels)
    assert set(np.argsort(-found.loss)[:10]) == set(range(10))
    np.testing.assert_array_equal(found.probabilities[:10].argmax(axis=1), LABELS[:10])
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_same_text_has_no_vote() -> None:
    """A text that stands there thirty times under a wrong label does not confirm itself."""
    features, labels = FEATURES.copy(), LABELS.copy()
    features[:30], labels[:30] = features[0], (LABELS[0] + 1) % CLASSES
    same = np.where(UNITS < 30, 0, UNITS)
    assert nearby(features, labels).loss[0] < 0.1
    assert nearby(features, labels, same).loss[:30].min() > 1


def test_nobody_is_left_to_vote() -> None:
    found = nearby(units=np.zeros(200, int))
    assert np.isnan(found.loss).all()
    assert not found.probabilities.any()


def test_neighbours_do_not_depend_on_the_order_of_rows() -> None:
    order = np.random.default_rng(3).permutation(200)
    found, shuffled = nearby(), nearby(FEATURES[order], LABELS[order], UNITS[order])
    np.testing.assert_allclose(shuffled.probabilities, found.probabilities[order], atol=1e-4)


def test_of_very_many_rows_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "AMONG", 100)
    first, again = nearby(), nearby()
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert (first.probabilities.argmax(axis=1) == LABELS).mean() > 0.9


@pytest.mark.parametrize("judge", ["discriminant", "neighbours"])
def test_what_is_not_trusted_teaches_nothing(judge: str) -> None:
    trusted = np.arange(200) % 5 > 0

    def judged(labels: np.ndarray) -> np.ndarray:
        if judge == "discriminant":
            return discriminant(FEATURES, labels, FOLD, CLASSES, trusted).probabilities
        generator = np.random.default_rng(0)
        return neighbours(FEATURES, labels, UNITS, CLASSES, generator, trusted).probabilities

    changed = np.where(trusted, LABELS, (LABELS + 1) % CLASSES)
    np.testing.assert_array_equal(judged(LABELS), judged(changed))
    assert (judged(changed).argmax(axis=1) == LABELS).mean() > 0.9


def test_little_data_is_judged_as_far_as_it_goes() -> None:
    """One row of a class: where it is left out, the others can only be of the other class."""
    labels = np.array([0, 0, 0, 0, 1])
    found = discriminant(FEATURES[:5], labels, np.arange(5), 2)
    np.testing.assert_array_equal(found.probabilities[4], [1, 0])
    assert np.isfinite(found.loss).all()
    alone = discriminant(FEATURES[:3], np.arange(3), np.arange(3), 3)
    assert np.isnan(alone.loss).all()
