"""The estimated share of wrong labels, on labels that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from influence_core.noise.inject import confusion_of
from influence_core.noise.share import Calibration, calibrate, wrong_share

CLASSES, ROWS = 8, 4_000


def said(seed: int, wrong: float, kind: str = "uniform", certain: float = 3.0) -> tuple:
    """Return calibrated probabilities, labels, and the share of them that is really wrong.

    Labels are drawn from the probabilities, which are right then; some are drawn again.
    """
    generator = np.random.default_rng(seed)
    probabilities = softmax(certain * generator.normal(size=(ROWS, CLASSES)), axis=1)
    steps = probabilities.cumsum(axis=1)
    labels = (generator.random((ROWS, 1)) > steps).sum(axis=1).clip(max=CLASSES - 1)
    confusion = np.ones((CLASSES, CLASSES)) / CLASSES
    if kind == "confused":
        confusion = confusion_of(probabilities, labels)
    noisy = labels.copy()
    for row in np.flatnonzero(generator.random(ROWS) < wrong):
        noisy[row] = generator.choice(CLASSES, p=confusion[labels[row]])
    return probabilities, noisy, (noisy != labels).mean()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.3])
def test_temperature_and_wrong_labels_are_told_apart(temperature: float, wrong: float) -> None:
    probabilities, labels, really = said(0, wrong)
    logs = np.log(probabilities) * temperature
    found = calibrate(softmax(logs, axis=1), labels)
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.uniform * (1 - 1 / CLASSES) == pytest.approx(really, abs=0.015)
    np.testing.assert_allclose(
        Calibration(temperature, 0.0).apply(softmax(logs, axis=1)), probabilities, atol=1e-6
    )


@pytest.mark.parametrize("wrong", [0.0, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("kind", ["uniform", "confused"])
def test_the_interval_holds_the_truth(kind: str, wrong: float) -> None:
    held = 0
    for seed in range(5):
        probabilities, labels, really = said(seed, wrong, kind, certain=6.0)
        found = wrong_share(probabilities, labels, calibrate(probabilities, labels))
        assert 0 <= found.low <= found.share <= found.high <= 1
        held += found.low <= really <= found.high
    assert held >= 4
