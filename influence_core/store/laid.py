"""Columns laid out for looking up: uncompressed and mapped into memory, one copy for a process.

Parquet decodes a hundred thousand rows to tell of one of them. A column that is asked for is
therefore put on the shelf once, uncompressed. Words of few kinds are laid out as codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from influence_core.store.database import Parameters, frame, state_of
from influence_core.store.plain import plain, plain_table
from influence_core.store.shelf import shelf

if TYPE_CHECKING:
    import pyarrow as pa

Places = npt.NDArray[np.int32]

MOST_KINDS = 2**16
"""Different words up to which a column is laid out as codes."""

_LONG = 2**31
"""Bytes that the smaller kind of words cannot count in one piece."""

_TEXTS = ("id", "text")
"""Columns of which nearly every row is different."""


class Coded(NamedTuple):
    """A column by its kinds: `codes` (rows,) are places in `names`, -1 without a value."""

    codes: Places
    names: pa.Array


def column(path: Path, name: str) -> pa.ChunkedArray:
    """Return a column of a Parquet file, laid out."""
    return shelf().column((path, name), lambda: _read(path, name))


def lowered(path: Path, name: str) -> pa.ChunkedArray:
    """Return a column of words in lower case."""
    return shelf().column((path, name, "lower"), lambda: _lower(column(path, name)))


def values(path: Path, name: str) -> npt.NDArray[Any]:
    """Return a column of numbers or flags; where values are missing, as floats with NaN."""
    import pyarrow as pa

    found = column(path, name)
    gappy_flags = pa.types.is_boolean(found.type) and found.null_count
    if gappy_flags or pa.types.is_decimal(found.type):
        found = found.cast(pa.float64())
    return np.asarray(found.to_numpy())


def coded(path: Path, name: str) -> Coded:
    """Return a column by its kinds."""
    found = column(path, name)
    if not _is_coded(found):
        found = shelf().column((path, name, "codes"), lambda: _encode(column(path, name)))
    whole = found.combine_chunks()
    return Coded(whole.indices.fill_null(-1).to_numpy(zero_copy_only=False), whole.dictionary)


def ordinals(path: Path, name: str) -> Places:
    """Return the place of each row's value among the sorted kinds of a column; -1 without one."""
    found = shelf().column((path, name, "ordinals"), lambda: _sorted_kinds(coded(path, name)))
    return np.asarray(found.to_numpy())


def places(path: Path) -> Places:
    """Return where each example stands in a table with a column `row`; -1 where it does not."""
    found = shelf().column((path, "row", "places"), lambda: _places(values(path, "row")))
    return np.asarray(found.to_numpy())


def length(path: Path) -> int:
    """Return how many rows a table has."""
    ends = _ends(path, state_of(path))
    return int(ends[-1]) if len(ends) else 0


def row(path: Path, place: int) -> pa.Table:
    """Return one row of a table, all columns: the rows around it are laid out the first time."""
    group, within = _group(path, place)
    around = shelf().get((path, group), lambda: _read_group(path, group))
    return plain_table(around.slice(within, 1))


def cells(path: Path, place: int, names: Sequence[str]) -> pa.Table:
    """Return some columns of one row of a table, of which nothing is laid out."""
    group, within = _group(path, place)
    return _read_group(path, group, names).slice(within, 1)


def _group(path: Path, place: int) -> tuple[int, int]:
    """Return the row group that a row lies in, and its place there."""
    ends = _ends(path, state_of(path))
    group = int(np.searchsorted(ends, place, side="right"))
    return group, place - (int(ends[group - 1]) if group else 0)


@lru_cache(maxsize=1024)
def _ends(path: Path, state: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return how many rows of a file lie up to the end of each row group."""
    import pyarrow.parquet as pq

    facts = pq.read_metadata(path)
    sizes = [facts.row_group(group).num_rows for group in range(facts.num_row_groups)]
    return np.cumsum(np.array(sizes, np.int64))


def _read_group(path: Path, group: int, names: Sequence[str] | None = None) -> pa.Table:
    import pyarrow.parquet as pq

    columns = None if names is None else list(names)
    return pq.ParquetFile(path, memory_map=True).read_row_group(group, columns=columns)


def _read(path: Path, name: str) -> pa.ChunkedArray:
    """Read a column, words of few kinds as codes; in one piece, as looking up is then at once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kind = pq.read_schema(path).field(name).type
    words = name not in _TEXTS and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
    read = pq.read_table(path, columns=[name], read_dictionary=[name] if words else None)[name]
    read = plain(read)
    if _is_coded(read):
        read = read.unify_dictionaries()
        if read.num_chunks and len(read.chunk(0).dictionary) > MOST_KINDS:
            read = read.cast(pa.large_string())
    if read.nbytes >= _LONG and pa.types.is_string(read.type):
        read = read.cast(pa.large_string())
    return pa.chunked_array([read.combine_chunks()]) if read.num_chunks != 1 else read


def _is_coded(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_dictionary(column.type))


def _encode(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return pa.chunked_array([column.dictionary_encode().unify_dictionaries().combine_chunks()])


def _lower(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.utf8_lower(column)


def _sorted_kinds(found: Coded) -> pa.ChunkedArray:
    """Number kinds as the database sorts them."""
    import pyarrow as pa

    parameters = Parameters()
    numbered = pa.table({"name": found.names, "kind": np.arange(len(found.names), dtype=np.int32)})
    order = frame(f"SELECT kind FROM {parameters.table(numbered)} ORDER BY name", parameters)
    numbers = np.full(len(found.names) + 1, -1, np.int32)
    numbers[order["kind"].to_numpy()] = np.arange(len(found.names), dtype=np.int32)
    return pa.chunked_array([numbers[found.codes]])


def _places(rows: npt.NDArray[np.int64]) -> pa.ChunkedArray:
    import pyarrow as pa

    found = np.full(int(rows.max(initial=-1)) + 1, -1, np.int32)
    found[rows] = np.arange(len(rows), dtype=np.int32)
    return pa.chunked_array([found])
