"""How unevenly rows are spread over groups, in figures that datasets can be compared by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.selection.retention import class_entropy
from influence_core.store.database import frame
from influence_core.store.query import ExampleQuery, Scan
from influence_core.store.run import Run
from influence_core.store.statistics import MISSING, value_counts

if TYPE_CHECKING:
    import pandas as pd

HEAD = 0.2
"""Share of the groups, the largest ones, that counts as the head."""


@dataclass(frozen=True)
class Imbalance:
    """How even the sizes of groups are.

    groups: how many have a row.
    largest, smallest: rows of the two.
    entropy: H = −Σ q log₂ q of the groups' shares q, in bits, from 0 to log₂ of the groups.
    gini: mean absolute difference of two sizes over twice their mean, from 0 (even) to below 1.
    head: share of the rows that the largest 20% of the groups hold, their number rounded up.
    """

    groups: int
    largest: int
    smallest: int
    entropy: float
    gini: float
    head: float

    @property
    def ratio(self) -> float:
        """How many times the largest group holds the smallest one's rows."""
        return self.largest / max(self.smallest, 1)

    @property
    def evenness(self) -> float:
        """Entropy over its largest possible value, log₂ of the groups; 1 where there is one."""
        return self.entropy / np.log2(self.groups) if self.groups > 1 else 1.0

    @property
    def effective(self) -> float:
        """Number of groups of one size that would have this entropy: 2 to its power."""
        return float(2.0**self.entropy)


def imbalance(counts: npt.ArrayLike) -> Imbalance:
    """Measure how unevenly rows are spread over groups of these sizes; empty ones do not count.

    Source: the Gini coefficient as in Gastwirth, The Estimation of the Lorenz Curve and Gini
    Index, 1972; the effective number as the Hill number of order 1, Hill, Diversity and Evenness,
    1973.
    """
    sizes = np.sort(np.asarray(counts, dtype=np.float64))
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return Imbalance(0, 0, 0, 0.0, 0.0, 0.0)
    places, total = np.arange(1, len(sizes) + 1), sizes.sum()
    return Imbalance(
        groups=len(sizes),
        largest=int(sizes[-1]),
        smallest=int(sizes[0]),
        entropy=class_entropy(sizes),
        gini=float((2 * places - len(sizes) - 1) @ sizes / (len(sizes) * total)),
        head=float(sizes[-int(np.ceil(HEAD * len(sizes))) :].sum() / total),
    )


def imbalance_of(run: Run, column: str, query: ExampleQuery) -> Imbalance:
    """Measure the imbalance of a column over the rows that a query finds.

    Rows without a value are a group of their own.
    """
    return imbalance(value_counts(run, column, query=query)["rows"])


def mixture(
    run: Run, by: str, query: ExampleQuery, of: str = "label", most: int = 5_000
) -> pd.DataFrame:
    """Measure how mixed every group is: the entropy of one column within the groups of another.

    Returns:
        A row a group, the largest first and at most `most`: group, rows, values (distinct ones of
        the column `of`) and entropy, −Σ q log₂ q of their shares q within the group, in bits.
    """
    scan = Scan(run, query.model_copy(update={"order": "row"}))
    group = f"coalesce(CAST({scan.use(by)} AS VARCHAR), {scan.parameters.bind(MISSING)})"
    value = f"coalesce(CAST({scan.use(of)} AS VARCHAR), {scan.parameters.bind(MISSING)})"
    return frame(
        f"""
        SELECT {group} AS "group", count(*) AS "rows", count(DISTINCT {value}) AS "values",
            entropy({value}) AS entropy
        FROM {scan.source()} WHERE {scan.where}
        GROUP BY "group" ORDER BY "rows" DESC, "group" LIMIT {scan.parameters.bind(most)}
        """,
        scan.parameters,
    )
