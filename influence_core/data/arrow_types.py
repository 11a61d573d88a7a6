"""Types of columns that come in batches: one type for all, numbers where nothing is lost."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

EXACT = range(-(2**53), 2**53 + 1)
"""Integers that survive a conversion to float; longer digit strings are names, not numbers."""


def column_of(values: Sequence[Any]) -> pa.ChunkedArray:
    """Return Python values as a column; where they have no common type they become text."""
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        array = pa.array([_as_text(value) for value in values], pa.string())
    return _chunked(array)


def common_type(types: Iterable[pa.DataType]) -> pa.DataType:
    """Return the narrowest type that holds values of all `types`; text where there is no other."""
    schemas = [pa.schema([("value", kind)]) for kind in dict.fromkeys(types)]
    try:
        kind = pa.unify_schemas(schemas, promote_options="permissive").field("value").type
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.string()
    return pa.string() if pa.types.is_null(kind) else kind


def convert(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Return the column in another type; nested values become JSON where text is asked for."""
    if column.type == kind:
        return column
    if pa.types.is_string(kind) and pa.types.is_nested(column.type):
        return _chunked(pa.array([_as_text(value) for value in column.to_pylist()], kind))
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    return _chunked(column.cast(kind))


class NumberGuess:
    """Finds out, batch by batch, which columns of strings hold nothing but numbers.

    A column counts as one where writing its numbers gives the same strings again, so that
    leading zeros, `1.10` and long digit strings stay as they are. Empty strings are missing values.
    """

    def __init__(self) -> None:
        self._candidates: dict[str, list[pa.DataType]] = {}
        self._seen: set[str] = set()

    def look(self, table: pa.Table) -> None:
        """Take the next batch into account."""
        for name in table.column_names:
            candidates = self._candidates.setdefault(name, [pa.int64(), pa.float64()])
            values = [value for value in table[name].to_pylist() if value] if candidates else []
            while candidates and not _CHECKS[candidates[0]](values):
                candidates.pop(0)
            self._seen.update([name] if values else [])

    def kind(self, name: str) -> pa.DataType:
        """Return the type of a column: int64, float64 or string."""
        candidates = self._candidates.get(name)
        return candidates[0] if candidates and name in self._seen else pa.string()


def _all_integers(values: list[str]) -> bool:
    try:
        return all(str(int(value)) == value and int(value) in EXACT for value in values)
    except ValueError:
        return False


def _all_decimals(values: list[str]) -> bool:
    try:
        return all(_exact(value, float(value)) for value in values)
    except ValueError:
        return False


def _exact(text: str, number: float) -> bool:
    if not math.isfinite(number):
        return False
    return repr(number) == text or str(int(number)) == text


_CHECKS: dict[pa.DataType, Callable[[list[str]], bool]] = {
    pa.int64(): _all_integers,
    pa.float64(): _all_decimals,
}


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _chunked(array: Any) -> pa.ChunkedArray:
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
