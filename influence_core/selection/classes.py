"""Classes, or the groups of any column, by size, hardness and what the model learnt of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from influence_core.store.columns import catalogue
from influence_core.store.finding import numbers
from influence_core.store.grouping import groups_of
from influence_core.store.lookup import numbers_at
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run
from influence_core.store.statistics import box

if TYPE_CHECKING:
    import pandas as pd

MOST = 5_000
"""Groups that are told apart; the rows of smaller ones are gathered."""

ALIKE = 1.5
"""Ratio of the largest group's rows to the smallest one's up to which none counts as rare."""


def by_hardness(
    run: Run, column: str, hard: str, by: str, query: ExampleQuery, most: int = MOST
) -> pd.DataFrame:
    """Return the groups of a column with their size and hardness, the largest first.

    A group is rare and hard where it has fewer rows than the median group and its median lies
    further towards the hard end than that of the median group. None is rare where all have about
    as many rows.

    Args:
        run: a run with scores.
        column: of the score, raw or normalised.
        hard: the end at which its hard rows lie, 'high' or 'low'.
        by: column of the groups.
        query: chooses the training rows.
        most: groups that are told apart.

    Returns:
        A row a group: group, rows, q1, median, q3, hardness (the share of the groups that are
        easier by their medians, 0 … 1), corner (rare and hard), tested and recall (test rows
        with a prediction, and the share of them that the final model got right; NaN where there
        are none).
    """
    found = box(run, column, by, query=query, groups=most)
    groups = found[["group", "rows", "q1", "median", "q3"]].copy()
    harder = groups["median"] * (1 if hard == "high" else -1)
    groups["hardness"] = (harder.rank() - 1) / max(len(groups) - 1, 1)
    rare = groups["rows"] < groups["rows"].median()
    uneven = groups["rows"].max() > ALIKE * groups["rows"].min()
    groups["corner"] = rare & (harder > harder.median()) & uneven
    return groups.merge(_recalls(run, by), on="group", how="left")


def _recalls(run: Run, by: str) -> pd.DataFrame:
    """Return how many test rows a group has, and the share that was predicted right."""
    import pandas as pd

    known = catalogue(run)
    if "correct" not in known:
        return pd.DataFrame({"group": pd.Series(dtype=object), "tested": 0.0, "recall": 0.0})
    right = known.get("correct")
    rows = numbers(run, ExampleQuery(splits=("test",)))
    told = numbers_at(run, right, rows).astype(np.float64)
    rows, told = rows[~np.isnan(told)], told[~np.isnan(told)]
    groups = groups_of(run, known.get(by), rows, len(rows))
    tested = np.bincount(groups.members, minlength=len(groups.names)).astype(np.float64)
    found = np.bincount(groups.members, told, len(groups.names)) / np.maximum(tested, 1)
    table = pd.DataFrame({"group": groups.names, "tested": tested, "recall": found})
    return table[table["tested"] > 0]
