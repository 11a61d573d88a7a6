"""Named selections: sets of a run's examples that people put together, and come back to.

Each is a file of the run, `selections/<name>.parquet`, with the row number and the id of every
example, in input order. Changes of several people follow one another and none is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from influence_core.access import must_be_writable
from influence_core.errors import RunExists, SelectionError, rule
from influence_core.store.files import write_parquet
from influence_core.store.run import Run, validate_name
from influence_core.store.workplace import LOCK, new_version, now

if TYPE_CHECKING:
    import pyarrow as pa

Rows = npt.NDArray[np.int64]

Use = Literal["keep", "drop", "only"]
"""What a curated set makes of a selection: keep its rows, drop them, or start from them."""

_FACTS = b"selection"

_AT = "@"
"""What stands between a name and a version: no name holds it."""


class NamedSelection(BaseModel):
    """What a selection says of itself; `version` changes with every change of its rows."""

    model_config = ConfigDict(frozen=True)

    name: str
    rows: int
    note: str = ""
    created: str
    changed: str
    version: str


class SelectionUse(BaseModel):
    """What a curated set took from a selection: its version then, and its training rows."""

    model_config = ConfigDict(frozen=True)

    use: Use
    name: str
    version: str
    rows: int


class Selections:
    """The named selections of a run.

    Raises:
        ReadOnly: one is changed where nothing may be written.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def file(self, name: str) -> Path:
        """Return where a selection lies.

        Raises:
            RunError: the name is not allowed.
        """
        return self._run.selections_folder / f"{validate_name(name)}.parquet"

    def listed(self) -> list[NamedSelection]:
        """Return all of them, the one last changed first."""
        found = [facts for path in self._paths() if (facts := _listed(path)) is not None]
        return sorted(sorted(found, key=lambda one: one.name), key=_moment, reverse=True)

    def get(self, name: str) -> NamedSelection:
        """Return what is known of a selection.

        Raises:
            SelectionError: there is none of that name.
        """
        with self._presence(name) as path:
            return _facts(path)

    def rows(self, name: str) -> Rows:
        """Return the row numbers of a selection, ascending.

        Raises:
            SelectionError: there is none of that name.
        """
        return self._read(name)[1]

    def opened(self, written: str) -> tuple[NamedSelection, Rows]:
        """Return a selection with its rows, given as NAME or as NAME@VERSION.

        Raises:
            SelectionError: there is none of that name, or it was changed since that version.
        """
        name, _, version = written.partition(_AT)
        facts, rows = self._read(name)
        if version and version != facts.version:
            raise SelectionError(
                f"Selection {name!r} of run {self._run.name!r} was changed since version "
                f"{version!r}: it has version {facts.version!r} now, with {facts.rows:,} rows. "
                f"Leave out {_AT + version!r} to take it as it is."
            )
        return facts, rows

    def create(self, name: str, rows: npt.ArrayLike, note: str = "") -> NamedSelection:
        """Keep rows under a new name.

        Raises:
            RunExists: the name is taken.
            RunError: the name is not allowed.
            SelectionError: the run has no such row.
        """
        with self._lock():
            self._check_free(name)
            return self._write(name, self._checked(rows), note, now())

    def add(self, name: str, rows: npt.ArrayLike) -> NamedSelection:
        """Put rows to a selection; those in it already stay once.

        Raises:
            SelectionError: there is none of that name, or the run has no such row.
        """
        with self._lock():
            return self._change(name, _ascending(self.rows(name), self._checked(rows)))

    def remove(self, name: str, rows: npt.ArrayLike) -> NamedSelection:
        """Take rows out of a selection; those not in it are passed over.

        Raises:
            SelectionError: there is none of that name, or the run has no such row.
        """
        with self._lock():
            return self._change(name, _without(self.rows(name), self._checked(rows)))

    def rename(self, name: str, new: str) -> NamedSelection:
        """Give a selection another name; its rows, its note and when it was made stay.

        Raises:
            SelectionError: there is none of that name.
            RunExists: the new name is taken.
            RunError: the new name is not allowed.
        """
        with self._lock():
            before, rows = self._read(name)
            self._check_free(new)
            renamed = self._write(new, rows, before.note, before.created)
            self.file(name).unlink()
            return renamed

    def delete(self, name: str) -> None:
        """Forget a selection; its examples stay.

        Raises:
            SelectionError: there is none of that name.
        """
        with self._lock(), self._presence(name) as path:
            path.unlink()

    def _check_free(self, name: str) -> None:
        if self.file(name).exists():
            raise RunExists(
                f"Run {self._run.name!r} has a selection {name!r} already; choose another name, "
                "or add to it."
            )

    def _change(self, name: str, rows: Rows) -> NamedSelection:
        before = self.get(name)
        if np.array_equal(rows, self.rows(name)):
            return before
        return self._write(name, rows, before.note, before.created)

    def _write(self, name: str, rows: Rows, note: str, created: str) -> NamedSelection:
        import pyarrow as pa

        facts = NamedSelection(
            name=name,
            rows=len(rows),
            note=note,
            created=created,
            changed=now(),
            version=new_version(),
        )
        table = pa.table({"row": rows, "id": self._ids(rows)})
        metadata = {_FACTS: facts.model_dump_json().encode()}
        write_parquet(self.file(name), table.replace_schema_metadata(metadata))
        return facts

    def _ids(self, rows: Rows) -> pa.ChunkedArray:
        import pyarrow.parquet as pq

        return pq.read_table(self._run.examples_file, columns=["id"])["id"].take(rows)

    def _checked(self, rows: npt.ArrayLike) -> Rows:
        import pyarrow.parquet as pq

        wanted: Rows = np.asarray(rows, dtype=np.int64)
        count = pq.read_metadata(self._run.examples_file).num_rows
        outside = wanted[(wanted < 0) | (wanted >= count)]
        if len(outside):
            raise SelectionError(rule("rows", f"be between 0 and {count - 1}", int(outside.min())))
        return _ascending(wanted)

    def _paths(self) -> list[Path]:
        return list(self._run.selections_folder.glob("*.parquet"))

    def _read(self, name: str) -> tuple[NamedSelection, Rows]:
        """Return what is known of a selection, and its rows, of one moment."""
        import pyarrow.parquet as pq

        with self._presence(name) as path:
            table = pq.read_table(path, columns=["row"])
        rows: Rows = table["row"].to_numpy()
        return _told(table.schema), rows

    @contextmanager
    def _presence(self, name: str) -> Iterator[Path]:
        """Yield the file of a selection; it may go at any moment, even while it is read."""
        try:
            yield self.file(name)
        except FileNotFoundError:
            has = ", ".join(repr(one.name) for one in self.listed()) or "none"
            told = f"Run {self._run.name!r} has no selection {name!r}; it has {has}."
            raise SelectionError(told) from None

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Wait for one's turn: a change takes a moment."""
        from filelock import FileLock

        must_be_writable(f"change selections of run {self._run.name!r}")
        self._run.selections_folder.mkdir(exist_ok=True)
        with FileLock(self._run.selections_folder / LOCK):
            yield


def _ascending(*parts: Rows) -> Rows:
    """Return the rows of all parts, each once: a mask of them takes less time than a sort."""
    member = np.zeros(max((int(rows.max(initial=-1)) for rows in parts), default=-1) + 1, np.bool_)
    for rows in parts:
        member[rows] = True
    return np.flatnonzero(member)


def _without(rows: Rows, others: Rows) -> Rows:
    return rows[np.isin(rows, others, invert=True)]


def _facts(path: Path) -> NamedSelection:
    import pyarrow.parquet as pq

    return _told(pq.read_schema(path))


def _told(schema: pa.Schema) -> NamedSelection:
    return NamedSelection.model_validate_json(schema.metadata[_FACTS])


def _listed(path: Path) -> NamedSelection | None:
    """Return what is known of a selection; None where it was deleted since the folder was read."""
    try:
        return _facts(path)
    except FileNotFoundError:
        return None


def _moment(one: NamedSelection) -> str:
    return one.changed
