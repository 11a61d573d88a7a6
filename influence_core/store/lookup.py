"""Values of a run's columns at rows, from columns that are laid out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from influence_core.store import laid
from influence_core.store.columns import Column, Table, table_file
from influence_core.store.database import Parameters, frame
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Rows = npt.NDArray[np.int64]


def training(run: Run) -> npt.NDArray[np.bool_]:
    """Say which of the examples are training rows (examples,)."""
    codes, names = laid.coded(run.examples_file, "split")
    told: npt.NDArray[np.bool_] = codes == names.index("train").as_py()
    return told


def at(run: Run, column: Column, rows: Rows) -> pa.ChunkedArray:
    """Return the values of a column at rows; none where its table lacks the row."""
    import pyarrow as pa

    held = laid.column(table_file(run, column.table), column.stored)
    found = places(run, column.table, rows)
    taken = held.take(pa.array(found, mask=found < 0))
    words = pa.types.is_dictionary(taken.type)
    return taken.cast(taken.type.value_type) if words else taken


def numbers_at(run: Run, column: Column, rows: Rows) -> npt.NDArray[Any]:
    """Return a column of numbers or flags at rows, as floats with NaN where one is missing."""
    held = laid.values(table_file(run, column.table), column.stored)
    return _picked(held, places(run, column.table, rows), np.nan)


def ordinals_at(run: Run, column: Column, rows: Rows) -> laid.Places:
    """Return the places of a column's values among its sorted kinds at rows, -1 without one."""
    held = laid.ordinals(table_file(run, column.table), column.stored)
    return _picked(held, places(run, column.table, rows), -1)


def coded_at(run: Run, column: Column, rows: Rows) -> laid.Coded:
    """Return the kinds of a column at rows."""
    codes, names = laid.coded(table_file(run, column.table), column.stored)
    return laid.Coded(_picked(codes, places(run, column.table, rows), -1), names)


def framed(columns: Iterable[tuple[str, pa.Array | pa.ChunkedArray]]) -> pd.DataFrame:
    """Return named columns as a frame, with the types that answers of the database have."""
    import pyarrow as pa

    names, values = zip(*columns, strict=True)
    numbered = [f"c{place}" for place in range(len(names))]
    parameters = Parameters()
    table = parameters.table(pa.Table.from_arrays(list(values), numbered))
    return frame(f"SELECT * FROM {table}", parameters).set_axis(list(names), axis=1)


def places(run: Run, table: Table, rows: Rows) -> npt.NDArray[np.integer[Any]]:
    """Return where rows stand in a table, -1 where it lacks them."""
    if table == "examples" or not len(rows):
        return rows
    known = laid.places(table_file(run, table))
    if not len(known):
        return np.full(len(rows), -1)
    found = known.take(rows, mode="clip")
    found[rows >= len(known)] = -1
    return found


def _picked(
    held: npt.NDArray[Any], found: npt.NDArray[np.integer[Any]], missing: float
) -> npt.NDArray[Any]:
    absent = found < 0
    picked: npt.NDArray[Any] = held[found] if len(held) else np.zeros(len(found), held.dtype)
    if not absent.any():
        return picked
    filled: npt.NDArray[Any] = np.where(absent, missing, picked)
    return filled if np.isnan(missing) else filled.astype(held.dtype)
