"""How well an order of rows finds the labels that are known to be wrong, against chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from influence_core.errors import DataError, rule
from influence_core.scores.normalise import rank
from influence_core.scores.registry import End
from influence_core.selection.overlap import Chance, chance

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Detection:
    """What the most suspicious rows have in common with the wrong labels.

    average_precision: mean, over the wrong labels, of the precision down to each, in (0, 1]; an
        order at random has about `wrong` / `rows`.
    precision, recall: share of the top `k` that is wrong, and share of the wrong that is there.
    overlap: Jaccard index of the top `k` and the wrong rows.
    by_chance: the same index of two random sets of these sizes.
    """

    rows: int
    wrong: int
    k: int
    average_precision: float
    precision: float
    recall: float
    overlap: float
    by_chance: Chance

    @property
    def above_chance(self) -> bool:
        """Whether the overlap is larger than that of 97.5% of random sets."""
        return self.overlap > self.by_chance.high


def detection(
    suspicion: npt.ArrayLike,
    wrong: Flags,
    by_id: Integers,
    k: int | None = None,
    suspicious: End = "high",
) -> Detection:
    """Measure an order of rows against the labels that are known to be wrong.

    Args:
        suspicion: any score (n,); missing values come last.
        wrong: whether the label is wrong (n,).
        by_id: the positions that put ids in their order (n,): they break ties.
        k: rows that are looked at; as many as there are wrong labels by default.
        suspicious: the end of `suspicion` where wrong labels are looked for.

    Raises:
        DataError: no label is wrong, so that there is nothing to find; or `k` is out of range.
    """
    rows, total = len(wrong), int(wrong.sum())
    if not total:
        raise DataError(rule("wrong", "mark at least one row", total))
    looked = total if k is None else k
    if not 1 <= looked <= rows:
        raise DataError(rule("k", f"be between 1 and {rows}", looked))
    places = np.sort(rank(np.asarray(suspicion, np.float64), by_id, suspicious)[wrong])
    found = int((places <= looked).sum())
    return Detection(
        rows=rows,
        wrong=total,
        k=looked,
        average_precision=float((np.arange(1, total + 1) / places).mean()),
        precision=found / looked,
        recall=found / total,
        overlap=found / (looked + total - found),
        by_chance=chance(rows, looked, total),
    )
