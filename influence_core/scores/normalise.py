"""Normalised scores and ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.scores.registry import End

if TYPE_CHECKING:
    import pyarrow as pa

Floats = npt.NDArray[np.float64]


def dataset_norm(scores: Floats) -> Floats:
    """Return z-scores over all rows, with the population deviation; 0 where there is no spread.

    Missing scores stay missing and count for nothing.
    """
    return class_norm(scores, np.zeros(len(scores), dtype=np.int64))


def class_norm(scores: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    """Return z-scores within each class (n,), with the population deviation.

    A class of one row, or without spread, gets 0. Missing scores stay missing.
    """
    known = ~np.isnan(scores)
    counts = np.bincount(labels[known], minlength=labels.max(initial=0) + 1)
    safe = np.maximum(counts, 1)
    filled = np.where(known, scores, 0.0)
    mean = np.bincount(labels, weights=filled, minlength=len(counts)) / safe
    deviations = np.where(known, scores - mean[labels], 0.0)
    variance = np.bincount(labels, weights=deviations**2, minlength=len(counts)) / safe
    deviation = np.sqrt(variance)
    flat = deviation <= 1e-12 * np.maximum(np.abs(mean), np.finfo(np.float64).tiny)
    scale = np.where(flat, 1.0, deviation)
    z = np.where(flat[labels], 0.0, deviations / scale[labels])
    return np.where(known, z, np.nan)


def rank(scores: Floats, ids: npt.NDArray[np.object_], hard: End) -> npt.NDArray[np.int64]:
    """Return ranks 1 … n, 1 the hardest; ties go by id, missing scores come last."""
    return rank_along(scores, id_order(ids), hard)


def id_order(ids: npt.NDArray[np.object_] | pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """Return the positions of the ids in their order (n,)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = ids if isinstance(ids, pa.ChunkedArray) else pa.array(ids)
    return np.asarray(pc.sort_indices(known))


def rank_along(scores: Floats, by_id: npt.NDArray[np.uint64], hard: End) -> npt.NDArray[np.int64]:
    """Return ranks as `rank` does, the order of the ids being known already."""
    keys = -scores if hard == "high" else scores
    order = by_id[np.argsort(keys[by_id], kind="stable")]
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[order] = np.arange(1, len(scores) + 1)
    return ranks
