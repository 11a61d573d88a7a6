"""The order of all rows at once, so that every page of it is a slice, however deep.

Which rows a query keeps and in which order they stand are two questions. Each has one answer for
many queries: another search keeps the order, another order keeps what was found.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from influence_core.store.columns import Column
from influence_core.store.database import frame
from influence_core.store.query import ExampleQuery, Scan
from influence_core.store.run import Run

Rows = npt.NDArray[np.int64]


def ordered(run: Run, query: ExampleQuery) -> Rows:
    """Return the numbers of the rows that the query finds, in its order.

    What `rows.find_rows` returns from position to position, all of it at once; ties are in input
    order, and rows without a value come last.

    Cost: one pass over the columns that decide, and a sort: some 0.2 s for a million rows by a
    number, a second by a text; 8 bytes a row.

    Raises:
        RunError: the run has no scores yet and the query names one, or a column is unknown.
    """
    scan = Scan(run, query)
    if scan.key is not None and (scan.key.kind == "number" or query.order != "column"):
        return _by_number(scan, scan.key)
    found = frame(
        f"SELECT {scan.row} AS row FROM {scan.source()} WHERE {scan.where} ORDER BY {scan.order}",
        scan.parameters,
    )
    return found["row"].to_numpy(np.int64)


def within(order: Rows, kept: Rows) -> Rows:
    """Return those of `order` that are in `kept`, in their order."""
    if not len(order):
        return order
    member = np.zeros(int(order.max()) + 1, bool)
    member[kept[kept < len(member)]] = True
    found: Rows = order[member[order]]
    return found


def sort_rows(rows: Rows, keys: npt.NDArray[np.float64], descending: bool = False) -> Rows:
    """Return different rows sorted by their keys, equal ones by number, those without a key last.

    An unstable sort of a million numbers takes a quarter of a stable one's time; ties are put right
    afterwards, by a sort of whole numbers that hold the place of a key and the row.
    """
    if not len(rows):
        return rows
    keys = -keys if descending else keys
    order = np.argsort(keys)
    ranked = keys[order]
    changes = (ranked[1:] != ranked[:-1]) & ~np.isnan(ranked[:-1])
    if changes.all():
        return rows[order]
    places = np.concatenate([[0], np.cumsum(changes)])
    numbers = int(rows.max()) + 1
    placed: Rows = np.sort(places * numbers + rows[order]) % numbers
    return placed


def _by_number(scan: Scan, key: Column) -> Rows:
    """Sort in numpy, which takes half the time of the database."""
    found = frame(
        f"SELECT {scan.row} AS row, CAST({key.comparable} AS DOUBLE) AS key "
        f"FROM {scan.source()} WHERE {scan.where}",
        scan.parameters,
    )
    return sort_rows(found["row"].to_numpy(np.int64), found["key"].to_numpy(), scan.descending)
