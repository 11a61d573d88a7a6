"""Where rows come from: the column that says so, and the rows of one source."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from influence_core.errors import DataError, rule
from influence_core.store.columns import Column, columns
from influence_core.store.grouping import groups_of
from influence_core.store.run import Run

Integers = npt.NDArray[np.int64]

SOURCE = "source"
"""Column of sources where no other is named."""

MOST = 8
"""Sources that are told apart, those with the most rows; the rows of others are gathered."""


def source_column(run: Run, wanted: str | None = None) -> Column | None:
    """Return the column of the sources: the one that is wanted, or `SOURCE` where there is one.

    Raises:
        DataError: the data have no such column, or it holds what no rows have in common.
    """
    known = {
        column.stored: column
        for column in columns(run)
        if column.table == "examples" and column.groupable
    }
    if wanted is not None and wanted not in known:
        must = f"be a column of words, whole numbers or flags of the data ({', '.join(known)})"
        raise DataError(rule("source", must, wanted))
    return known.get(wanted or SOURCE)


def sources_of(run: Run, column: Column, rows: Integers) -> list[str]:
    """Return the sources that rows come from, the one with the most rows first."""
    members, names = groups_of(run, column, rows, len(rows))
    present = np.bincount(members, minlength=len(names)) > 0
    return [name for name, there in zip(names, present, strict=True) if there]


def rows_of(run: Run, column: Column, source: str, rows: Integers) -> Integers:
    """Return those of some training rows that come from a source.

    Raises:
        DataError: there are none.
    """
    members, names = groups_of(run, column, rows, len(rows))
    found = rows[members == names.index(source)] if source in names else rows[:0]
    if not len(found):
        known = sources_of(run, column, rows)
        has = ", ".join([*known[:MOST], *(["…"] if len(known) > MOST else [])])
        raise DataError(rule("prune_only", f"be a source of training rows ({has})", source))
    return found
