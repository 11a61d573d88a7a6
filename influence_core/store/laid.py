"""Columns laid out for looking up: uncompressed and mapped into memory, one copy for a process.

Parquet decodes a hundred thousand rows to tell of one of them. A column that is asked for is
therefore written once, uncompressed, into a folder of the process. The system keeps in memory what
is looked at and takes it back where memory is short. Words of few kinds are laid out as codes.
"""

from __future__ import annotations

import atexit
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from influence_core.store.database import Parameters, frame, state_of
from influence_core.store.files import discard
from influence_core.store.plain import plain, plain_table

if TYPE_CHECKING:
    import pyarrow as pa

Places = npt.NDArray[np.int32]
Key = tuple[Any, ...]

MOST_BYTES = 2 * 2**30
"""Bytes on disk from which on the columns least lately asked for are forgotten."""

MOST_HELD_BYTES = 2**28
"""Bytes in memory from which on those are forgotten that are not on disk."""

MAPPED_BYTES = 2**20
"""Bytes from which on a column is written to disk rather than held."""

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
    return _shelf().column((path, name), lambda: _read(path, name))


def lowered(path: Path, name: str) -> pa.ChunkedArray:
    """Return a column of words in lower case."""
    return _shelf().column((path, name, "lower"), lambda: _lower(column(path, name)))


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
        found = _shelf().column((path, name, "codes"), lambda: _encode(column(path, name)))
    whole = found.combine_chunks()
    return Coded(whole.indices.fill_null(-1).to_numpy(zero_copy_only=False), whole.dictionary)


def ordinals(path: Path, name: str) -> Places:
    """Return the place of each row's value among the sorted kinds of a column; -1 without one."""
    found = _shelf().column((path, name, "ordinals"), lambda: _sorted_kinds(coded(path, name)))
    return np.asarray(found.to_numpy())


def places(path: Path) -> Places:
    """Return where each example stands in a table with a column `row`; -1 where it does not."""
    found = _shelf().column((path, "row", "places"), lambda: _places(values(path, "row")))
    return np.asarray(found.to_numpy())


def row(path: Path, place: int) -> pa.Table:
    """Return one row of a table, all columns: the rows around it are laid out the first time."""
    ends = _ends(path, state_of(path))
    group = int(np.searchsorted(ends, place, side="right"))
    first = int(ends[group - 1]) if group else 0
    around = _shelf().get((path, group), lambda: _read_group(path, group))
    return plain_table(around.slice(place - first, 1))


class _Laid(NamedTuple):
    """A table, and whether it is in memory rather than on disk."""

    table: pa.Table
    heap: bool


@dataclass
class _Shelf:
    """What is laid out, by what it is of, in the order last asked for: columns, and some rows."""

    folder: Path
    held: OrderedDict[Key, _Laid] = field(default_factory=OrderedDict)
    lock: Any = field(default_factory=Lock)
    turns: WeakValueDictionary[Key, Any] = field(default_factory=WeakValueDictionary)
    numbers: Iterator[int] = field(default_factory=count)

    def column(self, of: Key, make: Callable[[], pa.ChunkedArray]) -> pa.ChunkedArray:
        import pyarrow as pa

        return self.get(of, lambda: pa.table({"column": make()}))["column"]

    def get(self, of: Key, make: Callable[[], pa.Table]) -> pa.Table:
        """Return what is laid out, and make it the first time.

        Who asks for the same meanwhile waits; who asks for something else does not.
        """
        key = (*of, state_of(of[0]))
        with self.lock:
            turn = self.turns.setdefault(key, Lock())
        with turn:
            found = self._found(key)
            return self._keep(key, self._laid_out(make())) if found is None else found

    def _found(self, key: Key) -> pa.Table | None:
        with self.lock:
            if key not in self.held:
                return None
            self.held.move_to_end(key)
            return self.held[key].table

    def _keep(self, key: Key, laid: _Laid) -> pa.Table:
        import pyarrow as pa

        with self.lock:
            self.held[key] = laid
            self._make_room(self.held, MOST_BYTES)
            self._make_room((key for key, one in self.held.items() if one.heap), MOST_HELD_BYTES)
        pa.default_memory_pool().release_unused()
        return laid.table

    def _laid_out(self, made: pa.Table) -> _Laid:
        """Return a table mapped from a file that has no name any more: it goes with its last use.

        Where there is no room on the disk it stays in memory.
        """
        if made.nbytes < MAPPED_BYTES:
            return _Laid(made, heap=True)
        file = self.folder / str(next(self.numbers))
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return _Laid(_mapped(made, file), heap=False)
        except OSError:
            return _Laid(made, heap=True)
        finally:
            discard(file)

    def _make_room(self, keys: Iterable[Key], most: int) -> None:
        """Forget the first of some until the others have room; the last one stays."""
        first = list(keys)
        total = sum(self.held[key].table.nbytes for key in first)
        for key in first[:-1]:
            if total <= most:
                break
            total -= self.held.pop(key).table.nbytes


@cache
def _shelf() -> _Shelf:
    folder = Path(tempfile.mkdtemp(prefix="influence-columns-"))
    atexit.register(discard, folder)
    return _Shelf(folder)


def _mapped(made: pa.Table, file: Path) -> pa.Table:
    import pyarrow as pa

    with pa.OSFile(str(file), "wb") as out, pa.ipc.new_file(out, made.schema) as writer:
        writer.write_table(made)
    return pa.ipc.open_file(pa.memory_map(str(file))).read_all()


@lru_cache(maxsize=64)
def _ends(path: Path, state: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return how many rows of a file lie up to the end of each row group."""
    import pyarrow.parquet as pq

    facts = pq.read_metadata(path)
    sizes = [facts.row_group(group).num_rows for group in range(facts.num_row_groups)]
    return np.cumsum(np.array(sizes, np.int64))


def _read_group(path: Path, group: int) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path, memory_map=True).read_row_group(group)


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
