"""DuckDB over the Parquet files of runs: one engine for the process, one cursor for each question.

Values always travel as bound parameters. Names of columns come from the files' own schemas and are
quoted; nothing a user types becomes part of a statement.
"""

from __future__ import annotations

import atexit
import glob
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from influence_core.store.files import discard

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

MEMORY_LIMIT = "1GB"
"""Beyond it DuckDB spills to disk, so that a dashboard stays within a laptop's memory."""

MAX_THREADS = 4


class Parameters:
    """Collects the values of a statement and hands out their placeholders."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def bind(self, value: Any) -> str:
        """Keep `value` and return the placeholder that stands for it."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def parquet(self, *paths: Path) -> str:
        """Return a table function that reads the files, whatever characters their paths hold."""
        escaped = [glob.escape(str(path)) for path in paths]
        return f"read_parquet({self.bind(escaped)})"


def quote(identifier: str) -> str:
    """Quote the name of a column for a statement.

    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + identifier.replace('"', '""') + '"'


def frame(statement: str, parameters: Parameters) -> pd.DataFrame:
    """Run a statement and return a small result as a frame."""
    with _engine().cursor() as cursor:
        return cursor.execute(statement, parameters.values).df()


def rows(statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
    """Run a statement and return its result as tuples."""
    with _engine().cursor() as cursor:
        result: list[tuple[Any, ...]] = cursor.execute(statement, parameters.values).fetchall()
        return result


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
