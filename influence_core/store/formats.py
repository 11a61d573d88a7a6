"""Writers of the export formats: batches in, a file or a folder out.

JSONL, Parquet and `datasets` keep every value as it is (JSON has no NaN: it becomes null). CSV is
made safe for spreadsheets: a text cell or a header that begins like a formula gets a leading
apostrophe, as OWASP advises; nested values become JSON text.
"""

from __future__ import annotations

import base64
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from influence_core.store.files import discard

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["csv", "jsonl", "parquet", "datasets"]

FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
"""Cells that a spreadsheet may run, in half and full width."""

NUMBER = r"^[-+]?[0-9]+([.][0-9]+)?$"
"""Signed numbers kept as text, such as the label -1, are harmless and stay as they are."""


class Writer(ABC):
    """Takes batches of one schema, then is closed."""

    suffix = ""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a batch."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""


class ParquetWriter(Writer):
    """One Parquet file, zstd."""

    suffix = ".parquet"

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        super().__init__(path, schema)
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a batch."""
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class JsonLinesWriter(Writer):
    """One JSON object a line, UTF-8."""

    suffix = ".jsonl"

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        super().__init__(path, schema)
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a batch."""
        self._file.writelines(f"{to_json(record)}\n" for record in batch.to_pylist())

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class CsvWriter(Writer):
    """One CSV file, UTF-8, texts quoted; an empty unquoted cell is a missing value."""

    suffix = ".csv"

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import pyarrow as pa
        import pyarrow.csv as pc

        super().__init__(path, schema)
        kinds = [pa.string() if _textual(field.type) else field.type for field in schema]
        names = _neutral(pa.array(schema.names, pa.string())).to_pylist()
        self._flat = pa.schema(list(zip(names, kinds, strict=True)))
        self._writer = pc.CSVWriter(path, self._flat)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a batch."""
        import pyarrow as pa

        columns = [_cell(column) for column in batch.columns]
        self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=self._flat))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


class DatasetsWriter(Writer):
    """A folder for `datasets.load_from_disk`: a `DatasetDict` with one dataset a split."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        super().__init__(path, schema)
        self._streams: dict[str, Any] = {}
        self._raw = path.with_name(f"{path.name}-raw")
        self._raw.mkdir(parents=True)

    def write(self, batch: pa.RecordBatch) -> None:
        """Append the rows of a batch, each to its split."""
        import pyarrow.compute as pc

        for split in pc.unique(batch["split"]).to_pylist():
            self._stream(split).write_batch(batch.filter(pc.equal(batch["split"], split)))

    def close(self) -> None:
        """Turn the streams into the folder."""
        from datasets import Dataset, DatasetDict

        if not self._streams:
            self._stream("train")
        for stream in self._streams.values():
            stream.close()
        parts = {split: Dataset.from_file(str(self._file(split))) for split in self._streams}
        with _without_bars():
            DatasetDict(parts).save_to_disk(str(self.path))
        discard(self._raw)

    def _stream(self, split: str) -> Any:
        import pyarrow as pa

        if split not in self._streams:
            self._streams[split] = pa.ipc.new_stream(str(self._file(split)), self.schema)
        return self._streams[split]

    def _file(self, split: str) -> Path:
        return self._raw / f"{split}.arrow"


WRITERS: dict[Format, type[Writer]] = {
    "csv": CsvWriter,
    "jsonl": JsonLinesWriter,
    "parquet": ParquetWriter,
    "datasets": DatasetsWriter,
}


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the library from drawing its own progress bars."""
    from datasets import utils

    shown = not utils.are_progress_bars_disabled()
    utils.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            utils.enable_progress_bars()


def plain_schema(fields: Iterable[pa.Field]) -> pa.Schema:
    """Return a schema without metadata and dictionary encoding, which not every format knows."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(
                field.name,
                field.type.value_type if pa.types.is_dictionary(field.type) else field.type,
            )
            for field in fields
        ]
    )


def to_json(value: Any) -> str:
    """Write a value as one line of JSON; NaN becomes null, times ISO 8601, bytes base64."""
    return json.dumps(_without_nan(value), ensure_ascii=False, allow_nan=False, default=_text)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return value


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _textual(kind: pa.DataType) -> bool:
    """Say whether a column is text, or becomes text, in a CSV file."""
    import pyarrow.types as types

    return not (
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_boolean(kind)
        or types.is_temporal(kind)
        or types.is_decimal(kind)
    )


def _cell(column: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.types as types

    if not _textual(column.type):
        return column
    if types.is_string(column.type) or types.is_large_string(column.type):
        return _neutral(column.cast(pa.string()))
    return pa.array(
        [None if value is None else to_json(value) for value in column.to_pylist()], pa.string()
    )


def unguarded(cell: str) -> str:
    """Return the text that a cell of a CSV file stands for, without the apostrophe of a formula.

    >>> unguarded("'=1+1"), unguarded("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if cell.startswith("'") and re.match(FORMULA, cell[1:]) else cell


def formulas(batch: pa.RecordBatch) -> int:
    """Count the texts of a batch that CSV would change, because they begin like a formula."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as types

    texts = [
        column.cast(pa.string())
        for column in batch.columns
        if types.is_string(column.type) or types.is_large_string(column.type)
    ]
    return sum(pc.sum(_risky(column)).as_py() or 0 for column in texts)


def _neutral(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.if_else(_risky(texts), pc.binary_join_element_wise("'", texts, ""), texts)


def _risky(texts: pa.Array) -> pa.Array:
    import pyarrow.compute as pc

    return pc.and_not(
        pc.match_substring_regex(texts, FORMULA), pc.match_substring_regex(texts, NUMBER)
    )
