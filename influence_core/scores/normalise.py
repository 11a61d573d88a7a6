"""Normalised scores and ranks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from influence_core.scores.registry import End
from influence_core.store.columns import rank_column, score_column

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


def id_order(ids: npt.ArrayLike | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return the positions of the ids in their order (n,), at once where they are in order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known: Any = ids if isinstance(ids, pa.ChunkedArray) else pa.array(ids)
    before, after = known.slice(0, max(len(known) - 1, 0)), known.slice(1)
    if len(known) < 2 or pc.all(pc.less_equal(before, after)).as_py():
        return np.arange(len(known))
    return np.asarray(pc.sort_indices(known), dtype=np.int64)


def rank(scores: Floats, by_id: npt.NDArray[np.int64], hard: End) -> npt.NDArray[np.int64]:
    """Return ranks 1 … n, 1 the hardest; missing scores come last.

    Ties go by id: `by_id` (n,) are the positions of the ids in their order.
    """
    keys = -scores if hard == "high" else scores
    order = by_id[np.argsort(keys[by_id], kind="stable")]
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[order] = np.arange(1, len(scores) + 1)
    return ranks


def score_columns(
    key: str,
    scores: Floats,
    hard: End,
    labels: npt.NDArray[np.int64],
    by_id: npt.NDArray[np.int64],
    never_learnt: npt.NDArray[np.bool_] | None = None,
) -> Iterator[tuple[str, npt.NDArray[np.generic]]]:
    """Yield the columns of a score, one in memory at a time: raw, normalised twice, ranked.

    Of forgetting, `never_learnt` (n,) has nothing to forget, and ranks harder than what was learnt.
    """
    yield score_column(key), scores
    yield score_column(key, "class"), class_norm(scores, labels)
    yield score_column(key, "dataset"), dataset_norm(scores)
    ranked = scores if never_learnt is None else np.where(never_learnt, np.inf, scores)
    yield rank_column(key), rank(ranked, by_id, hard)
