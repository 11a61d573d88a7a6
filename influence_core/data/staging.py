"""First pass: the source becomes Parquet files in a private folder, in one order, rows numbered.

`core.parquet` holds what checks and splits look at; `rest-*.parquet` hold all other columns as they
came, a new file whenever their types change. Row groups of both run in step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from influence_core.config import DataSettings
from influence_core.data.arrow_types import NumberGuess, column_of, common_type, convert
from influence_core.data.batches import Batch, Part
from influence_core.data.columns import Mapping, guess
from influence_core.data.findings import Report, listed
from influence_core.data.unreadable import Unreadable
from influence_core.errors import DataError

CORE = pa.schema(
    [
        ("position", pa.int64()),
        ("part", pa.int32()),
        ("row", pa.int64()),
        ("reason", pa.int8()),
        ("id", pa.string()),
        ("text", pa.string()),
        ("text_pair", pa.string()),
        ("label", pa.string()),
        ("split", pa.string()),
        ("group", pa.string()),
    ]
)

REASONS = ("", "missing_text", "empty_text", "missing_pair", "missing_label")
"""Why a row is left out, by its code in `core.parquet`; code 0 stays."""


@dataclass(frozen=True)
class Group:
    """Rows that lie in one row group of both files; nothing is in memory until it is asked for."""

    _core: pq.ParquetFile
    _place: int
    _rest: pq.ParquetFile
    _rest_place: int

    def core(self, *names: str) -> pa.Table:
        """Read the standard columns, or those of them that are named."""
        return self._core.read_row_group(self._place, columns=list(names) or None)

    def rest(self) -> pa.Table:
        """Read all other columns."""
        return self._rest.read_row_group(self._rest_place)


@dataclass
class Staged:
    """The staged rows: the files, their number, and what was learnt on the way."""

    folder: Path
    mapping: Mapping | None = None
    guessed: bool = False
    rows: int = 0
    float_labels: bool = False
    parts: list[Part] = field(default_factory=list)
    unreadable: Unreadable = field(init=False)
    rest_files: list[tuple[Path, pa.Schema]] = field(default_factory=list)
    numbers: NumberGuess = field(default_factory=NumberGuess)

    def __post_init__(self) -> None:
        self.unreadable = Unreadable(self.folder / "unreadable.jsonl")

    @property
    def core_file(self) -> Path:
        """The standard columns."""
        return self.folder / "core.parquet"

    def rest_kinds(self) -> dict[str, pa.DataType]:
        """Return the type of every other input column over all files, in order of appearance."""
        plain = all(part.plain for part in self.parts)
        seen: dict[str, list[pa.DataType]] = {}
        for _, schema in self.rest_files:
            for column in schema:
                kind = self.numbers.kind(column.name) if plain else column.type
                seen.setdefault(column.name, []).append(kind)
        return {name: common_type(kinds) for name, kinds in seen.items()}

    def groups(self) -> Iterator[Group]:
        """Yield the rows, piece by piece, in order."""
        with pq.ParquetFile(self.core_file) as core:
            place = 0
            for path, _ in self.rest_files:
                with pq.ParquetFile(path) as rest:
                    for rest_place in range(rest.num_row_groups):
                        yield Group(core, place, rest, rest_place)
                        place += 1


def stage(
    parts: Sequence[Part],
    settings: DataSettings,
    folder: Path,
    report: Report,
    share_read: Callable[[float], None],
) -> Staged:
    """Read all parts into `folder`; files that cannot be read become errors in the report.

    `share_read` is told the share of the source that was read.
    """
    staged = Staged(folder, parts=list(parts))
    total = sum(part.size for part in parts) or 1
    before = 0
    with _Writer(staged) as writer:
        for number, part in enumerate(parts):
            try:
                for batch in part.read():
                    _take(batch, number, staged, settings, writer, report)
                    share_read((before + part.size * batch.share) / total)
            except DataError as error:
                report.take(error)
            before += part.size
    return staged


def _take(
    batch: Batch,
    number: int,
    staged: Staged,
    settings: DataSettings,
    writer: _Writer,
    report: Report,
) -> None:
    """Add one batch of a part."""
    part = staged.parts[number]
    staged.unreadable.add(part.name, batch.rejected)
    if batch.table.num_rows == 0:
        return
    if not staged.guessed:
        staged.mapping = guess(settings, batch.table, report)
        staged.guessed = True
    mapping = staged.mapping
    if mapping is None or not _has_columns(batch.table, mapping, part.name, report):
        return
    kind = batch.table.schema.field(mapping.label).type
    staged.float_labels |= pa.types.is_floating(kind)
    core = _core(batch, number, staged.rows, mapping, part.split)
    rest = batch.table.drop_columns(sorted(mapping.used & set(batch.table.column_names)))
    if part.plain:
        staged.numbers.look(rest)
    writer.write(core, rest)
    staged.rows += core.num_rows


def _has_columns(table: pa.Table, mapping: Mapping, part: str, report: Report) -> bool:
    needed = {"text": mapping.text, "label": mapping.label, "text_pair": mapping.text_pair}
    missing = {name for name in needed.values() if name and name not in table.column_names}
    for name in sorted(missing):
        message = f"{part!r} has no column {name!r}; its columns are {listed(table.column_names)}."
        if message not in {finding.message for finding in report.findings}:
            report.error("columns", message)
    return not missing


def _core(batch: Batch, number: int, start: int, mapping: Mapping, split: str | None) -> pa.Table:
    """Return the standard columns of a batch, each row with its reason to be left out."""
    table, count = batch.table, batch.table.num_rows
    text = _strings(table, mapping.text)
    pair = _strings(table, mapping.text_pair)
    label = pc.utf8_trim_whitespace(_strings(table, mapping.label))
    splits = _strings(table, mapping.split) if mapping.split else [split] * count
    columns = {
        "position": np.arange(start, start + count),
        "part": np.full(count, number, np.int32),
        "row": np.asarray(batch.rows, np.int64),
        "reason": _reasons(text, pair if mapping.text_pair else None, label),
        "id": _strings(table, mapping.id),
        "text": text,
        "text_pair": pair,
        "label": label,
        "split": splits,
        "group": _strings(table, mapping.group),
    }
    return pa.table(columns, schema=CORE)


def _strings(table: pa.Table, name: str | None) -> pa.ChunkedArray:
    """Return a column as strings; nulls where the table does not have it."""
    if name is None or name not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    column = table[name]
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        raise DataError(
            f"Column {name!r} holds {column.type} values; the text, label, id, split and group "
            "must be single values: name another column."
        )
    if pa.types.is_floating(column.type):
        return column_of([_decimal(value) for value in column.to_pylist()])
    return convert(column, pa.string())


def _decimal(value: float | None) -> str | None:
    return None if value is None or math.isnan(value) else repr(value)


def _reasons(
    text: pa.ChunkedArray, pair: pa.ChunkedArray | None, label: pa.ChunkedArray
) -> pa.ChunkedArray:
    """Return the code of the first reason that applies to each row."""
    checks = [_missing(text), _blank(text), None if pair is None else _missing(pair), _empty(label)]
    reasons = pa.chunked_array([pa.array([0] * len(text), pa.int8())])
    for code in range(len(checks), 0, -1):
        mask = checks[code - 1]
        if mask is not None:
            reasons = pc.if_else(mask, pa.scalar(code, pa.int8()), reasons)
    return reasons


def _missing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.is_null(column)


def _blank(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), False)


def _empty(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.equal(column, ""), True)


class _Writer:
    """Writes core and rest in step."""

    def __init__(self, staged: Staged) -> None:
        self._staged = staged
        self._core = pq.ParquetWriter(staged.core_file, CORE, compression="lz4")
        self._rest: pq.ParquetWriter | None = None

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._core.close()
        if self._rest:
            self._rest.close()

    def write(self, core: pa.Table, rest: pa.Table) -> None:
        """Add one row group to both."""
        files = self._staged.rest_files
        if self._rest is None or not files[-1][1].equals(rest.schema):
            self._open(rest.schema)
        rows = core.num_rows
        self._core.write_table(core, row_group_size=rows)
        if self._rest:
            self._rest.write_table(rest, row_group_size=rows)

    def _open(self, schema: pa.Schema) -> None:
        if self._rest:
            self._rest.close()
        path = self._staged.folder / f"rest-{len(self._staged.rest_files):05d}.parquet"
        self._rest = pq.ParquetWriter(path, schema, compression="lz4")
        self._staged.rest_files.append((path, schema))


def raw_values(core: pa.Table, rest: pa.Table, place: int, mapping: Mapping) -> dict[str, object]:
    """Return a staged row under its input names, for the file of rejected rows."""
    values = {
        name: core[role][place].as_py()
        for role in ("id", "text", "text_pair", "label", "split")
        if (name := getattr(mapping, role))
    }
    return {**values, **{name: rest[name][place].as_py() for name in rest.column_names}}
