"""Questions for the tables of a run, answered from its Parquet files without loading them whole.

Rows (`count`, `page`, `example`, `dynamics`), distributions (`histogram`, `quantiles`, `box`,
`summary`, `value_counts`) and the columns one can ask about (`columns`).
"""

from influence_core.store.columns import Column, columns, score_column
from influence_core.store.query import Between, Contains, ExampleQuery, OneOf
from influence_core.store.rows import Example, ScoreReading, count, dynamics, example, page
from influence_core.store.statistics import (
    GROUPS,
    MISSING,
    OTHER,
    box,
    histogram,
    quantiles,
    summary,
    value_counts,
)

__all__ = [
    "GROUPS",
    "MISSING",
    "OTHER",
    "Between",
    "Column",
    "Contains",
    "Example",
    "ExampleQuery",
    "OneOf",
    "ScoreReading",
    "box",
    "columns",
    "count",
    "dynamics",
    "example",
    "histogram",
    "page",
    "quantiles",
    "score_column",
    "summary",
    "value_counts",
]
