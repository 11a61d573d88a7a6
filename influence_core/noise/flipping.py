"""A copy of a run's data with some labels wrong on purpose, and the truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from influence_core.errors import DataError, RunError, rule
from influence_core.noise.evidence import Evidence
from influence_core.noise.inject import Flips, confused, confusion_of, uniform
from influence_core.noise.settings import FlipSettings
from influence_core.progress import Progress, silent
from influence_core.store.copying import copy_schema, new_copy, writable, write_copy
from influence_core.store.corrections import ACTION
from influence_core.store.files import write_json
from influence_core.store.run import Run
from influence_core.store.state import dataset_of

if TYPE_CHECKING:
    import pyarrow as pa

FLIPPED, BEFORE = "flipped", "label_before"
"""Columns that tell the truth: whether the label is another one now, and what it was.

`label_before` is empty where nothing was drawn, and nobody relabelled the row since.
"""


class FlipManifest(BaseModel):
    """The contents of `<name>.flips.json`, beside the data.

    Of `train_rows` the labels of `drawn` were drawn anew; `wrong` of them are another one now.
    """

    model_config = ConfigDict(frozen=True)

    influence_scope_flips: int = 1
    run: str
    fingerprint: str
    settings: FlipSettings
    train_rows: int
    drawn: int
    wrong: int

    @property
    def wrong_share(self) -> float:
        """Share of the training rows whose label is wrong now."""
        return self.wrong / self.train_rows


@dataclass(frozen=True)
class Flipped:
    """A finished copy: its file, and what was done to its labels."""

    path: Path
    manifest: FlipManifest
    flips: Flips


def flip(
    run: Run,
    destination: str | Path,
    settings: FlipSettings | None = None,
    progress: Progress | None = None,
) -> Flipped:
    """Write a copy of a run's examples with some labels of training rows replaced.

    Columns `flipped` and `label_before` tell the truth, and stay beside the data of every run that
    is made from the file; `<name>.flips.json` holds settings and counts. Splits stay, and so do the
    labels of validation and test rows.

    Args:
        run: a run that has read its data. For kind 'confused' it must have been trained.
        destination: a new file; its suffix, .csv, .jsonl or .parquet, tells the format.
        settings: kind and share of wrong labels, and the seed.
        progress: follows the pass that 'confused' takes once over the rows of a fine-tuned run.

    Raises:
        ConfigError: the destination exists, or its suffix is another one.
        DataError: the run's data was flipped before, or has one class only.
        RunError: the run has nothing that tells which classes are confused.
    """
    chosen = settings or FlipSettings()
    path = new_copy(destination)
    require_unflipped(run)
    evidence = Evidence(run, progress=progress or silent())
    flips = draw(evidence, chosen)
    dataset = dataset_of(run)
    names = np.array(dataset.label_names, dtype=object)
    manifest = FlipManifest(
        run=run.name,
        fingerprint=dataset.fingerprint,
        settings=chosen,
        train_rows=len(evidence.rows),
        drawn=len(flips.rows),
        wrong=len(flips.wrong),
    )
    with writable(path):
        told = partial(_told, flips=flips, names=names)
        write_copy(run, path, _schema(copy_schema(run)), told)
        write_json(manifest_beside(path), manifest.model_dump(mode="json"))
    return Flipped(path, manifest, flips)


def manifest_beside(path: Path) -> Path:
    """Return where the settings and counts of a copy lie: `<name>.flips.json`, written last."""
    return path.with_name(f"{path.stem}.flips.json")


def draw(evidence: Evidence, settings: FlipSettings) -> Flips:
    """Draw wrong labels for training rows of a run, and write nothing."""
    generator = np.random.default_rng(settings.seed)
    labels, rows, ids = evidence.examples.labels, evidence.rows, evidence.ids
    if settings.kind == "uniform":
        classes = len(evidence.label_names)
        return uniform(labels, rows, ids, settings.share, classes, generator)
    return confused(labels, rows, ids, settings.share, _confusion(evidence), generator)


def _confusion(evidence: Evidence) -> npt.NDArray[np.float64]:
    """Return which classes are confused, by models that did not learn from the rows they judge."""
    if evidence.held_out is not None:
        return confusion_of(evidence.held_out, evidence.labels)
    told = evidence.predicted
    if told is not None:
        predicted = np.flatnonzero(told.classes >= 0)
        rest = np.setdiff1d(predicted, evidence.rows)
    if told is None or not len(rest):
        raise RunError(
            f"Run {evidence.run.name!r} does not tell which classes are confused: it has neither "
            "held-out probabilities nor predictions for held-out rows. Make a probe of the data, "
            "or flip labels uniformly."
        )
    said = np.eye(len(evidence.label_names))[told.classes[rest]]
    return confusion_of(said, evidence.examples.labels[rest])


def require_unflipped(run: Run) -> None:
    """Refuse a run whose data says already which labels were flipped.

    Raises:
        DataError: it does.
    """
    import pyarrow.parquet as pq

    columns = pq.read_schema(run.examples_file).names
    for name in (FLIPPED, BEFORE):
        if name in columns:
            raise DataError(
                rule("run", f"hold no column {name!r}", "one: its labels were flipped before")
            )


def _schema(given: pa.Schema) -> pa.Schema:
    """Return the columns of a copy: those that are given, and the truth."""
    import pyarrow as pa

    return pa.schema([*given, pa.field(FLIPPED, pa.bool_()), pa.field(BEFORE, pa.string())])


def _told(
    batch: pa.RecordBatch, start: int, flips: Flips, names: npt.NDArray[np.object_]
) -> pa.RecordBatch:
    """Put the new labels into a batch that begins at row `start`, and the truth beside them."""
    import pyarrow as pa

    first, end = np.searchsorted(flips.rows, (start, start + len(batch)))
    places = flips.rows[first:end] - start
    label, before = batch["label"].to_numpy(zero_copy_only=False), np.full(len(batch), None)
    label = label.copy()
    before[places], label[places] = label[places], names[flips.after[first:end]]
    flipped = np.zeros(len(batch), bool)
    flipped[places] = flips.before[first:end] != flips.after[first:end]
    place = batch.schema.get_field_index("label")
    named = batch.set_column(place, "label", pa.array(label, pa.string()))
    named = _undecided(named, flipped).append_column(FLIPPED, pa.array(flipped))
    return named.append_column(BEFORE, pa.array(before, pa.string()))


def _undecided(batch: pa.RecordBatch, flipped: npt.NDArray[np.bool_]) -> pa.RecordBatch:
    """Forget what reviewers decided about labels that are others now."""
    import pyarrow as pa
    import pyarrow.compute as pc

    place = batch.schema.get_field_index(ACTION)
    if place < 0:
        return batch
    nothing = pa.scalar(None, batch[place].type)
    return batch.set_column(place, ACTION, pc.if_else(pa.array(flipped), nothing, batch[place]))
