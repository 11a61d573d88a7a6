"""Near-duplicates: rows of one label that say nearly the same, as an untuned encoder reads them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from influence_core.errors import SelectionError, rule
from influence_core.scores.normalise import id_order
from influence_core.selection.linking import joined
from influence_core.store.run import Run
from influence_core.store.state import dataset_of
from influence_core.training.outlook import read_examples
from influence_core.training.untuned import unit, untuned_file

Integers = npt.NDArray[np.int64]
Features = npt.NDArray[np.floating]

TILE = 1_024
"""Rows whose similarities with as many others are in memory at a time: at most some 60 MB."""

ROUNDING = 1e-6
"""By how much float32 may miss a cosine: equal features must reach a threshold of 1."""


def near_duplicates(
    features: Features, labels: Integers, ids: npt.ArrayLike, threshold: float
) -> Integers:
    """Return a number for each row (n,); rows of one number are near-duplicates.

    Two rows of one label belong together where the cosine of their features is at least the
    threshold, or where rows in between lead from one to the other (connected components). Rows
    with different labels never do, however alike: one of the labels may be wrong, and to drop
    either row would decide which, unseen.

    Args:
        features: pooled features (n, D), which may be a memory map.
        labels: class indices (n,).
        ids: ids of the rows (n,); numbers follow their order, so that that of rows has no say.
        threshold: least cosine similarity, in (0, 1].

    Cost: n² · D / 2 multiplications a class, 95 s for 100,000 rows of 384 features on one core.
    """
    by_id = id_order(ids)
    by_class = by_id[np.argsort(labels[by_id], kind="stable")]
    found = np.empty(len(labels), np.int64)
    taken = 0
    for rows in np.split(by_class, np.cumsum(np.bincount(labels))[:-1]):
        groups, found[rows] = _chained(features, rows, threshold)
        found[rows] += taken
        taken += groups
    return found


def near_duplicates_of(run: Run, threshold: float) -> Integers:
    """Return the near-duplicates among the training rows of a run (training rows,).

    They are told by features of the encoder before fine-tuning: a tuned one brings all rows of a
    label together. Computed once in a process for each version of the run.

    Raises:
        SelectionError: the run has no such features.
    """
    if not untuned_file(run).exists():
        must = (
            f"be left out: run {run.name!r} has no features of an untuned encoder. A probe keeps "
            f"them, and for a fine-tuned run `influence noise {run.name}` makes them"
        )
        raise SelectionError(rule("near_duplicates", must, threshold))
    return _groups(run, run.manifest().content_version, threshold)


def repeats_last(order: Integers, groups: Integers, preference: Integers) -> Integers:
    """Put to the end of an order of rows (n,) all but one of each group, else as they were.

    The one is that which comes first in `preference` (n,), another order of the rows.
    """
    _, first = np.unique(groups[preference], return_index=True)
    leads = np.zeros(len(order), bool)
    leads[preference[first]] = True
    return np.concatenate([order[leads[order]], order[~leads[order]]])


@lru_cache(maxsize=2)
def _groups(run: Run, version: str, threshold: float) -> Integers:
    examples = read_examples(run, dataset_of(run).label_names)
    rows = examples.train_rows
    features = np.load(untuned_file(run), mmap_mode="r")[rows]
    return near_duplicates(features, examples.labels[rows], examples.ids[rows], threshold)


def _chained(features: Features, rows: Integers, threshold: float) -> tuple[int, Integers]:
    """Return how many groups some rows are, and the group of each."""
    group = np.arange(len(rows))
    for first in range(0, len(rows), TILE):
        left = unit(features[rows[first : first + TILE]])
        for second in range(first, len(rows), TILE):
            right = unit(features[rows[second : second + TILE]])
            one, other = np.nonzero(left @ right.T >= threshold - ROUNDING)
            group = joined(group, group[first + one], group[second + other])
    return int(group.max(initial=-1)) + 1, group
