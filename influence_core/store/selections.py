"""Named selections: sets of a run's examples that people put together, and come back to.

Each is a file of the run, `selections/<name>.parquet`, with the row number and the id of every
example, in input order. Changes of several people follow one another and none is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

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

_FACTS = b"selection"


class NamedSelection(BaseModel):
    """What a selection says of itself; `version` changes with every change of its rows."""

    model_config = ConfigDict(frozen=True)

    name: str
    rows: int
    note: str = ""
    created: str
    changed: str
    version: str


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
        found = [_facts(path) for path in self._run.selections_folder.glob("*.parquet")]
        return sorted(sorted(found, key=lambda one: one.name), key=_moment, reverse=True)

    def get(self, name: str) -> NamedSelection:
        """Return what is known of a selection.

        Raises:
            SelectionError: there is none of that name.
        """
        return _facts(self._present(name))

    def rows(self, name: str) -> Rows:
        """Return the row numbers of a selection, ascending.

        Raises:
            SelectionError: there is none of that name.
        """
        import pyarrow.parquet as pq

        table = pq.read_table(self._present(name), columns=["row"])
        rows: Rows = table["row"].to_numpy()
        return rows

    def create(self, name: str, rows: npt.ArrayLike, note: str = "") -> NamedSelection:
        """Keep rows under a new name.

        Raises:
            RunExists: the name is taken.
            RunError: the name is not allowed.
            SelectionError: the run has no such row.
        """
        with self._lock():
            if self.file(name).exists():
                raise RunExists(
                    f"Run {self._run.name!r} has a selection {name!r} already; choose another "
                    "name, or add to it."
                )
            return self._write(name, self._checked(rows), note, now())

    def add(self, name: str, rows: npt.ArrayLike) -> NamedSelection:
        """Put rows to a selection; those in it already stay once.

        Raises:
            SelectionError: there is none of that name, or the run has no such row.
        """
        with self._lock():
            return self._change(name, np.union1d(self.rows(name), self._checked(rows)))

    def remove(self, name: str, rows: npt.ArrayLike) -> NamedSelection:
        """Take rows out of a selection; those not in it are passed over.

        Raises:
            SelectionError: there is none of that name, or the run has no such row.
        """
        with self._lock():
            return self._change(name, np.setdiff1d(self.rows(name), self._checked(rows)))

    def delete(self, name: str) -> None:
        """Forget a selection; its examples stay.

        Raises:
            SelectionError: there is none of that name.
        """
        with self._lock():
            self._present(name).unlink()

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

        wanted: Rows = np.unique(np.asarray(rows, dtype=np.int64))
        count = pq.read_metadata(self._run.examples_file).num_rows
        outside = wanted[(wanted < 0) | (wanted >= count)]
        if len(outside):
            raise SelectionError(rule("rows", f"be between 0 and {count - 1}", int(outside[0])))
        return wanted

    def _present(self, name: str) -> Path:
        path = self.file(name)
        if not path.exists():
            has = ", ".join(repr(one.name) for one in self.listed()) or "none"
            raise SelectionError(f"Run {self._run.name!r} has no selection {name!r}; it has {has}.")
        return path

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Wait for one's turn: a change takes a moment."""
        from filelock import FileLock

        must_be_writable(f"change selections of run {self._run.name!r}")
        self._run.selections_folder.mkdir(exist_ok=True)
        with FileLock(self._run.selections_folder / LOCK):
            yield


def _facts(path: Path) -> NamedSelection:
    import pyarrow.parquet as pq

    return NamedSelection.model_validate_json(pq.read_schema(path).metadata[_FACTS])


def _moment(one: NamedSelection) -> str:
    return one.changed
