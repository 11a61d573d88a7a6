"""DuckDB over the Parquet files of runs: one engine for the process, one cursor for each question.

Values always travel as bound parameters. Names of columns come from the files' own schemas and are
quoted; nothing a user types becomes part of a statement.
"""

from __future__ import annotations

import atexit
import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from influence_core.errors import RunError
from influence_core.store.files import discard

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import pyarrow as pa

MEMORY_LIMIT = "1GB"
"""Beyond it DuckDB spills to disk, so that a dashboard stays within a laptop's memory."""

MAX_THREADS = 4


class Parameters:
    """Collects the values of a statement and hands out their placeholders."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.files: list[Path] = []
        self.tables: dict[str, pa.Table] = {}

    def bind(self, value: Any) -> str:
        """Keep `value` and return the placeholder that stands for it."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def parquet(self, *paths: Path) -> str:
        """Return a table function that reads the files, whatever characters their paths hold."""
        self.files.extend(paths)
        escaped = [glob.escape(str(path)) for path in paths]
        return f"read_parquet({self.bind(escaped)})"

    def table(self, table: pa.Table) -> str:
        """Return the name under which the statement reads a table that is in memory."""
        name = f"t{len(self.tables)}"
        self.tables[name] = table
        return name


def quote(identifier: str) -> str:
    """Quote the name of a column for a statement.

    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + identifier.replace('"', '""') + '"'


def frame(statement: str, parameters: Parameters) -> pd.DataFrame:
    """Run a statement and return a small result as a frame."""
    with _answer(statement, parameters) as cursor:
        return cursor.df()


def rows(statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Run a statement and return its result as tuples."""
    with _answer(statement, parameters) as cursor:
        result: list[tuple[Any, ...]] = cursor.fetchall()
        return result


@contextmanager
def _answer(statement: str, parameters: Parameters) -> Iterator[duckdb.DuckDBPyConnection]:
    """Run a statement and yield what holds its result.

    Raises:
        RunError: a file was deleted before it was read.
    """
    import duckdb

    with _engine().cursor() as cursor:
        for name, table in parameters.tables.items():
            cursor.register(name, table)
        try:
            yield cursor.execute(statement, parameters.values)
        except duckdb.IOException:
            for path in parameters.files:
                state_of(path)
            raise


def state_of(path: Path) -> tuple[int, int]:
    """Return what tells a file from the next of its name: when it was written, and its size.

    Raises:
        RunError: it was deleted.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        told = f"{path.name!r} was deleted while it was read; ask again, or without it."
        raise RunError(told) from None
    return found.st_mtime_ns, found.st_size


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Start the engine. It never loads extensions, so it never reaches for the network."""
    import duckdb

    spill = Path(tempfile.mkdtemp(prefix="influence-duckdb-"))
    atexit.register(discard, spill)
    return duckdb.connect(
        config={
            "threads": min(os.cpu_count() or 1, MAX_THREADS),
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
