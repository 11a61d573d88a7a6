"""A copy of a run's data with some labels wrong on purpose, and the truth beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from influence_core.config import DataSettings
from influence_core.errors import ConfigError, DataError, RunError, rule
from influence_core.noise.evidence import Evidence
from influence_core.noise.inject import Flips, confused, confusion_of, uniform
from influence_core.noise.settings import FlipSettings
from influence_core.store.files import atomic, write_json
from influence_core.store.formats import WRITERS, Format, plain_schema
from influence_core.store.run import Run
from influence_core.store.state import dataset_of

if TYPE_CHECKING:
    import pyarrow as pa

FLIPPED, BEFORE = "flipped", "label_before"
"""Columns that tell the truth: whether the label is another one now, and what it was.

`label_before` is empty where nothing was drawn.
"""

_FORMATS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}


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


def flip(run: Run, destination: str | Path, settings: FlipSettings | None = None) -> Flipped:
    """Write a copy of a run's examples with some labels of training rows replaced.

    Columns `flipped` and `label_before` tell the truth, and stay beside the data of every run that
    is made from the file; `<name>.flips.json` holds settings and counts. Splits stay, and so do the
    labels of validation and test rows.

    Args:
        run: a run that has read its data. For kind 'confused' it must have been trained.
        destination: a new file; its suffix, .csv, .jsonl or .parquet, tells the format.
        settings: kind and share of wrong labels, and the seed.

    Raises:
        ConfigError: the destination exists, or its suffix is another one.
        DataError: the run's data was flipped before, or has one class only.
        RunError: the run has nothing that tells which classes are confused.
    """
    chosen = settings or FlipSettings()
    path = _checked(destination)
    evidence = Evidence(run)
    flips = draw(evidence, chosen)
    dataset = dataset_of(run)
    manifest = FlipManifest(
        run=run.name,
        fingerprint=dataset.fingerprint,
        settings=chosen,
        train_rows=len(evidence.rows),
        drawn=len(flips.rows),
        wrong=len(flips.wrong),
    )
    with _writable(path):
        _write(run, flips, path)
        write_json(manifest_beside(path), manifest.model_dump(mode="json"))
    return Flipped(path, manifest, flips)


def manifest_beside(path: Path) -> Path:
    """Return where the settings and counts of a copy lie: `<name>.flips.json`, written last."""
    return path.with_name(f"{path.stem}.flips.json")


def flipped_data(run: Run, path: Path) -> DataSettings:
    """Return how a copy with flipped labels is read: in the columns in which it was written."""
    dataset = dataset_of(run)
    return run.manifest().settings.data.model_copy(
        update={
            "source": str(path),
            "config": None,
            "hub_split": None,
            "text": "text",
            "text_pair": "text_pair" if dataset.pairs else "",
            "label": "label",
            "id": "id",
            "split": "split",
            "group": dataset.group,
        }
    )


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
    rest = np.setdiff1d(np.arange(len(evidence.examples.labels)), evidence.rows)
    if told is None or not len(rest):
        raise RunError(
            f"Run {evidence.run.name!r} does not tell which classes are confused: it has neither "
            "held-out probabilities nor predictions for held-out rows. Make a probe of the data, "
            "or flip labels uniformly."
        )
    said = np.eye(len(evidence.label_names))[told.classes[rest]]
    return confusion_of(said, evidence.examples.labels[rest])


def _checked(destination: str | Path) -> Path:
    path = Path(destination).expanduser().resolve()
    if path.suffix not in _FORMATS:
        raise ConfigError(rule("destination", f"end in {', '.join(_FORMATS)}", str(destination)))
    if path.exists():
        raise ConfigError(rule("destination", "be a new file", str(path)))
    return path


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            rule("destination", f"be a place to write to ({reason})", str(path))
        ) from error


def _write(run: Run, flips: Flips, path: Path) -> None:
    import pyarrow.parquet as pq

    dataset = dataset_of(run)
    names = np.array(dataset.label_names, dtype=object)
    with pq.ParquetFile(run.examples_file) as source, atomic(path) as partial:
        schema, given = _schemas(source.schema_arrow, dataset.pairs)
        writer = WRITERS[_FORMATS[path.suffix]](partial, schema)
        start = 0
        for batch in source.iter_batches():
            columns = _told(batch.select(given.names).cast(given), start, flips, names)
            writer.write(columns.cast(schema))
            start += len(batch)
        writer.close()


def require_unflipped(run: Run) -> None:
    """Refuse a run whose data says already which labels were flipped.

    Raises:
        DataError: it does.
    """
    import pyarrow.parquet as pq

    _check_unflipped(pq.read_schema(run.examples_file).names)


def _check_unflipped(columns: Sequence[str]) -> None:
    for name in (FLIPPED, BEFORE):
        if name in columns:
            raise DataError(
                rule("run", f"hold no column {name!r}", "one: its labels were flipped before")
            )


def _schemas(stored: pa.Schema, pairs: bool) -> tuple[pa.Schema, pa.Schema]:
    """Return the columns that are written, and those of them that are read."""
    import pyarrow as pa

    _check_unflipped(stored.names)
    kept = [field for field in plain_schema(stored) if pairs or field.name != "text_pair"]
    told = [pa.field(FLIPPED, pa.bool_()), pa.field(BEFORE, pa.string())]
    return pa.schema([*kept, *told]), pa.schema(kept)


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
    named = named.append_column(FLIPPED, pa.array(flipped))
    return named.append_column(BEFORE, pa.array(before, pa.string()))
