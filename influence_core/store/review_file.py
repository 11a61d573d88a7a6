"""The SQLite file of reviews: two tables that only grow, and how to read and append."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from influence_core.access import must_be_writable, read_only
from influence_core.errors import RunBusy, RunError
from influence_core.store.files import atomic
from influence_core.store.workplace import now

PATIENCE_SECONDS = 30.0
"""How long an act waits for those of others; each holds the file for milliseconds."""

_SCHEMA = """
CREATE TABLE acts (
    act INTEGER PRIMARY KEY,
    reviewer TEXT NOT NULL,
    time TEXT NOT NULL,
    takes_back INTEGER UNIQUE REFERENCES acts (act)
);
CREATE TABLE decisions (
    number INTEGER PRIMARY KEY,
    act INTEGER NOT NULL REFERENCES acts (act),
    id TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('keep', 'relabel', 'drop', 'skip')),
    label TEXT NOT NULL,
    new_label TEXT CHECK ((new_label IS NOT NULL) = (action = 'relabel'))
);
CREATE VIEW history AS
    SELECT number, made.act AS act, id, action, label, new_label, made.reviewer AS reviewer,
        made.time AS time, undo.act AS undone_by, undo.time AS taken_back
    FROM decisions
    JOIN acts AS made ON made.act = decisions.act
    LEFT JOIN acts AS undo ON undo.takes_back = decisions.act;
CREATE INDEX decisions_of_a_row ON decisions (id, number);
CREATE INDEX decisions_of_an_act ON decisions (act);
CREATE TRIGGER acts_stay BEFORE UPDATE ON acts
    BEGIN SELECT raise(ABORT, 'acts are only appended'); END;
CREATE TRIGGER acts_remain BEFORE DELETE ON acts
    BEGIN SELECT raise(ABORT, 'acts are only appended'); END;
CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions
    BEGIN SELECT raise(ABORT, 'decisions are only appended'); END;
CREATE TRIGGER decisions_remain BEFORE DELETE ON decisions
    BEGIN SELECT raise(ABORT, 'decisions are only appended'); END;
"""
"""`takes_back` is the act that an undo takes back; `history` tells of each decision which did."""


def read(path: Path, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Run a question; a file that is not there yet answers nothing.

    SQLite writes beside its file even to read it: where nothing may be written, a copy is asked.

    Raises:
        RunBusy: others kept the file for half a minute.
        RunError: it is damaged.
    """
    if not path.exists():
        return []
    with _untouched(path) as readable, _connection(readable) as connection:
        return connection.execute(statement, values).fetchall()


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Hold the file for one transaction, made if need be; a block that fails leaves no trace.

    Raises:
        RunBusy: others kept the file for half a minute.
        RunError: it is damaged, or cannot be written.
        ReadOnly: nothing may be written.
    """
    must_be_writable("decide about labels")
    _create(path)
    with _connection(path) as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def append_act(connection: sqlite3.Connection, reviewer: str, takes_back: int | None = None) -> int:
    """Append an act of a reviewer, which may take back another one, and return its number."""
    appended = connection.execute(
        "INSERT INTO acts (reviewer, time, takes_back) VALUES (?, ?, ?)",
        (reviewer, now(), takes_back),
    )
    return int(appended.lastrowid or 0)


@contextmanager
def _untouched(path: Path) -> Iterator[Path]:
    """Yield the file, or a copy of it with what was not yet taken into it, that lasts a moment."""
    if not read_only():
        yield path
        return
    with TemporaryDirectory(prefix="influence-review-") as folder:
        for part in (path, path.with_name(f"{path.name}-wal")):
            if part.exists():
                shutil.copyfile(part, Path(folder) / part.name)
        yield Path(folder) / path.name


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        opened = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
        with closing(opened) as connection:
            yield connection
    except sqlite3.Error as error:
        # The low byte tells the kind of an error, the others its circumstances.
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise RunBusy(f"Others write to {str(path)!r}; try again in a moment.") from error
        raise RunError(f"{str(path)!r} cannot be used as a file of reviews: {error}.") from error


def _create(path: Path) -> None:
    """Make an empty file, unless there is one: whole, however many begin at once."""
    from filelock import FileLock

    if path.exists():
        return
    with FileLock(path.with_name(f".{path.name}.lock")):
        if path.exists():
            return
        with atomic(path) as partial, closing(sqlite3.connect(partial)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)
