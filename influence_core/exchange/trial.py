"""An import tried out before there is a run: what would match, and what the scores look like."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from influence_core.config import CustomScore, RunSettings
from influence_core.data.loading import load
from influence_core.exchange.importing import bring_in, check
from influence_core.exchange.staging import head_of
from influence_core.progress import Progress
from influence_core.scores.registry import specs_of
from influence_core.store.run import DatasetSummary, Run, create_run
from influence_core.store.state import dataset_of


@dataclass(frozen=True)
class TriedScore:
    """A score that an import brings: in how many training rows, and over which values.

    `lowest`, `median` and `highest` are NaN where no row has a value.
    """

    key: str
    label: str
    hard: str
    rows: int
    lowest: float
    median: float
    highest: float


@dataclass(frozen=True)
class Trial:
    """What an import brings. `unmatched` counts training rows without any score."""

    dataset: DatasetSummary
    scores: tuple[TriedScore, ...]
    custom: tuple[CustomScore, ...]
    unmatched: int


def try_out(settings: RunSettings, progress: Progress) -> Trial:
    """Do the whole import in a folder that is thrown away, and tell what came of it.

    Raises:
        DataError: the files do not fit each other; it tells all problems.
        ConfigError: the hard ends cannot be read.
    """
    if settings.imported is not None:
        check(settings.imported)
    with tempfile.TemporaryDirectory(prefix="influence-trial-") as folder:
        run = create_run("trial", settings, Path(folder))
        run.update(dataset=load(settings.data, run, progress))
        bring_in(run, progress)
        return _told(run)


def columns_of(path: str) -> tuple[str, ...]:
    """Return the columns of a table that could be imported; none for what is no table.

    Raises:
        DataError: it is not there, or cannot be read.
    """
    if Path(path).suffix.lower() == ".npy":
        return ()
    return tuple(head_of(path).column_names)


def _told(run: Run) -> Trial:
    manifest = run.manifest()
    with pq.ParquetFile(run.scores_file) as file:
        rows = file.metadata.num_rows
        scored = np.zeros(rows, dtype=bool)
        tried = []
        for key, spec in specs_of(manifest).items():
            values = file.read([key])[key].to_numpy().astype(np.float64)
            known = np.isfinite(values)
            scored |= known
            tried.append(TriedScore(key, spec.label, spec.hard, *_range(values[known])))
    unmatched = int((~scored).sum())
    return Trial(dataset_of(run), tuple(tried), manifest.custom_scores, unmatched)


def _range(values: np.ndarray) -> tuple[int, float, float, float]:
    if not len(values):
        return 0, np.nan, np.nan, np.nan
    return len(values), float(values.min()), float(np.median(values)), float(values.max())
