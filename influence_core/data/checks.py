"""What only all rows together show, computed by DuckDB with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from influence_core.data.findings import ROWS_SHOWN

_MEMORY = "1GB"
"""Memory DuckDB may take before it spills to the scratch folder."""


@contextmanager
def opened(core_file: Path) -> Iterator[Checks]:
    """Open the checks over a staged `core.parquet`; scratch files lie beside it."""
    folder = core_file.parent
    with duckdb.connect(str(folder / "checks.duckdb")) as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute("SET temp_directory = $folder", {"folder": str(folder / "spill")})
        connection.execute("SET enable_progress_bar = false")
        connection.read_parquet(str(core_file)).create_view("core")
        yield Checks(connection)


class Checks:
    """Questions about the staged rows."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def reasons(self) -> dict[int, tuple[int, list[int], list[int]]]:
        """Return, by reason code, how many rows are left out, and part and row of the first."""
        rows = self._connection.execute(
            f"""
            SELECT reason, count(*), min_by(part, position, {ROWS_SHOWN}),
                min_by(row, position, {ROWS_SHOWN})
            FROM core WHERE reason > 0 GROUP BY reason ORDER BY reason
            """
        ).fetchall()
        return {reason: (count, parts, numbers) for reason, count, parts, numbers in rows}

    def later_ids(self) -> npt.NDArray[np.int64]:
        """Return the positions of rows whose id an earlier row has, ascending."""
        return self._column(
            """
            WITH repeated AS (
                SELECT id, min(position) AS first FROM core
                WHERE reason = 0 AND id IS NOT NULL GROUP BY id HAVING count(*) > 1
            )
            SELECT position FROM core JOIN repeated USING (id)
            WHERE reason = 0 AND position > first ORDER BY position
            """
        )

    def places(self, positions: npt.NDArray[np.int64]) -> tuple[int, list[int], list[int]]:
        """Return how many positions there are, and part and row of the first."""
        first = ", ".join(str(position) for position in positions[:ROWS_SHOWN])
        rows = self._connection.execute(
            f"SELECT part, row FROM core WHERE position IN ({first}) ORDER BY position"
        ).fetchall()
        return len(positions), [part for part, _ in rows], [row for _, row in rows]

    def labels(self) -> list[str]:
        """Return the distinct labels of usable rows."""
        rows = self._connection.execute(
            "SELECT DISTINCT label FROM core WHERE reason = 0 ORDER BY label"
        ).fetchall()
        return [label for (label,) in rows]

    def split_values(self) -> dict[str | None, tuple[int, list[int], list[int]]]:
        """Return every value of the split column: rows, and part and row of the first."""
        rows = self._connection.execute(
            f"""
            SELECT split, count(*), min_by(part, position, {ROWS_SHOWN}),
                min_by(row, position, {ROWS_SHOWN})
            FROM core WHERE reason = 0 GROUP BY split ORDER BY min(position)
            """
        ).fetchall()
        return {split: (count, parts, numbers) for split, count, parts, numbers in rows}

    def keep(
        self,
        dropped: npt.NDArray[np.int64],
        label_codes: Mapping[str, int],
        split_codes: Mapping[str | None, int],
    ) -> None:
        """Settle which rows stay, and the codes of their labels and splits.

        A text (with its pair) is known by its MD5 from here on: equal texts, equal `twin`.
        """
        self._register("dropped", {"position": pa.array(dropped, pa.int64())})
        self._register("labels", _codes(label_codes))
        self._register("splits", _codes(split_codes))
        self._connection.execute(
            """
            CREATE TABLE kept AS
            SELECT core.position, part, row, labels.code AS label, splits.code AS split,
                md5_number(concat(length(text), ':', text, text_pair)) AS twin,
                md5_number("group") AS "group"
            FROM core
            JOIN labels ON labels.value = core.label
            LEFT JOIN splits ON splits.value IS NOT DISTINCT FROM core.split
            WHERE reason = 0 AND core.position NOT IN (SELECT position FROM dropped)
            """
        )

    def kept(self, grouped: bool) -> tuple[npt.NDArray[np.int64], ...]:
        """Return position, label code, split code (-1 where none) and unit of the kept rows.

        A unit, named by its first position, must not be divided between splits: rows of a group,
        or else rows of equal text.
        """
        key = '"group"' if grouped else "twin"
        columns = self._connection.execute(
            f"""
            SELECT position, label::BIGINT AS label, coalesce(split, -1)::BIGINT AS split,
                CASE WHEN {key} IS NULL THEN position
                ELSE min(position) OVER (PARTITION BY {key}) END AS unit
            FROM kept ORDER BY position
            """
        ).fetchnumpy()
        return tuple(
            np.asarray(columns[name], np.int64) for name in ("position", "label", "split", "unit")
        )

    def settle_splits(self, positions: npt.NDArray[np.int64], codes: npt.NDArray[np.int8]) -> None:
        """Put splits that were made here in place of given ones."""
        self._register("made", {"position": pa.array(positions), "code": pa.array(codes)})
        self._connection.execute(
            "UPDATE kept SET split = code FROM made WHERE made.position = kept.position"
        )

    def twins(self, condition: str) -> tuple[int, list[int], list[int]]:
        """Count rows that repeat an earlier text, over the texts whose copies meet `condition`.

        Returns the count, and part and row of the first of them.
        """
        return self._repeated("twin", condition)

    def divided_groups(self) -> tuple[int, list[int], list[int]]:
        """Count the rows of groups that lie in several splits, after each group's first."""
        return self._repeated('"group"', "min(split) <> max(split)")

    def _repeated(self, key: str, condition: str) -> tuple[int, list[int], list[int]]:
        row = self._connection.execute(
            f"""
            WITH repeated AS (
                SELECT {key} AS key, min(position) AS first FROM kept
                WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1 AND {condition}
            )
            SELECT count(*), min_by(part, position, {ROWS_SHOWN}),
                min_by(row, position, {ROWS_SHOWN})
            FROM kept JOIN repeated ON kept.{key} = repeated.key WHERE position > first
            """
        ).fetchone()
        count, parts, rows = row or (0, None, None)
        return count, parts or [], rows or []

    def _column(self, query: str) -> npt.NDArray[np.int64]:
        columns = self._connection.execute(query).fetchnumpy()
        return np.asarray(next(iter(columns.values())), np.int64)

    def _register(self, name: str, columns: Mapping[str, Any]) -> None:
        self._connection.register(name, pa.table(dict(columns)))


def _codes(codes: Mapping[Any, int]) -> dict[str, pa.Array]:
    return {
        "value": pa.array([*codes], pa.string()),
        "code": pa.array([*codes.values()], pa.int32()),
    }
