"""Distributions of a column over the examples a query finds, whole or by group.

Every function takes the query whose filters choose the rows; its order is of no account. `by` names
the column to group by: the largest `groups` groups keep their names, the rest become `OTHER`, rows
without a value become `MISSING`. Missing and infinite values of the column are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.errors import ConfigError, rule
from influence_core.store.columns import NORMS, catalogue
from influence_core.store.database import Parameters, frame
from influence_core.store.finding import numbers
from influence_core.store.grouping import MISSING, OTHER, Grouped, grouped
from influence_core.store.lookup import coded_at
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "GROUPS",
    "MISSING",
    "OTHER",
    "box",
    "histogram",
    "quantiles",
    "summary",
    "value_counts",
]

GROUPS = 20
"""Groups that are told apart unless the caller asks for more."""

EVERYTHING = ExampleQuery()


def histogram(
    run: Run,
    column: str,
    bins: int = 50,
    by: str | None = None,
    *,
    clip: tuple[float, float] = (0.0, 1.0),
    query: ExampleQuery = EVERYTHING,
    groups: int = GROUPS,
) -> pd.DataFrame:
    """Count the values of a column in bins of equal width: group, left, right, rows.

    The bins span the `clip` quantiles of the column over all the rows found; values beyond them
    are not counted, so that one outlier does not flatten the rest. The last bin is closed. Empty
    bins have no line.
    """
    if bins < 1:
        raise ConfigError(rule("bins", "be at least 1", bins))
    found = grouped(run, column, by, query, groups)
    low, high = _range(found, clip, bins)
    width = (high - low) / bins
    inside = (found.observed >= low) & (found.observed <= high)
    values, members = found.observed[inside], found.groups.members[inside]
    places = np.minimum(np.floor((values - low) / width).astype(np.int64), bins - 1)
    counted = np.bincount(members * bins + places, minlength=bins * len(found.sizes))
    shown = np.array(found.shown(), np.int64)
    lines, bin_ = np.nonzero(counted.reshape(-1, bins)[shown])
    return _frame(
        group=_names(found, shown[lines]),
        left=low + bin_ * width,
        right=low + (bin_ + 1) * width,
        rows=counted.reshape(-1, bins)[shown[lines], bin_],
    )


def quantiles(
    run: Run,
    column: str,
    by: str | None = None,
    points: int = 101,
    *,
    query: ExampleQuery = EVERYTHING,
    groups: int = GROUPS,
) -> pd.DataFrame:
    """Return evenly spaced quantiles: group, quantile, value. Plotted crosswise they are the ECDF.

    Between two observations the value is interpolated linearly.
    """
    if points < 2:
        raise ConfigError(rule("points", "be at least 2", points))
    levels = np.array([step / (points - 1) for step in range(points)])
    found = grouped(run, column, by, query, groups)
    shown = found.shown()
    return _frame(
        group=np.repeat(_names(found, shown), points),
        quantile=np.tile(levels, len(shown)),
        value=found.quantiles(levels)[shown].ravel(),
    )


def box(
    run: Run,
    column: str,
    by: str | None = None,
    *,
    query: ExampleQuery = EVERYTHING,
    groups: int = GROUPS,
) -> pd.DataFrame:
    """Return what a box plot draws: group, rows, minimum, q1, median, q3, maximum and fences.

    The fences lie 1.5 interquartile ranges beyond the box, or at the extreme value before that.
    """
    found = grouped(run, column, by, query, groups)
    shown = found.shown(by_size=True)
    minimum, q1, median, q3, maximum = found.quantiles([0, 0.25, 0.5, 0.75, 1])[shown].T
    return _frame(
        group=_names(found, shown),
        rows=found.sizes[shown],
        minimum=minimum,
        q1=q1,
        median=median,
        q3=q3,
        maximum=maximum,
        lower_fence=np.maximum(minimum, q1 - 1.5 * (q3 - q1)),
        upper_fence=np.minimum(maximum, q3 + 1.5 * (q3 - q1)),
    )


def summary(
    run: Run,
    score: str,
    by: str | None = None,
    *,
    query: ExampleQuery = EVERYTHING,
    groups: int = GROUPS,
) -> pd.DataFrame:
    """Return a score's figures under each normalisation, a line a group and normalisation.

    The columns are group, normalise (raw, class, dataset), rows, median, mean, std (population)
    and below_zero, the share of rows below 0.
    """
    import pandas as pd

    known, parts = catalogue(run), []
    for normalise in ("raw", *NORMS):
        column = known.score(score, normalise).name
        part = _figures(run, column, by, query, groups)
        part.insert(1, "normalise", normalise)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def value_counts(
    run: Run,
    column: str,
    split: str | None = None,
    *,
    query: ExampleQuery = EVERYTHING,
    groups: int | None = None,
) -> pd.DataFrame:
    """Count the rows by the values of a column, the most frequent first: value, rows.

    Without `groups` every value has its line; rows without a value are counted under None.
    """
    import pyarrow as pa

    chosen = query if split is None else query.model_copy(update={"splits": (split,)})
    codes, names = coded_at(run, catalogue(run).get(column), numbers(run, chosen))
    kinds = pa.chunked_array([names, pa.nulls(1, names.type)])
    sizes = np.roll(np.bincount(codes + 1, minlength=len(kinds)), -1)
    parameters = Parameters()
    table = parameters.table(pa.table({"value": kinds, "rows": sizes}))
    limit = "" if groups is None else f"LIMIT {parameters.bind(groups)}"
    return frame(
        f"SELECT value, rows FROM {table} WHERE rows > 0 "
        f"ORDER BY rows DESC, value NULLS LAST {limit}",
        parameters,
    )


def _figures(
    run: Run, column: str, by: str | None, query: ExampleQuery, groups: int
) -> pd.DataFrame:
    found = grouped(run, column, by, query, groups)
    sizes, shown = np.maximum(found.sizes, 1), found.shown(by_size=True)
    mean = found.sums(found.observed) / sizes
    variance = found.sums((found.observed - mean[found.groups.members]) ** 2) / sizes
    return _frame(
        group=_names(found, shown),
        rows=found.sizes[shown],
        median=found.quantiles([0.5])[shown, 0],
        mean=mean[shown],
        std=np.sqrt(variance[shown]),
        below_zero=(found.sums((found.observed < 0).astype(np.float64)) / sizes)[shown],
    )


def _frame(**columns: npt.ArrayLike) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns)


def _names(found: Grouped, groups: npt.ArrayLike) -> npt.NDArray[np.object_]:
    return np.array(found.groups.names, object)[np.asarray(groups, np.int64)]


def _range(found: Grouped, clip: tuple[float, float], bins: int) -> tuple[float, float]:
    """Return the ends of a histogram: quantiles of all values, of equal ones some way apart.

    That is 1, or far enough that floats as large still tell the bins apart.
    """
    low, high = clip
    if not 0 <= low < high <= 1:
        raise ConfigError(rule("clip", "hold two rising quantiles in [0, 1]", clip))
    if not len(found.observed):
        return 0.0, 1.0
    first, last = map(float, np.quantile(found.observed, [low, high]))
    if first < last:
        return first, last
    away = max(0.5, float(np.spacing(abs(first))) * bins)
    return first - away, last + away
