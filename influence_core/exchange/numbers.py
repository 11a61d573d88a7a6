"""Columns of any kind as numbers, and which of their values are none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_NUMBER = r"^[-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$"
_WORDS = {
    **dict.fromkeys(("", "nan", "na", "n/a", "null", "none"), None),
    **dict.fromkeys(("inf", "infinity"), "inf"),
    **dict.fromkeys(("-inf", "-infinity"), "-inf"),
    **{"true": "1", "false": "0"},
}
"""Words that stand for a number, or for none."""


def as_numbers(column: pa.ChunkedArray) -> tuple[Floats, Bools]:
    """Return the values of a column (n,), missing ones as NaN, and which are no numbers (n,).

    Text is read as decimal numbers; an empty cell and words such as `NA` are missing values.
    """
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _parsed(column)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _floats(pc.cast(column, pa.float64(), safe=False)), np.zeros(len(column), bool)
    if pa.types.is_boolean(kind):
        return _floats(pc.cast(column, pa.int8())), np.zeros(len(column), bool)
    return np.full(len(column), np.nan), pc.is_valid(column).to_numpy().astype(bool)


def numeric(column: pa.ChunkedArray) -> bool:
    """Say whether a column holds numbers: most of its values are, and one at least."""
    values, wrong = as_numbers(column)
    known = int((~np.isnan(values)).sum())
    return known > int(wrong.sum())


def _parsed(column: pa.ChunkedArray) -> tuple[Floats, Bools]:
    text = pc.utf8_trim_whitespace(column)
    try:
        return _floats(pc.cast(text, pa.float64())), np.zeros(len(column), bool)
    except pa.ArrowInvalid:
        pass
    words = pc.index_in(pc.utf8_lower(text), value_set=pa.array(list(_WORDS)))
    stands = pc.take(pa.array(list(_WORDS.values()), pa.string()), words)
    unsigned = pc.replace_substring_regex(text, r"^[+]", "")
    written = pc.match_substring_regex(unsigned, _NUMBER)
    readable = pc.if_else(written, unsigned, pa.scalar(None, pa.string()))
    values = pc.cast(pc.coalesce(stands, readable), pa.float64())
    known = pc.or_(pc.is_valid(words), pc.fill_null(written, False))
    wrong = pc.and_(pc.is_valid(text), pc.invert(known))
    return _floats(values), wrong.to_numpy().astype(bool)


def _floats(column: pa.ChunkedArray) -> Floats:
    values: Floats = column.to_numpy().astype(np.float64)
    return values
