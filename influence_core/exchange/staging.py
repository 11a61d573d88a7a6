"""First pass over an imported table: ids and numbers in one Parquet file, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from influence_core.config import DataSettings
from influence_core.data.arrow_types import convert
from influence_core.data.batches import Batch
from influence_core.data.findings import Report, counted, failure, listed
from influence_core.data.sources import parts_of
from influence_core.errors import DataError
from influence_core.exchange.numbers import as_numbers

_FIRST = 5
"""Rows of a kind of problem that are named."""


@dataclass(frozen=True)
class Layout:
    """The columns of an imported table that count: the ids, if it has any, and the numbers."""

    id: str | None
    columns: tuple[str, ...]


@dataclass
class Problem:
    """How many rows something is wrong with, and the first of them."""

    count: int = 0
    rows: list[int] = field(default_factory=list)
    example: str = ""

    def add(self, rows: Sequence[int], example: str = "") -> None:
        """Take more rows into account."""
        self.count += len(rows)
        self.rows += [int(row) for row in rows[: _FIRST - len(self.rows)]]
        self.example = self.example or example


@dataclass(frozen=True)
class Staged:
    """The staged table: `position`, `row`, `id` (null without ids), then `c0`, `c1` … as float64.

    `row` is the row's number in its file, counted from 1.
    """

    path: Path
    layout: Layout
    rows: int

    def column(self, number: int) -> npt.NDArray[np.float64]:
        """Read one column of numbers (rows,)."""
        column: npt.NDArray[np.float64] = pq.read_table(self.path, columns=[f"c{number}"])[
            0
        ].to_numpy()
        return column

    def numbers_of(self, positions: npt.NDArray[np.int64]) -> list[int]:
        """Return the numbers of the first few rows at ascending positions."""
        rows = pq.read_table(self.path, columns=["row"])["row"]
        first = positions[:_FIRST]
        found: list[int] = rows.take(pa.array(first)).to_pylist()
        return found


def batches_of(path: str) -> Iterator[tuple[Batch, float]]:
    """Yield the batches of a table, or of all tables of a folder, with the share read so far.

    Raises:
        DataError: it is not there, or cannot be read.
    """
    if not Path(path).exists():
        raise failure("source", f"There is no file or folder {path!r}; check the path.")
    parts = parts_of(DataSettings(source=path))
    total = sum(part.size for part in parts)
    before = 0
    for part in parts:
        for batch in part.read():
            yield batch, (before + part.size * batch.share) / total
        before += part.size


def head_of(path: str) -> pa.Table:
    """Return the first rows of a table.

    Raises:
        DataError: it cannot be read, or has no rows.
    """
    for batch, _ in batches_of(path):
        if batch.table.num_rows:
            return batch.table
    raise failure("no_rows", f"{Path(path).name!r} has no rows below its header.")


def stage(
    path: str, layout: Layout, target: Path, report: Report, share_read: Callable[[float], None]
) -> Staged:
    """Write the columns of `layout` to `target`; cells that are no numbers are errors."""
    problems = {name: Problem() for name in layout.columns}
    unreadable = Problem()
    rows = 0
    with pq.ParquetWriter(target, _schema(layout), compression="lz4") as writer:
        for batch, share in batches_of(path):
            unreadable.add([one.row for one in batch.rejected], _reason(batch))
            if batch.table.num_rows:
                writer.write_table(_piece(batch, layout, rows, problems))
            rows += batch.table.num_rows
            share_read(share)
    _report(problems, unreadable, report)
    return Staged(target, layout, rows)


def _schema(layout: Layout) -> pa.Schema:
    numbers = [(f"c{number}", pa.float64()) for number in range(len(layout.columns))]
    return pa.schema([("position", pa.int64()), ("row", pa.int64()), ("id", pa.string()), *numbers])


def _piece(batch: Batch, layout: Layout, start: int, problems: dict[str, Problem]) -> pa.Table:
    table, count = batch.table, batch.table.num_rows
    rows = np.asarray(batch.rows, dtype=np.int64)
    columns = [np.arange(start, start + count), rows, ids_in(table, layout.id)]
    for name in layout.columns:
        if name not in table.column_names:
            columns.append(np.full(count, np.nan))
            continue
        values, wrong = as_numbers(table[name])
        if wrong.any():
            first = table[name][int(np.flatnonzero(wrong)[0])].as_py()
            problems[name].add(rows[wrong].tolist(), str(first)[:40])
        columns.append(values)
    return pa.table(columns, schema=_schema(layout))


def ids_in(table: pa.Table, name: str | None) -> pa.ChunkedArray:
    """Return a column of ids as text; nulls where there is none.

    Raises:
        DataError: the ids are lists or the like.
    """
    if name is None or name not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    column = table[name]
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        raise DataError(f"Column {name!r} holds {column.type} values; ids must be single values.")
    if pa.types.is_floating(column.type) and pc.all(pc.equal(pc.floor(column), column)).as_py():
        column = column.cast(pa.int64())  # 7.0 is the id 7 that a missing value elsewhere widened
    return convert(column, pa.string())


def _reason(batch: Batch) -> str:
    return batch.rejected[0].reason if batch.rejected else ""


def _report(problems: dict[str, Problem], unreadable: Problem, report: Report) -> None:
    if unreadable.count:
        report.error(
            "unreadable",
            f"{counted(unreadable.count)} of the imported table cannot be read "
            f"(first: {listed_rows(unreadable.rows)}): {unreadable.example}.",
            count=unreadable.count,
            rows=unreadable.rows,
        )
    for name, problem in problems.items():
        if problem.count:
            report.error(
                "not_a_number",
                f"{counted(problem.count)} with no number in column {name!r} "
                f"(first: {listed_rows(problem.rows)}), such as {listed([problem.example])}.",
                count=problem.count,
                rows=problem.rows,
            )


def listed_rows(rows: Sequence[int]) -> str:
    """Word row numbers.

    >>> listed_rows([3, 7])
    'rows 3, 7'
    """
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows))}"
