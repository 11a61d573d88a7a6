"""Which rows belong together: those of one group, or of equal texts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from influence_core.store.database import Parameters, frame, quote
from influence_core.store.run import Run

Integers = npt.NDArray[np.int64]


def read_units(run: Run, group: str | None, split: str = "train") -> Integers:
    """Return a number for each row of a split; rows of one number belong together.

    These are the rows of one value of column `group`, or else rows of equal texts. Rows without a
    value stand alone.
    """
    parameters = Parameters()
    source = parameters.parquet(run.examples_file)
    key = quote(group) if group else "concat(length(text), ':', text, text_pair)"
    found = frame(
        f"""
        SELECT CASE WHEN {key} IS NULL THEN file_row_number::UBIGINT ELSE hash({key}) END AS unit
        FROM {source} WHERE split = {parameters.bind(split)} ORDER BY file_row_number
        """,
        parameters,
    )
    _, first, unit = np.unique(found["unit"].to_numpy(), return_index=True, return_inverse=True)
    return np.asarray(first[unit], dtype=np.int64)
