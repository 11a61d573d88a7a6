"""Reading JSON lines: one object a line, nested values untouched."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from influence_core.data.arrow_types import column_of
from influence_core.data.batches import Batch, Collector
from influence_core.data.findings import failure
from influence_core.data.text_files import open_text, read_head

_PARSED = 4
"""How much more memory a line takes when it is parsed, in typical rows of texts and numbers."""


def read_json_lines(path: Path) -> Iterator[Batch]:
    """Read a file of JSON objects in batches; lines that are none are rejected.

    Raises:
        DataError: the file cannot be read, or is one JSON array.
    """
    if read_head(path).lstrip().startswith(b"["):
        raise failure(
            "format",
            f"File {path.name!r} is one JSON array; write one object a line (JSON lines), "
            f"e.g. with `jq -c '.[]' {path.name!r}`.",
        )
    size = max(path.stat().st_size, 1)
    with open_text(path) as file:
        collector = Collector()
        for number, line in enumerate(file, start=1):
            _sort(collector, number, line)
            if collector.full:
                share = min(1.0, file.buffer.tell() / size)  # type: ignore[attr-defined]
                yield _batch(collector, share)
        yield _batch(collector, 1.0)


def _sort(collector: Collector, number: int, line: str) -> None:
    """Keep a line, or reject it with the reason; blank lines are no rows."""
    if not line.strip():
        return
    size = sys.getsizeof(line)
    try:
        collector.keep(number, _parsed(line), _PARSED * size)
    except ValueError as error:
        reason = f"line {number} is not a JSON object: {error}"
        collector.reject(number, "broken_json", reason, line.rstrip("\r\n"), size)


def _batch(collector: Collector, share: float) -> Batch:
    records = collector.records
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: column_of([record.get(name) for record in records]) for name in names}
    return collector.hand_on(pa.table(columns), share)


def _parsed(line: str) -> dict[str, Any]:
    """Parse one line.

    Raises:
        ValueError: it is not one JSON object, or holds half of a surrogate pair.
    """
    try:
        value = json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"it holds {type(value).__name__}")
    if "\\ud" in line.lower():
        json.dumps(value, ensure_ascii=False).encode()
    return value
