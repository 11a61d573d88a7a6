"""Whole runs with the scores that need models of their own: out of fold, and of empty texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cleanlab.rank import get_label_quality_scores
from scipy.stats import spearmanr

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
    validated,
)
from influence_core.errors import ConfigError
from influence_core.scores.agreement import read_agreement
from influence_core.store.run import Run
from tests.requests import write_requests


def finished(
    folder: Path,
    encoder: Path,
    mode: str,
    scoring: ScoringSettings,
    seeds: int = 1,
    group: str | None = None,
) -> Run:
    """Make a run of requests, of which every four in turn are of one speaker."""
    source = write_requests(folder / "requests.csv")
    asked = pd.read_csv(source)
    asked.assign(speaker=asked.index // 4).to_csv(source, index=False)
    settings = RunSettings(
        data=DataSettings(source=str(source), group=group),
        model=ModelSettings(encoder=str(encoder)),
        training=TrainingSettings(
            mode=mode, epochs=3, batch_size=16, checkpoints=2, seeds=seeds, precision="fp32"
        ),
        scoring=scoring,
    )
    return pipeline.run(name=mode, settings=settings, root=folder)


def labels_of(run: Run) -> np.ndarray:
    examples, names = run.examples(["label"]), run.manifest().dataset.label_names
    return examples.label.map(names.index).to_numpy()[run.scores(["row"]).row]


def held_out_of(folder: Path) -> tuple[pd.DataFrame, np.ndarray]:
    held_out = folder / "out_of_fold"
    return pd.read_parquet(held_out / "rows.parquet"), np.load(held_out / "probabilities.npy")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> dict[str, Run]:
    scoring = ScoringSettings(scores=("pvi", "label_quality"), pvi_null="trained", folds=3)
    return {
        mode: finished(tmp_path_factory.mktemp(mode), tiny_encoder, mode, scoring)
        for mode in ("probe", "finetune")
    }


@pytest.mark.parametrize("mode", ["probe", "finetune"])
def test_label_quality_is_cleanlabs(runs: dict[str, Run], mode: str) -> None:
    run = runs[mode]
    rows, probabilities = held_out_of(run.path)
    expected = get_label_quality_scores(labels_of(run), probabilities)
    np.testing.assert_allclose(run.scores().label_quality, expected, rtol=1e-6)
    assert rows.row.tolist() == run.scores().row.tolist()
    assert set(rows.fold) == {0, 1, 2}


def test_groups_lie_in_one_fold(tmp_path: Path, tiny_encoder: Path) -> None:
    scoring = ScoringSettings(scores=("label_quality",), folds=3)
    run = finished(tmp_path, tiny_encoder, "probe", scoring, group="speaker")
    rows, _ = held_out_of(run.path)
    speaker = run.examples(["speaker"]).speaker.to_numpy()[rows.row]
    assert rows.groupby(speaker).fold.nunique().max() == 1
    assert rows.groupby(speaker).size().min() > 1
    assert set(rows.fold) == {0, 1, 2}


def test_fine_tuning_leaves_no_mark_on_what_is_out_of_fold(runs: dict[str, Run]) -> None:
    """Both modes judge from features of the same untuned encoder."""
    (_, probed), (_, tuned) = (held_out_of(run.path) for run in runs.values())
    np.testing.assert_allclose(probed, tuned, rtol=1e-4, atol=1e-6)
    assert "frozen features" in runs["finetune"].manifest().stages
    assert "frozen features" not in runs["probe"].manifest().stages


@pytest.mark.parametrize("mode", ["probe", "finetune"])
def test_pvi_against_the_trained_null(runs: dict[str, Run], mode: str) -> None:
    run = runs[mode]
    null = pd.read_parquet(run.path / "null.parquet")
    assert null.label.tolist() == list(run.manifest().dataset.label_names)
    assert (2**null.log2_p).sum() == pytest.approx(1)
    (snapshot,) = (
        path
        for path in run.dynamics_folder.glob("*.parquet")
        if pd.read_parquet(path).shape[0] and _epoch(path) == 2
    )
    log2_p = np.log2(pd.read_parquet(snapshot).p_true.astype(float))
    expected = log2_p - null.log2_p.to_numpy()[labels_of(run)]
    np.testing.assert_allclose(run.scores().pvi, expected, rtol=1e-4, atol=1e-5)


def _epoch(path: Path) -> float:
    import pyarrow.parquet as pq

    return float(pq.read_schema(path).metadata[b"epoch"])


def test_pvi_out_of_fold_of_two_seeds(tmp_path: Path, tiny_encoder: Path) -> None:
    scoring = ScoringSettings(scores=("pvi",), pvi_out_of_fold=True)
    run = finished(tmp_path, tiny_encoder, "probe", scoring, seeds=2)
    labels, found = labels_of(run), []
    for folder in (run.path, run.replicates_folder / "seed-1"):
        rows, probabilities = held_out_of(folder)
        own = probabilities[np.arange(len(labels)), labels].astype(float)
        elsewhere = np.array(
            [
                np.mean(labels[rows.fold != fold] == label)
                for fold, label in zip(rows.fold, labels, strict=True)
            ]
        )
        found.append(np.log2(own) - np.log2(elsewhere))
    np.testing.assert_allclose(run.scores().pvi, np.mean(found, axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(run.scores().pvi_spread, np.std(found, axis=0), atol=1e-5)
    agreement = read_agreement(run)
    assert agreement is not None
    assert (agreement.replicates, agreement.pairs) == (2, ())
    expected = spearmanr(*found).statistic
    assert agreement.stability["pvi"].spearman == pytest.approx(expected, abs=1e-3)


def test_a_null_that_saw_the_row_is_refused() -> None:
    settings = {"pvi_out_of_fold": True, "pvi_null": "trained"}
    with pytest.raises(ConfigError, match="'pvi_null' must be 'prior' where PVI is out of fold"):
        validated(ScoringSettings, settings)
