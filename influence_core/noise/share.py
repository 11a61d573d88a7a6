"""How many labels are wrong: an estimate that needs no label to be known as wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Z = 1.96
"""Standard errors on either side that make 95%."""

_TINY = np.finfo(np.float32).tiny


class WrongShare(BaseModel):
    """Estimated share of wrong labels, and the interval that it lies in.

    share: rows in the off-diagonal of the confident joint of calibrated held-out probabilities.
    low: what no doubt of the model explains: the weight of a uniform class in the labels, less
        sampling error. Wrong labels of classes that are easily confused are not in it.
    high: the off-diagonal of the confident joint, calibrated to the counts of the classes, with
        sampling error. Right labels of texts that fit several classes may be in it.
    """

    model_config = ConfigDict(frozen=True)

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """Temperature at which probabilities fit the labels, and the weight of labels out of the blue.

    p(y | text) = (1 − π) softmax(ln p / T)_y + π / C.
    """

    temperature: float
    uniform: float

    def apply(self, probabilities: npt.NDArray[np.floating]) -> Floats:
        """Return softmax(ln p / T) (n, classes)."""
        from scipy.special import softmax

        scaled = np.log(np.maximum(probabilities, _TINY)) / self.temperature
        calibrated: Floats = softmax(scaled, axis=1)
        return calibrated


def calibrate(probabilities: npt.NDArray[np.floating], labels: Integers) -> Calibration:
    """Fit the temperature and the weight of uniformly wrong labels together, by most likelihood.

    A temperature alone would be raised by wrong labels, and so hide them.

    Args:
        probabilities: of models that did not learn from the row (n, classes).
        labels: class indices (n,).
    """
    from scipy.optimize import minimize
    from scipy.special import expit, logit, logsumexp

    logs = np.log(np.maximum(probabilities, _TINY))
    classes, given = logs.shape[1], logs[np.arange(len(labels)), labels]

    def surprise(point: Floats) -> float:
        temperature, uniform = np.exp(point[0]), expit(point[1])
        likely = np.exp(given / temperature - logsumexp(logs / temperature, axis=1))
        return float(-np.log((1 - uniform) * likely + uniform / classes).mean())

    found = minimize(
        surprise,
        [np.log(2.0), logit(0.05)],
        method="Nelder-Mead",
        options={"xatol": 1e-2, "fatol": 1e-6},
    )
    return Calibration(float(np.exp(found.x[0])), float(expit(found.x[1])))


def wrong_share(
    probabilities: npt.NDArray[np.floating], labels: Integers, calibration: Calibration
) -> WrongShare:
    """Estimate the share of wrong labels, between two readings of the same probabilities.

    Args:
        probabilities: of models that did not learn from the row (n, classes).
        labels: class indices (n,).
        calibration: of these probabilities, as `calibrate` finds it.

    Source: Northcutt, Jiang, Chuang: Confident Learning. JAIR 2021. arXiv:1911.00068.
    """
    from cleanlab.count import num_label_issues

    rows, classes = probabilities.shape
    calibrated = calibration.apply(probabilities)
    counted = num_label_issues(labels, calibrated) / rows
    scaled = num_label_issues(labels, calibrated, estimation_method="off_diagonal_calibrated")
    unexplained = calibration.uniform * (1 - 1 / classes)
    given = calibrated[np.arange(rows), labels]
    low = min(counted, unexplained) - Z * _uniform_error(given, calibration.uniform, classes)
    high = max(counted, scaled / rows, unexplained)
    high += Z * np.sqrt(high * (1 - high) / rows)
    return WrongShare(share=counted, low=max(low, 0.0), high=min(high, 1.0))


def _uniform_error(given: Floats, uniform: float, classes: int) -> float:
    """Return the standard error of the weight of uniformly wrong labels, from its likelihood."""
    mixed = (1 - uniform) * given + uniform / classes
    information = (((1 / classes - given) / mixed) ** 2).sum()
    return float(1 / np.sqrt(information)) if information > 0 else 1.0
