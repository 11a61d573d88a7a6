"""Reading Parquet files, `save_to_disk` folders and Hub datasets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from influence_core import hub
from influence_core.data.batches import BATCH_BYTES, BATCH_ROWS, Batch, Part
from influence_core.data.findings import failure
from influence_core.data.text_files import read_head
from influence_core.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset

_PIECE_ROWS = 1_024
"""Rows read at once, since their length is not known beforehand."""

_BUFFER_BYTES = 2**20
"""Bytes of a Parquet column read at once, however large its row group."""


def read_parquet(path: Path) -> Iterator[Batch]:
    """Read a Parquet file in batches.

    Raises:
        DataError: the file cannot be read as Parquet.
    """
    read_head(path)
    try:
        with pq.ParquetFile(path, buffer_size=_BUFFER_BYTES) as file:
            total = max(file.metadata.num_rows, 1)
            names = class_names(file.schema_arrow)
            yield _batch(file.schema_arrow.empty_table(), names, 0, total)
            pieces = map(_as_table, file.iter_batches(batch_size=_PIECE_ROWS))
            yield from _batches(pieces, names, total)
    except (pa.ArrowInvalid, OSError) as error:
        raise failure(
            "unreadable",
            f"File {path.name!r} cannot be read as Parquet: {str(error).rstrip('.')}. "
            "Write it anew.",
        ) from None


def saved_parts(path: Path) -> list[Part]:
    """Return the splits of a folder that `Dataset.save_to_disk` wrote.

    Raises:
        DataError: the folder cannot be read.
    """
    from datasets import DatasetDict, load_from_disk

    try:
        data = load_from_disk(str(path))
    except (OSError, ValueError, KeyError, pa.ArrowInvalid) as error:
        raise failure(
            "unreadable",
            f"Folder {path.name!r} cannot be read as a saved dataset: {error}; save it anew.",
        ) from None
    splits = dict(data) if isinstance(data, DatasetDict) else {None: data}
    return [_part(path.name, split, dataset) for split, dataset in splits.items()]


def hub_parts(source: str, config: str | None, split: str | None) -> list[Part]:
    """Return the splits of a Hub dataset; its rows are streamed, never kept whole.

    Raises:
        DataError: there is no such dataset, configuration or split, or the Hub is out of reach.
    """
    from datasets import load_dataset

    if not hub.reachable():
        raise _unreachable(source, "the Hub does not answer.")
    try:
        data = load_dataset(source, config, split=split, streaming=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise _unreachable(source, _first_line(error)) from None
    splits = dict(data) if isinstance(data, Mapping) else {None: data}
    return [_part(source, name, dataset) for name, dataset in splits.items()]


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Return the names of `ClassLabel` columns by the metadata that `datasets` writes."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {
        name: feature["names"]
        for name, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and "names" in feature
    }


def _part(source: str, split: str | None, data: Dataset | IterableDataset) -> Part:
    name = f"{source}/{split}" if split else source
    rows = getattr(data, "num_rows", None) or _announced(data)
    return Part(name=name, size=rows, read=lambda: _read(data, rows), split=split)


def _announced(data: IterableDataset) -> int:
    """Return the number of rows the dataset card promises, or 1 where it does not."""
    splits = data.info.splits or {}
    known = splits.get(str(data.split))
    return known.num_examples if known and known.num_examples else 1


def _read(data: Dataset | IterableDataset, rows: int) -> Iterator[Batch]:
    names = class_names(data.features.arrow_schema) if data.features else {}
    try:
        pieces = data.with_format("arrow").iter(batch_size=_PIECE_ROWS)
        yield from _batches(pieces, names, rows)
    except (OSError, RuntimeError) as error:
        raise _unreachable("the dataset", _first_line(error)) from None


def _batches(
    pieces: Iterable[pa.Table], names: Mapping[str, list[str]], total: int
) -> Iterator[Batch]:
    """Gather pieces of a few rows to batches, each of one schema.

    Streams that declare no types may find others as they go on.
    """
    start = 0
    for _, alike in groupby(pieces, attrgetter("schema")):
        for table in _gathered(alike):
            stop = start + table.num_rows
            yield _batch(table, names, start, total)
            start = stop
            # A batch that was handed on takes no memory while the next one is gathered.
            del table


def _gathered(pieces: Iterable[pa.Table]) -> Iterator[pa.Table]:
    held, size = 0, 0
    gathered: list[pa.Table] = []
    for piece in pieces:
        gathered.append(piece)
        held, size = held + piece.num_rows, size + piece.nbytes
        if held >= BATCH_ROWS or size >= BATCH_BYTES:
            yield pa.concat_tables(gathered)
            held, size, gathered = 0, 0, []
    if gathered:
        yield pa.concat_tables(gathered)


def _as_table(piece: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([piece])


def _batch(table: pa.Table, names: Mapping[str, list[str]], start: int, total: int) -> Batch:
    """Number the rows, put class names for class numbers and values for dictionary codes."""
    for place, field in enumerate(table.schema):
        column = _plain(table.column(place), names.get(field.name))
        table = table.set_column(place, field.name, column)
    stop = start + table.num_rows
    return Batch(
        table.replace_schema_metadata(None),
        range(start + 1, stop + 1),
        min(1.0, stop / total),
    )


def _plain(column: pa.ChunkedArray, names: list[str] | None) -> pa.ChunkedArray:
    kind = column.type
    if names is not None and pa.types.is_integer(kind):
        known = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(names)))
        return pc.take(pa.array(names), pc.if_else(known, column, None))
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), None)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def _unreachable(source: str, why: str) -> DataError:
    """Word what went wrong at the Hub in one line."""
    return failure(
        "hub",
        f"{source!r} is no file or folder here, and as a Hub dataset it cannot be loaded: "
        f"{why} Check the name, its config and split, and the network; or name a file.",
    )


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
