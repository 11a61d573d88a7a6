"""A copy of a run's examples with something changed: a file that a run can be made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from influence_core.access import must_be_writable
from influence_core.config import DataSettings
from influence_core.errors import ConfigError, rule
from influence_core.store.files import atomic
from influence_core.store.formats import WRITERS, Format, formulas, plain_schema
from influence_core.store.names import placed
from influence_core.store.run import Run
from influence_core.store.state import dataset_of

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS: dict[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
"""Formats of a copy by the suffix of its file."""

Change = Callable[["pa.RecordBatch", int], "pa.RecordBatch"]
"""Changes a batch of rows that begins at a row number."""


def new_copy(destination: str | Path) -> Path:
    """Return the file of a copy, if one may be written there.

    Raises:
        ConfigError: it exists, or its suffix is none of a format.
        ReadOnly: nothing may be written.
    """
    must_be_writable("write a copy of the data")
    path = placed(destination).resolve()
    if path.suffix not in FORMATS:
        raise ConfigError(rule("destination", f"end in {', '.join(FORMATS)}", str(destination)))
    if path.exists():
        raise ConfigError(rule("destination", "be a new file", str(path)))
    return path


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Tell kindly that a place cannot be written to.

    Raises:
        ConfigError: the system refused.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            rule("destination", f"be a place to write to ({reason})", str(path))
        ) from error


def copy_schema(run: Run) -> pa.Schema:
    """Return the columns of a copy before anything is changed; one text where no row has two."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stored, pairs = plain_schema(pq.read_schema(run.examples_file)), dataset_of(run).pairs
    return pa.schema([field for field in stored if pairs or field.name != "text_pair"])


def write_copy(run: Run, path: Path, schema: pa.Schema, change: Change) -> None:
    """Write the examples in the format that the suffix of `path` tells, whole or not at all.

    Args:
        run: a run that has read its data.
        path: the new file.
        schema: the columns that `change` returns.
        change: is given the batches in the columns of `copy_schema`.

    Raises:
        ConfigError: the file is a CSV, and a text begins like a formula: made safe for
            spreadsheets it would be another text.
    """
    import pyarrow.parquet as pq

    given = copy_schema(run)
    with pq.ParquetFile(run.examples_file) as source, atomic(path) as partial:
        writer = WRITERS[FORMATS[path.suffix]](partial, schema)
        start = 0
        for batch in source.iter_batches():
            rows = change(batch.select(given.names).cast(given), start).cast(schema)
            if path.suffix == ".csv" and formulas(rows):
                must = "end in .parquet or .jsonl where texts begin like a spreadsheet's formula"
                raise ConfigError(rule("destination", must, path.name))
            writer.write(rows)
            start += len(batch)
        writer.close()


def copied_data(run: Run, path: Path) -> DataSettings:
    """Return how a copy is read: in the columns in which it was written."""
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
