"""From hand-made snapshots to `scores.parquet`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from influence_core.config import RunSettings, ScoringSettings
from influence_core.progress import silent
from influence_core.scores.registry import SCORES, resolve
from influence_core.scores.table import _FORMULAS, write_scores
from influence_core.store.run import Run, create_run
from influence_core.training.dynamics import COLUMNS, observe, write_snapshot
from influence_core.training.outlook import Examples

CORRECT = [
    # never learnt, steady, forgotten twice, forgotten once, never learnt
    [0, 1, 1, 0, 0],
    [0, 1, 0, 1, 0],
    [0, 1, 1, 1, 0],
    [0, 1, 0, 0, 0],
]
"""Whether each of five rows is right, a line a snapshot."""

AGAIN = [
    # learnt, steady, forgotten once, steady, never learnt
    [0, 1, 1, 1, 0],
    [1, 1, 0, 1, 0],
    [1, 1, 0, 1, 0],
    [1, 1, 0, 1, 0],
]
"""The same rows in a training from another seed."""

EXAMPLES = Examples(
    ids=np.array(list("edcba"), object),
    labels=np.array([0, 1, 0, 1, 0]),
    splits=np.array(["train"] * 5, object),
)


def scored(
    run: Run,
    keys: Sequence[str],
    settings: ScoringSettings | None = None,
    replicates: Sequence[Run] = (),
    examples: Examples = EXAMPLES,
) -> pd.DataFrame:
    specs, settings = resolve(keys, "probe"), settings or ScoringSettings()
    write_scores(run, [run, *replicates], examples, specs, settings, silent())
    return run.scores()


def write_correct(run: Run, history: Sequence[Sequence[int]], el2n: float = 0.0) -> Run:
    for epoch, correct in enumerate(history, start=1):
        columns = {name: np.zeros(5, np.float32) for name in COLUMNS}
        columns["correct"] = np.array(correct, bool)
        columns["el2n"] += np.float32(el2n * epoch)
        write_snapshot(run.dynamics_folder, 10 * epoch, float(epoch), columns)
    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run("by-hand", RunSettings(), tmp_path)


def test_every_score_of_the_registry_can_be_computed() -> None:
    assert set(_FORMULAS) == set(SCORES)


def test_never_learnt_rows_have_nothing_to_forget_and_rank_hardest(run: Run) -> None:
    scores = scored(write_correct(run, CORRECT), ["forgetting"])
    assert scores.forgetting.tolist() == [0, 0, 2, 1, 0]
    assert scores.never_learnt.tolist() == [True, False, False, False, True]
    assert scores.forgetting_rank.tolist() == [2, 5, 3, 4, 1]  # ties in the order of the ids


def test_several_seeds_are_averaged(run: Run) -> None:
    write_correct(run, CORRECT, el2n=0.1)
    second = write_correct(Run(run.replicates_folder / "seed-1"), AGAIN, el2n=0.3)
    scores = scored(run, ["el2n", "forgetting"], replicates=[second])
    np.testing.assert_allclose(scores.el2n, [(0.2 + 0.6) / 2] * 5, rtol=1e-6)
    np.testing.assert_allclose(scores.el2n_spread, [0.2] * 5, rtol=1e-6)
    assert scores.forgetting.tolist() == [0, 0, 1.5, 0.5, 0]
    assert scores.forgetting_spread.tolist() == [0, 0, 0.5, 0.5, 0]
    assert scores.never_learnt.tolist() == [False, False, False, False, True]
    assert scores.forgetting_rank.tolist() == [5, 4, 2, 3, 1]
    alone = [
        pd.read_parquet(run.replicates_folder / name / "scores.parquet")
        for name in ("seed-first", "seed-1")
    ]
    assert [table.forgetting.tolist() for table in alone] == [[0, 0, 2, 1, 0], [0, 0, 1, 0, 0]]


class TestReadFromTheTrainedModel:
    """Loss, margin and entropy of two rows, worked by hand from their logits."""

    LOGITS = ([[0, 0], [0, 0]], [[np.log(3), 0], [0, np.log(7)]])
    """Logits of two rows of class 0, an epoch a table: p(y) = 1/2, 1/2; then 3/4, 1/8."""

    @pytest.fixture
    def trained(self, run: Run) -> Run:
        for epoch, logits in enumerate(self.LOGITS, start=1):
            found = observe(torch.tensor(logits, dtype=torch.float64), torch.tensor([0, 0]))
            columns = {name: values.numpy() for name, values in found.items()}
            write_snapshot(run.dynamics_folder, 10 * epoch, float(epoch), columns)
        return run

    def read(self, run: Run, settings: ScoringSettings | None = None) -> pd.DataFrame:
        examples = Examples(
            np.array(["a", "b"], object), np.zeros(2, np.int64), np.array(["train"] * 2, object)
        )
        return scored(run, ["loss", "margin", "entropy"], settings, examples=examples)

    def test_at_the_last_epoch(self, trained: Run) -> None:
        scores = self.read(trained)
        np.testing.assert_allclose(scores.loss, np.log([4 / 3, 8]))
        np.testing.assert_allclose(scores.margin, [np.log(3), -np.log(7)])
        sure = -(3 / 4 * np.log(3 / 4) + 1 / 4 * np.log(1 / 4))
        surer = -(1 / 8 * np.log(1 / 8) + 7 / 8 * np.log(7 / 8))
        np.testing.assert_allclose(scores.entropy, [sure, surer])
        assert scores.loss_rank.tolist() == scores.margin_rank.tolist() == [2, 1]
        assert scores.entropy_rank.tolist() == [1, 2]

    def test_at_a_chosen_epoch(self, trained: Run) -> None:
        scores = self.read(trained, ScoringSettings(final_epoch=1))
        np.testing.assert_allclose(scores.loss, np.log([2, 2]))
        np.testing.assert_allclose(scores.margin, [0, 0], atol=1e-12)
        np.testing.assert_allclose(scores.entropy, np.log([2, 2]))
