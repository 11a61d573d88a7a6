"""What readers hand on: batches of rows, and the rows that could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 50_000
"""Rows a batch holds at most."""

BATCH_CHARACTERS = 32_000_000
"""Characters after which a batch of text is closed early: bounds the memory of long texts."""


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
        self._characters = 0

    @property
    def full(self) -> bool:
        """Say whether it is time to hand the batch on."""
        return len(self._rows) >= BATCH_ROWS or self._characters >= BATCH_CHARACTERS

    def keep(self, row: int, record: Any, characters: int) -> None:
        """Take in a record, which was `characters` long in its file."""
        self.records.append(record)
        self._rows.append(row)
        self._characters += characters

    def reject(self, row: int, check: str, reason: str, values: Any) -> None:
        """Leave a record out."""
        self._rejected.append(Rejected(row, check, reason, values))

    def batch(self, table: pa.Table, share: float) -> Batch:
        """Return the batch whose records `table` holds."""
        return Batch(table, self._rows, share, self._rejected)


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
