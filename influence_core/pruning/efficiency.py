"""Data-score efficiency: what an error rate pays for the rows that went."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def relative_change(errors: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
    """Return ΔER / ER of each pruned model, against the unpruned model of the same seed.

    Args:
        errors: error rates of the pruned models (S,).
        whole: error rates of the unpruned ones (S,), seed by seed.

    Returns:
        Differences over the mean error rate of the unpruned models (S,): 0.05 says 5% more errors.
        NaN where they make none.
    """
    pruned, base = np.asarray(errors, np.float64), np.asarray(whole, np.float64)
    mean = base.mean() if base.size else 0.0
    return (pruned - base) / mean if mean > 0 else np.full(pruned.shape, np.nan)


def sigma(change: npt.ArrayLike, fraction: npt.ArrayLike) -> Floats:
    """Return the data-score efficiency σ = (ΔER / ER) / (Δd / d).

    Args:
        change: relative change of the error rate, as 0.06 for 6% more errors.
        fraction: share of the training rows that went, in (0, 1); Δd / d is its negative.

    Returns:
        0 where nothing is lost, and the more positive the better; without unit. Printed tables
        often multiply by 100.

    Source: Anand, Tan, Minakova: Influence Scores at Scale for Efficient Language Data Sampling.
    EMNLP 2023.

    >>> round(float(sigma(0.0604, 0.52)) * 100, 1)
    -11.6
    """
    return -np.asarray(change, np.float64) / np.asarray(fraction, np.float64)


def cost(seconds: npt.ArrayLike, price: float) -> Floats:
    """Return what so many seconds cost at a price an hour, in the currency of the price.

    >>> float(cost(1800, price=4.0))
    2.0
    """
    return np.asarray(seconds, np.float64) / 3600 * price
