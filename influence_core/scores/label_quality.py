"""Label quality by confident learning, from out-of-fold probabilities, through cleanlab."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def label_quality(
    probabilities: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int64],
    *,
    adjusted: bool = False,
) -> npt.NDArray[np.float64]:
    """Return how likely each label is right (n,), in [0, 1]; low is suspicious.

    quality = p(y | text), cleanlab's self-confidence. With `adjusted`, the mean self-confidence
    of each class is subtracted from that class's column first and the rows are brought back to
    sum 1, so that a class the model is always unsure of does not look wrong as a whole.

    Args:
        probabilities: of models that did not learn from the row (n, classes).
        labels: class indices (n,).
        adjusted: account for classes of different difficulty; takes three float64 copies of
            `probabilities` in memory.

    Source: Northcutt, Jiang, Chuang, arXiv:1911.00068; Kuan, Mueller, Model-agnostic label
    quality scoring to detect real-world label errors, ICML DataPerf 2022.
    """
    from cleanlab.rank import get_label_quality_scores

    quality = get_label_quality_scores(
        labels, probabilities, method="self_confidence", adjust_pred_probs=adjusted
    )
    return np.asarray(quality, dtype=np.float64)
