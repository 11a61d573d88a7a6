"""Reading CSV and TSV: quotes, newlines in fields, ragged rows; every value stays a string."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from influence_core.data.batches import BATCH_CHARACTERS, BATCH_ROWS, Batch, Rejected
from influence_core.data.findings import failure, listed
from influence_core.data.text_files import open_text

if TYPE_CHECKING:
    from _csv import Reader as _Reader

_DELIMITERS = (",", ";", "\t", "|")


def read_delimited(path: Path, delimiter: str | None = None) -> Iterator[Batch]:
    """Read a file of delimited values in batches.

    Rows with more or fewer fields than the header are rejected, and so are rows whose quotes
    cannot be read; the others go on. The delimiter is told from the header unless given.

    Raises:
        DataError: the file cannot be read, or its header names a column twice.
    """
    with open_text(path) as file:
        first = file.readline()
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter or _told_by(first), strict=True)
        try:
            header = _named(path, next(reader, []))
        except csv.Error as error:
            raise failure(
                "header", f"The header of {path.name!r} cannot be read: {error}; mend line 1."
            ) from None
        yield from _batches(path, file, reader, header)


def _batches(path: Path, file: IO[str], reader: _Reader, header: list[str]) -> Iterator[Batch]:
    size = max(path.stat().st_size, 1)
    collector = _Collector(header)
    for row, fields, error in _records(reader):
        collector.add(row, fields, error, reader.line_num)
        if collector.full:
            yield collector.batch(min(1.0, file.buffer.tell() / size))  # type: ignore[attr-defined]
            collector = _Collector(header)
    yield collector.batch(1.0)


def _records(reader: _Reader) -> Iterator[tuple[int, list[str], str]]:
    """Yield number, fields and error of every row; blank lines are no rows."""
    row = 0
    while True:
        try:
            fields, error = next(reader), ""
        except StopIteration:
            return
        except csv.Error as broken:
            fields, error = [], str(broken)
        if fields or error:
            row += 1
            yield row, fields, error


class _Collector:
    """The rows of the batch that is being read."""

    def __init__(self, header: list[str]) -> None:
        self._header = header
        self._records: list[list[str]] = []
        self._rows: list[int] = []
        self._rejected: list[Rejected] = []
        self._characters = 0

    @property
    def full(self) -> bool:
        return len(self._rows) >= BATCH_ROWS or self._characters >= BATCH_CHARACTERS

    def add(self, row: int, fields: list[str], error: str, line: int) -> None:
        if error:
            reason = f"line {line} cannot be read as CSV: {error}"
            self._rejected.append(Rejected(row, "broken_csv", reason, fields))
        elif len(fields) != len(self._header):
            reason = f"line {line} has {len(fields)} fields, the header has {len(self._header)}"
            self._rejected.append(Rejected(row, "ragged", reason, fields))
        else:
            self._records.append(fields)
            self._rows.append(row)
            self._characters += sum(map(len, fields))

    def batch(self, share: float) -> Batch:
        columns = zip(*self._records, strict=True) if self._records else ([] for _ in self._header)
        arrays = [pa.chunked_array([pa.array(column, pa.string())]) for column in columns]
        return Batch(pa.table(arrays, self._header), self._rows, share, self._rejected)


def _told_by(header: str) -> str:
    """Return the delimiter the header line holds most often; the comma where none is found."""
    return max(_DELIMITERS, key=header.count)


def _named(path: Path, header: list[str]) -> list[str]:
    """Return the column names; a nameless column is called by its place."""
    names = [name.strip() or f"column_{place}" for place, name in enumerate(header, start=1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise failure(
            "header",
            f"The header of {path.name!r} names {listed(twice)} more than once; "
            "give every column its own name.",
        )
    return names
