"""The rows of an export: those that stay, and those that go with their scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.progress import Progress
from influence_core.store.corrections import Corrections
from influence_core.store.formats import WRITERS, Format, Writer, plain_schema
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 50_000
Mask = npt.NDArray[np.bool_]


def write_rows(
    run: Run,
    removed: Mask,
    decided: Corrections | None,
    folder: Path,
    format: Format,
    progress: Progress,
) -> tuple[dict[str, int], dict[str, int]]:
    """Stream the rows of a run into the files `kept` and `removed` of a folder.

    Args:
        run: a run that has read its data.
        removed: which rows of the run go (examples,).
        decided: what reviewers decided, to be applied to all rows; nothing if None.
        folder: where the files are written.
        format: the format of both.
        progress: follows the rows.

    Returns:
        Training rows by label, as the data gives them, and those that are kept by their new label.
    """
    import pyarrow.parquet as pq

    before: dict[str, int] = {}
    after: dict[str, int] = {}
    with pq.ParquetFile(run.examples_file) as source:
        stored = plain_schema(source.schema_arrow)
        schema = stored if decided is None else decided.schema(stored)
        kept_writer = _open(folder, "kept", format, schema)
        scores = _Scores(run, schema)
        removed_writer = _open(folder, "removed", format, scores.schema)
        progress.begin("export", source.metadata.num_rows)
        start = 0
        for batch in source.iter_batches(BATCH_ROWS):
            gone = removed[start : start + len(batch)]
            rows = batch.cast(stored)
            _count(before, rows)
            if decided is not None:
                gone, rows = gone | decided.leave(rows), decided.applied(rows)
            kept = rows.filter(~gone)
            kept_writer.write(kept)
            if gone.any():
                removed_writer.write(scores.joined(rows, start, gone))
            _count(after, kept)
            start += len(batch)
            progress.advance(len(batch))
    kept_writer.close()
    removed_writer.close()
    progress.end()
    return before, after


class _Scores:
    """The scores beside the examples, read slice by slice."""

    def __init__(self, run: Run, examples: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.dataset as ds

        self._data = ds.dataset(run.scores_file) if run.scores_file.exists() else None
        fields = [f for f in self._data.schema if f.name not in ("row", "id")] if self._data else []
        self._names = [field.name for field in fields]
        taken = set(examples.names)
        named = [field.with_name(_free_name(field.name, taken)) for field in fields]
        self.schema = pa.schema([*examples, *named])

    def joined(self, rows: pa.RecordBatch, start: int, wanted: Mask) -> pa.RecordBatch:
        """Return the wanted rows of a batch that starts at row `start`, scores appended."""
        import pyarrow as pa
        import pyarrow.dataset as ds

        chosen = rows.filter(pa.array(wanted))
        if self._data is None:
            return chosen
        numbers = start + np.flatnonzero(wanted)
        inside = (ds.field("row") >= start) & (ds.field("row") < start + len(wanted))
        scores = self._data.to_table(columns=["row", *self._names], filter=inside)
        known = scores["row"].to_numpy()
        places = np.minimum(np.searchsorted(known, numbers), max(len(known) - 1, 0))
        absent = known[places] != numbers if len(known) else np.ones(len(numbers), bool)
        taken = scores.select(self._names).take(pa.array(places, mask=absent))
        columns = [column.combine_chunks() for column in taken.columns]
        return pa.RecordBatch.from_arrays([*chosen.columns, *columns], schema=self.schema)


def _open(folder: Path, name: str, format: Format, schema: pa.Schema) -> Writer:
    writer = WRITERS[format]
    return writer(folder / f"{name}{writer.suffix}", schema)


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_score"
    return name


def _count(counts: dict[str, int], rows: pa.RecordBatch) -> None:
    """Add the training rows of a batch to the counts by label."""
    import pyarrow.compute as pc

    train = rows["label"].filter(pc.equal(rows["split"], "train"))
    for entry in train.value_counts().to_pylist():
        counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
