"""Which row of an imported table belongs to each example: by id, or by the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from influence_core.data.findings import Report, counted, listed
from influence_core.exchange.examples import input_rows, train_rows
from influence_core.exchange.staging import Staged, listed_rows
from influence_core.store.run import DatasetSummary, Run

Positions = npt.NDArray[np.int64]

_MEMORY = "1GB"
"""Memory DuckDB may take before it spills to the scratch folder."""

_FIRST = 5

_PARTIAL = "or allow it with --partial"


def join(
    staged: Staged, run: Run, dataset: DatasetSummary, partial: bool, report: Report
) -> Positions:
    """Return for every example the position of its row in the staged table, −1 where it has none.

    What does not fit becomes an error in the report, or a warning with `partial`.
    """
    if staged.layout.id is None:
        return _by_order(staged, run, dataset, report)
    with _opened(staged, run) as tables:
        _check_ids(tables, staged, dataset, partial, report)
        places = tables.places()
    every = np.full(dataset.rows, -1, dtype=np.int64)
    every[places["row"]] = places["position"]
    return every


def _by_order(staged: Staged, run: Run, dataset: DatasetSummary, report: Report) -> Positions:
    """Match the table with all input rows, all examples, or the training rows alone."""
    none = np.full(dataset.rows, -1, dtype=np.int64)
    if staged.rows == dataset.rows + dataset.rejected:
        rows = input_rows(run, dataset)
        if rows is not None:
            return rows
    elif staged.rows == dataset.rows:
        return np.arange(dataset.rows)
    elif staged.rows == dataset.splits["train"]:
        report.info(
            "row_order",
            f"The imported table has {counted(staged.rows)}, as many as the training rows: it is "
            "taken to hold these, in their order.",
        )
        none[train_rows(run, dataset).rows] = np.arange(staged.rows)
        return none
    left_out = f" and {dataset.rejected:,} left out" if dataset.rejected else ""
    report.error(
        "row_count",
        f"The imported table has {counted(staged.rows)}, the data {dataset.rows:,}"
        f"{left_out}: they cannot be matched by order. Join them by an id column.",
        count=abs(staged.rows - dataset.rows),
    )
    return none


def _check_ids(
    tables: _Tables, staged: Staged, dataset: DatasetSummary, partial: bool, report: Report
) -> None:
    column = repr(staged.layout.id)
    doubt = report.warning if partial else report.error
    count, rows, _ = tables.without_id()
    if count:
        report.error(
            "missing_id",
            f"{counted(count)} of the imported table with no id in column {column} "
            f"(first: {listed_rows(rows)}).",
            count=count,
            rows=rows,
        )
    count, rows, ids = tables.repeated()
    if count:
        report.error(
            "duplicate_id",
            f"{counted(count)} of the imported table whose id an earlier row has "
            f"(first: {listed_rows(rows)}, ids {listed(ids)}). Keep one row an id.",
            count=count,
            rows=rows,
        )
    count, rows, ids = tables.unknown()
    if count:
        advice = "" if partial else f" Name the right columns as --id and --score-id, {_PARTIAL}."
        if count == staged.rows:
            advice += " To join by row order instead, give an empty --score-id."
        doubt(
            "unknown_id",
            f"{counted(count)} of the imported table whose id is not in the data "
            f"(first: {listed_rows(rows)}, ids {listed(ids)}).{advice}",
            count=count,
            rows=rows,
        )
    count, rows, ids = tables.unscored()
    if count:
        doubt(
            "unscored",
            f"{counted(count, 'training row')} of the data with no row in the imported table "
            f"(first: {listed_rows(rows)}, ids {listed(ids)})."
            + (" They stay without a score." if partial else f" Add them, {_PARTIAL}."),
            count=count,
            rows=rows,
        )


@contextmanager
def _opened(staged: Staged, run: Run) -> Iterator[_Tables]:
    """Open the staged table and the examples side by side; scratch files lie beside the former."""
    folder = staged.path.parent
    with duckdb.connect(str(folder / "join.duckdb")) as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute("SET temp_directory = $folder", {"folder": str(folder / "spill")})
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")
        connection.read_parquet(str(staged.path)).create_view("staged")
        examples = connection.read_parquet(str(run.examples_file), file_row_number=True)
        examples.create_view("examples")
        yield _Tables(connection)


class _Tables:
    """Questions about both tables. Answers are a count, the first rows (from 1) and their ids."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def places(self) -> dict[str, Positions]:
        """Return row of the example and position in the table of all pairs."""
        found = self._connection.execute(
            "SELECT e.file_row_number AS row, s.position FROM examples e JOIN staged s USING (id)"
        ).fetchnumpy()
        return {name: np.asarray(values, np.int64) for name, values in found.items()}

    def without_id(self) -> tuple[int, list[int], list[str]]:
        """Find rows of the table that have no id."""
        return self._first("SELECT row, NULL AS id FROM staged WHERE id IS NULL OR id = ''")

    def repeated(self) -> tuple[int, list[int], list[str]]:
        """Find rows of the table whose id an earlier row has."""
        return self._first(
            """
            WITH repeated AS (
                SELECT id, min(position) AS first FROM staged
                WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1
            )
            SELECT row, id FROM staged JOIN repeated USING (id) WHERE position > first
            """
        )

    def unknown(self) -> tuple[int, list[int], list[str]]:
        """Find rows of the table whose id no example has."""
        return self._first("SELECT row, id FROM staged ANTI JOIN examples USING (id)")

    def unscored(self) -> tuple[int, list[int], list[str]]:
        """Find training rows whose id the table does not have."""
        return self._first(
            """
            SELECT file_row_number + 1 AS row, id FROM examples ANTI JOIN staged USING (id)
            WHERE split = 'train'
            """
        )

    def _first(self, query: str) -> tuple[int, list[int], list[str]]:
        found: Any = self._connection.execute(
            f"SELECT count(*), min_by(row, row, {_FIRST}), min_by(id, row, {_FIRST}) FROM ({query})"
        ).fetchone()
        count, rows, ids = found
        return count, rows or [], ids or []
