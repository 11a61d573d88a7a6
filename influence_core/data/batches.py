"""What readers hand on: batches of rows, and the rows that could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 50_000
"""Rows a batch holds at most."""

BATCH_BYTES = 16 * 2**20
"""Memory of its values after which a batch is closed early: what a stage holds follows from it."""


@dataclass(frozen=True)
class Rejected:
    """An input row that is left out: its number in its file, counted from 1, and why."""

    row: int
    check: str
    reason: str
    values: Any


@dataclass(frozen=True)
class Batch:
    """Some rows of a part, with their numbers in it and the share of the part read so far."""

    table: pa.Table
    rows: list[int] | range
    share: float
    rejected: list[Rejected] = field(default_factory=list)


class Collector:
    """Gathers the records of the batch that is being read."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self._rows: list[int] = []
        self._rejected: list[Rejected] = []
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Say whether it is time to hand the batch on."""
        rows = len(self._rows) + len(self._rejected)
        return rows >= BATCH_ROWS or self._bytes >= BATCH_BYTES

    def keep(self, row: int, record: Any, size: int) -> None:
        """Take in a record that takes some `size` bytes of memory."""
        self.records.append(record)
        self._rows.append(row)
        self._bytes += size

    def reject(self, row: int, check: str, reason: str, values: Any, size: int) -> None:
        """Leave a record out."""
        self._rejected.append(Rejected(row, check, reason, values))
        self._bytes += size

    def hand_on(self, table: pa.Table, share: float) -> Batch:
        """Return the batch whose records `table` holds, and begin the next."""
        batch = Batch(table, self._rows, share, self._rejected)
        self.records, self._rows, self._rejected, self._bytes = [], [], [], 0
        return batch


@dataclass(frozen=True)
class Part:
    """One file or one split of a dataset, and how to read it.

    `plain` says that all its values are strings that may stand for numbers (CSV).
    """

    name: str
    size: int
    read: Callable[[], Iterator[Batch]]
    split: str | None = None
    plain: bool = False
