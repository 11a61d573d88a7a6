"""Which label a row should have instead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def suggestion(
    probabilities: Sequence[npt.NDArray[np.floating]], labels: Integers
) -> tuple[Integers, Floats]:
    """Return the most likely label other than the given one, and its probability.

    Args:
        probabilities: of each witness (n, classes); their mean decides, the first class of equals.
        labels: class indices as given (n,).

    Returns:
        Class indices (n,) and probabilities (n,) in [0, 1]; above 0.5 the witnesses believe the
        suggestion more than all other labels together.
    """
    every = np.arange(len(labels))
    mean: Floats = np.stack(probabilities).mean(axis=0, dtype=np.float64)
    mean[every, labels] = -1.0
    best = mean.argmax(axis=1)
    return best, np.maximum(mean[every, best], 0.0)
