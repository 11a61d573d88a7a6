"""Tables at hand: written uncompressed into a folder of the process and mapped into its memory.

The system keeps in memory what is looked at and takes it back where memory is short. What is small,
or has no room on the disk, is held.
"""

from __future__ import annotations

import atexit
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from influence_core.store.database import state_of
from influence_core.store.files import discard

if TYPE_CHECKING:
    import pyarrow as pa

Key = tuple[Any, ...]

MOST_BYTES = 2 * 2**30
"""Bytes from which on the columns least lately asked for are forgotten."""

MOST_HELD_BYTES = 2**28
"""Bytes in memory from which on those are forgotten that are not on disk."""

MAPPED_BYTES = 2**20
"""Bytes from which on a column is written to disk rather than held."""


class Laid(NamedTuple):
    """A table, and whether it is in memory rather than on disk."""

    table: pa.Table
    heap: bool


@dataclass
class Shelf:
    """What is laid out, by what it is of, in the order last asked for: columns, and some rows.

    What something is of begins with its file, and holds for one state of it.
    """

    folder: Path
    held: OrderedDict[Key, Laid] = field(default_factory=OrderedDict)
    lock: Any = field(default_factory=Lock)
    turns: WeakValueDictionary[Key, Any] = field(default_factory=WeakValueDictionary)
    numbers: Iterator[int] = field(default_factory=count)

    def column(self, of: Key, make: Callable[[], pa.ChunkedArray]) -> pa.ChunkedArray:
        """Return a column that is laid out, and make it the first time."""
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

    def _keep(self, key: Key, laid: Laid) -> pa.Table:
        import pyarrow as pa

        with self.lock:
            self.held[key] = laid
            self._make_room(self.held, MOST_BYTES)
            self._make_room((key for key, one in self.held.items() if one.heap), MOST_HELD_BYTES)
        pa.default_memory_pool().release_unused()
        return laid.table

    def _laid_out(self, made: pa.Table) -> Laid:
        """Return a table mapped from a file that has no name any more: it goes with its last use.

        Where there is no room on the disk it stays in memory.
        """
        if made.nbytes < MAPPED_BYTES:
            return Laid(made, heap=True)
        file = self.folder / str(next(self.numbers))
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Laid(_mapped(made, file), heap=False)
        except OSError:
            return Laid(made, heap=True)
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
def shelf() -> Shelf:
    """Return the shelf of the process, whose folder goes when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="influence-columns-"))
    atexit.register(discard, folder)
    return Shelf(folder)


def _mapped(made: pa.Table, file: Path) -> pa.Table:
    import pyarrow as pa

    with pa.OSFile(str(file), "wb") as out, pa.ipc.new_file(out, made.schema) as writer:
        writer.write_table(made)
    return pa.ipc.open_file(pa.memory_map(str(file))).read_all()
