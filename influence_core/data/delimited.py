"""Reading CSV and TSV: quotes, newlines in fields, ragged rows; every value stays a string."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from influence_core.data.batches import Batch, Collector
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
    collector = Collector()
    for row, fields, error in _records(reader):
        _sort(collector, row, fields, error, reader.line_num, header)
        if collector.full:
            share = min(1.0, file.buffer.tell() / size)  # type: ignore[attr-defined]
            yield _batch(collector, header, share)
    yield _batch(collector, header, 1.0)


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


def _sort(
    collector: Collector, row: int, fields: list[str], error: str, line: int, header: list[str]
) -> None:
    """Keep a row, or reject it with the reason."""
    size = sum(map(sys.getsizeof, fields))
    if error:
        reason = f"line {line} cannot be read as CSV: {error}"
        collector.reject(row, "broken_csv", reason, fields, size)
    elif len(fields) != len(header):
        reason = f"line {line} has {len(fields)} fields, the header has {len(header)}"
        collector.reject(row, "ragged", reason, fields, size)
    else:
        collector.keep(row, fields, size)


def _batch(collector: Collector, header: list[str], share: float) -> Batch:
    records = collector.records
    columns = zip(*records, strict=True) if records else ([] for _ in header)
    arrays = [pa.chunked_array([pa.array(column, pa.string())]) for column in columns]
    return collector.hand_on(pa.table(arrays, header), share)


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
