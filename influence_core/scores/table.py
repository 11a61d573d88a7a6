"""`scores.parquet`: from the traces and dynamics of every replicate to one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from influence_core.config import ScoringSettings
from influence_core.progress import Progress
from influence_core.scores import dynamics
from influence_core.scores.gradients.trace import read_trace
from influence_core.scores.label_quality import label_quality
from influence_core.scores.normalise import id_order, score_columns
from influence_core.scores.registry import ScoreSpec
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from influence_core.training.dynamics import Snapshot, read_snapshots, stream
from influence_core.training.folds import OutOfFold, read_out_of_fold
from influence_core.training.minibatches import read_minibatches
from influence_core.training.null import read_null
from influence_core.training.outlook import Examples

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Evidence:
    """What one replicate left to compute scores from; `labels` are those of the training rows."""

    replicate: Run
    rows: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    snapshots: list[Snapshot]
    settings: ScoringSettings

    @cached_property
    def forgetting(self) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """The forgetting events of every row, and whether it was never learnt."""
        minibatches = self.settings.forgetting_from == "minibatches"
        seen = read_minibatches(self.replicate) if minibatches else self.snapshots
        return dynamics.forgetting(column.astype(np.bool_) for column in stream(seen, "correct"))

    @cached_property
    def out_of_fold(self) -> OutOfFold:
        """What models that did not learn from a row say of it."""
        return read_out_of_fold(self.replicate)


_FORMULAS: dict[str, Callable[[_Evidence], Floats]] = {
    "vog": lambda e: read_trace(e.replicate.traces_folder, e.rows, "vog"),
    "tracin": lambda e: read_trace(e.replicate.traces_folder, e.rows, "tracin"),
    "grand": lambda e: read_trace(e.replicate.traces_folder, e.rows, "grand"),
    "el2n": lambda e: _column(e, "el2n", e.settings.el2n_epoch),
    "pvi": lambda e: _pvi(e),
    "forgetting": lambda e: e.forgetting[0],
    "aum": lambda e: dynamics.mean_over(_by_epoch(e, "margin")),
    "confidence": lambda e: dynamics.mean_over(_by_epoch(e, "p_true")),
    "variability": lambda e: dynamics.deviation_over(_by_epoch(e, "p_true")),
    "correctness": lambda e: dynamics.sum_over(_by_epoch(e, "correct")),
    "loss": lambda e: _column(e, "loss", e.settings.final_epoch),
    "margin": lambda e: _column(e, "margin", e.settings.final_epoch),
    "entropy": lambda e: _column(e, "entropy", e.settings.final_epoch),
    "label_quality": lambda e: _label_quality(e),
}


def write_scores(
    run: Run,
    replicates: Sequence[Run],
    examples: Examples,
    specs: Sequence[ScoreSpec],
    settings: ScoringSettings,
    progress: Progress,
) -> None:
    """Compute `specs` from every replicate and write `scores.parquet`.

    A score is the mean over replicates, and with several of them `<key>_spread` is the population
    standard deviation. Each score comes raw, normalised by class and by dataset, and ranked. The
    scores of each replicate alone are written below `replicates/`.
    """
    import pyarrow as pa

    rows = examples.train_rows
    labels, ids = examples.labels[rows], examples.ids[rows]
    evidence = [
        _Evidence(replicate, rows, labels, read_snapshots(replicate.dynamics_folder), settings)
        for replicate in replicates
    ]
    by_id = id_order(ids)
    forgets = any(spec.key == "forgetting" for spec in specs)
    never = np.all([one.forgetting[1] for one in evidence], axis=0) if forgets else None
    columns: dict[str, Any] = {"row": rows, "id": pa.array(ids, pa.string())}
    progress.begin("scores", len(specs), "scores")
    alone: list[dict[str, Any]] = [{} for _ in replicates]
    for spec in specs:
        raw = np.stack([_FORMULAS[spec.key](one) for one in evidence])
        for values, table in zip(raw, alone, strict=True):
            table[spec.key] = values
        unlearnt = never if spec.key == "forgetting" else None
        columns |= score_columns(spec.key, raw.mean(axis=0), spec.hard, labels, by_id, unlearnt)
        if len(raw) > 1:
            columns[f"{spec.key}_spread"] = raw.std(axis=0)
        progress.advance(1)
    if never is not None:
        columns["never_learnt"] = never
        for one, table in zip(evidence, alone, strict=True):
            table["never_learnt"] = one.forgetting[1]
    write_parquet(run.scores_file, pa.table(columns))
    if len(replicates) > 1:
        _write_alone(run, replicates, alone, rows)
    progress.end()


def computed(
    source: Run,
    rows: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    keys: Sequence[str],
    settings: ScoringSettings,
) -> tuple[dict[str, Floats], npt.NDArray[np.bool_] | None]:
    """Return raw scores (rows,) of one replicate, and what was never learnt if forgetting asks."""
    evidence = _Evidence(source, rows, labels, read_snapshots(source.dynamics_folder), settings)
    made = {key: _FORMULAS[key](evidence) for key in keys}
    return made, evidence.forgetting[1] if "forgetting" in keys else None


def _pvi(evidence: _Evidence) -> Floats:
    settings, labels = evidence.settings, evidence.labels
    if settings.pvi_out_of_fold:
        held_out = evidence.out_of_fold
        null = dynamics.log_prior_elsewhere(labels, held_out.fold)
        return dynamics.pvi(held_out.loss, null)
    trained = settings.pvi_null == "trained"
    null = read_null(evidence.replicate)[labels] if trained else dynamics.log_prior(labels)
    return dynamics.pvi(_column(evidence, "loss", settings.pvi_epoch), null)


def _label_quality(evidence: _Evidence) -> Floats:
    """Return label quality, missing where no other fold has the label to learn it from."""
    held_out, labels = evidence.out_of_fold, evidence.labels
    adjusted = evidence.settings.label_quality_adjusted
    quality = label_quality(held_out.probabilities, labels, adjusted=adjusted)
    unlearnable = np.isnan(dynamics.log_prior_elsewhere(labels, held_out.fold))
    return np.where(unlearnable, np.nan, quality)


def _column(evidence: _Evidence, name: str, epoch: int | None) -> Floats:
    snapshot = dynamics.snapshot_at(evidence.snapshots, epoch)
    return snapshot.column(name).astype(np.float64)


def _by_epoch(evidence: _Evidence, name: str) -> Iterator[npt.NDArray[np.generic]]:
    """Stream a column over the ends of epochs: fine early snapshots would outweigh the rest."""
    return stream(dynamics.epoch_ends(evidence.snapshots), name)


def _write_alone(
    run: Run,
    replicates: Sequence[Run],
    tables: list[dict[str, Any]],
    rows: npt.NDArray[np.int64],
) -> None:
    import pyarrow as pa

    for replicate, table in zip(replicates, tables, strict=True):
        name = "seed-first" if replicate.path == run.path else replicate.name
        path = run.replicates_folder / name / "scores.parquet"
        write_parquet(path, pa.table({"row": rows, **table}))
