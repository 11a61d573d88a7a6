"""Label quality against cleanlab called directly, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from cleanlab.rank import get_label_quality_scores, get_self_confidence_for_each_label

from influence_core.scores.label_quality import label_quality

PROBABILITIES = np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6], [0.2, 0.8]])
LABELS = np.array([0, 0, 0, 1])


def test_by_hand() -> None:
    np.testing.assert_allclose(label_quality(PROBABILITIES, LABELS), [0.9, 0.7, 0.4, 0.8])


def test_adjusted_by_hand() -> None:
    # Mean self-confidence is 2/3 in class 0 and 0.8 in class 1. cleanlab then lifts all by the
    # largest of them, 0.8, and divides each row by its sum.
    lifted = PROBABILITIES - [2 / 3, 0.8] + 0.8
    expected = (lifted / lifted.sum(axis=1, keepdims=True))[np.arange(4), LABELS]
    np.testing.assert_allclose(label_quality(PROBABILITIES, LABELS, adjusted=True), expected)


@pytest.mark.parametrize("adjusted", [False, True])
def test_equals_cleanlab(adjusted: bool) -> None:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(5), 200).astype(np.float32)
    labels = generator.integers(5, size=200)
    found = label_quality(probabilities, labels, adjusted=adjusted)
    expected = get_label_quality_scores(labels, probabilities, adjust_pred_probs=adjusted)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    if not adjusted:
        plain = get_self_confidence_for_each_label(labels, probabilities)
        np.testing.assert_array_equal(found, plain)


@pytest.mark.parametrize("adjusted", [False, True])
def test_a_class_without_rows_is_no_obstacle(adjusted: bool) -> None:
    padded = np.column_stack([PROBABILITIES, np.zeros(4)])
    found = label_quality(padded, LABELS, adjusted=adjusted)
    assert np.isfinite(found).all()
    assert found.argmin() == 2
