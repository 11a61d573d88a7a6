"""Scores of imported snapshots: what training dynamics say, computed as of a run of our own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from influence_core.exchange.examples import TrainRows
from influence_core.exchange.work import Work
from influence_core.exchange.writing import write_scores
from influence_core.scores.registry import SCORES
from influence_core.store.run import Run

DYNAMICS_SCORES = tuple(key for key, spec in SCORES.items() if spec.needs == "dynamics")
"""Scores that a snapshot an epoch gives."""


def write_observed(
    work: Work,
    train: TrainRows,
    source: Run,
    keys: tuple[str, ...],
    unscored: npt.NDArray[np.bool_],
    more: Mapping[str, npt.NDArray[np.float64]] | None = None,
) -> tuple[str, ...]:
    """Write the scores that follow from the snapshots of `source`, and return their keys.

    Rows marked in `unscored` get none. `more` are scores that are known already.
    """
    from influence_core.scores.table import computed

    made, never = computed(source, train.rows, train.labels, keys, work.settings.scoring)
    made |= more or {}
    known = tuple(key for key in SCORES if key in made)
    for values in made.values():
        values[unscored] = np.nan
    if never is not None:
        never &= ~unscored
    scores = ((key, SCORES[key].hard, made[key]) for key in known)
    write_scores(work.run, train, scores, work.folder, lambda: None, never)
    return known
