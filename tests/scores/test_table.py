"""From hand-made snapshots to `scores.parquet`."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.config import RunSettings, ScoringSettings
from influence_core.progress import silent
from influence_core.scores.registry import SCORES, resolve
from influence_core.scores.table import _FORMULAS, write_scores
from influence_core.store.run import create_run
from influence_core.training.dynamics import COLUMNS, write_snapshot
from influence_core.training.outlook import Examples

CORRECT = [
    # never learnt, steady, forgotten twice, forgotten once, never learnt
    [0, 1, 1, 0, 0],
    [0, 1, 0, 1, 0],
    [0, 1, 1, 1, 0],
    [0, 1, 0, 0, 0],
]
"""Whether each of five rows is right, a line a snapshot."""


@pytest.fixture
def scores(tmp_path):
    run = create_run("by-hand", RunSettings(), tmp_path)
    for epoch, correct in enumerate(CORRECT, start=1):
        columns = {name: np.zeros(5, np.float32) for name in COLUMNS}
        columns["correct"] = np.array(correct, bool)
        write_snapshot(run.dynamics_folder, 10 * epoch, float(epoch), columns)
    examples = Examples(
        ids=np.array(list("edcba"), object),
        labels=np.array([0, 1, 0, 1, 0]),
        splits=np.array(["train"] * 5, object),
    )
    specs = resolve(["forgetting"], "probe")
    write_scores(run, [run], examples, specs, ScoringSettings(), silent())
    return run.scores()


def test_every_score_of_the_registry_can_be_computed():
    assert set(_FORMULAS) == set(SCORES)


def test_never_learnt_rows_have_nothing_to_forget_and_rank_hardest(scores):
    assert scores.forgetting.tolist() == [0, 0, 2, 1, 0]
    assert scores.never_learnt.tolist() == [True, False, False, False, True]
    assert scores.forgetting_rank.tolist() == [2, 5, 3, 4, 1]  # ties in the order of the ids
