"""Columns in types that Arrow and the database read alike.

DuckDB reads some types of a Parquet file otherwise than the same column handed over by Arrow, or
not at all there; and Arrow cannot tell the kinds of an extension type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from influence_core.store.database import Parameters, frame

if TYPE_CHECKING:
    import pyarrow as pa


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column in the type in which the database reads it from a Parquet file.

    Half floats and long decimals become floats, durations whole numbers in their own unit, and
    identifiers (UUID) and JSON words.
    """
    import pyarrow as pa

    if column.type == pa.uuid():
        return pa.chunked_array([written(column)])
    kind = plain_type(column.type)
    return column if kind == column.type else column.cast(kind)


def plain_table(table: pa.Table) -> pa.Table:
    """Return a table of such columns."""
    import pyarrow as pa

    return pa.Table.from_arrays([plain(column) for column in table.columns], table.column_names)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type that stands for another one, of which lists and records may be made."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_float16(kind):
        return pa.float32()
    if types.is_decimal256(kind):
        return pa.float64()
    if types.is_duration(kind):
        return pa.int64()
    if types.is_string_view(kind):
        return pa.string()
    if isinstance(kind, pa.BaseExtensionType) and kind != pa.uuid():
        return plain_type(kind.storage_type)
    return _plain_nested(kind) if types.is_nested(kind) else kind


def _plain_nested(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa
    from pyarrow import types

    if types.is_list(kind):
        return pa.list_(_plain_field(kind.value_field))
    if types.is_large_list(kind):
        return pa.large_list(_plain_field(kind.value_field))
    if types.is_fixed_size_list(kind):
        return pa.list_(_plain_field(kind.value_field), kind.list_size)
    if types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), _plain_field(kind.item_field))
    if types.is_struct(kind):
        return pa.struct([_plain_field(field) for field in kind])
    return kind


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(plain_type(field.type))


def written(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return values as the database writes them, in their order."""
    import pyarrow as pa

    parameters = Parameters()
    table = parameters.table(pa.table({"value": values, "place": np.arange(len(values))}))
    statement = f"SELECT CAST(value AS VARCHAR) AS value FROM {table} ORDER BY place"
    return pa.array(frame(statement, parameters)["value"], pa.string(), from_pandas=True)
