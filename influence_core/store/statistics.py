"""Distributions of a column over the examples a query finds, whole or by group.

Every function takes the query whose filters choose the rows; its order is of no account. `by` names
the column to group by: the largest `groups` groups keep their names, the rest become `OTHER`, rows
without a value become `MISSING`. Missing and infinite values of the column are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from influence_core.errors import ConfigError, rule
from influence_core.store.columns import NORMS, catalogue
from influence_core.store.database import frame, rows
from influence_core.store.query import ExampleQuery, Scan
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

OTHER = "(other)"
MISSING = "(none)"
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
    low, high = _range(run, column, clip, query)
    scan, group, value = _grouped(run, column, by, query, groups)
    bind = scan.parameters.bind
    left, width, last = bind(low), bind((high - low) / bins), bind(bins - 1)
    return frame(
        f"""
        WITH found AS ({_found(scan, group, value)}),
        binned AS (
            SELECT "group", least(floor((value - {left}) / {width}), {last}) AS bin
            FROM found WHERE value BETWEEN {left} AND {bind(high)}
        )
        SELECT "group", {left} + bin * {width} AS "left", {left} + (bin + 1) * {width} AS "right",
            count(*) AS "rows"
        FROM binned GROUP BY "group", bin ORDER BY {_group_order()}, bin
        """,
        scan.parameters,
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
    levels = [step / (points - 1) for step in range(points)]
    scan, group, value = _grouped(run, column, by, query, groups)
    return frame(
        f"""
        WITH found AS ({_found(scan, group, value)}),
        summed AS (
            SELECT "group", quantile_cont(value, {levels}) AS values FROM found GROUP BY "group"
        )
        SELECT "group", unnest({levels}::DOUBLE[]) AS quantile, unnest(values) AS value
        FROM summed ORDER BY {_group_order()}, quantile
        """,
        scan.parameters,
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
    scan, group, value = _grouped(run, column, by, query, groups)
    return frame(
        f"""
        WITH found AS ({_found(scan, group, value)}),
        summed AS (
            SELECT "group", count(*) AS "rows", min(value) AS minimum, max(value) AS maximum,
                quantile_cont(value, [0.25, 0.5, 0.75]) AS q
            FROM found GROUP BY "group"
        )
        SELECT "group", "rows", minimum, q[1] AS q1, q[2] AS median, q[3] AS q3, maximum,
            greatest(minimum, q1 - 1.5 * (q3 - q1)) AS lower_fence,
            least(maximum, q3 + 1.5 * (q3 - q1)) AS upper_fence
        FROM summed ORDER BY {_group_order('"rows"')}
        """,
        scan.parameters,
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
    chosen = query if split is None else query.model_copy(update={"splits": (split,)})
    scan = Scan(run, chosen)
    name = scan.use(column)
    limit = "" if groups is None else f"LIMIT {scan.parameters.bind(groups)}"
    return frame(
        f"SELECT {name} AS value, count(*) AS rows FROM {scan.source()} WHERE {scan.where} "
        f"GROUP BY value ORDER BY rows DESC, value NULLS LAST {limit}",
        scan.parameters,
    )


def _figures(
    run: Run, column: str, by: str | None, query: ExampleQuery, groups: int
) -> pd.DataFrame:
    scan, group, value = _grouped(run, column, by, query, groups)
    return frame(
        f"""
        WITH found AS ({_found(scan, group, value)})
        SELECT "group", count(*) AS "rows", median(value) AS median, avg(value) AS mean,
            stddev_pop(value) AS std, avg(CAST(value < 0 AS DOUBLE)) AS below_zero
        FROM found GROUP BY "group" ORDER BY {_group_order('"rows"')}
        """,
        scan.parameters,
    )


def _grouped(
    run: Run, column: str, by: str | None, query: ExampleQuery, groups: int
) -> tuple[Scan, str, str]:
    """Return a scan with the expressions of its groups and of its values."""
    known = catalogue(run).get(column)
    if known.kind not in ("number", "integer"):
        raise ConfigError(rule("column", "hold numbers", column))
    if known.table == "scores":
        query = query.model_copy(update={"scored_only": True})
    scan = Scan(run, query)
    value = scan.use(column)
    if by is None:
        return scan, "'all'", value
    largest = scan.parameters.bind(_largest(run, by, query, groups))
    name = f"CAST({scan.use(by)} AS VARCHAR)"
    group = (
        f"CASE WHEN {name} IS NULL THEN {scan.parameters.bind(MISSING)} "
        f"WHEN list_contains({largest}::VARCHAR[], {name}) THEN {name} "
        f"ELSE {scan.parameters.bind(OTHER)} END"
    )
    return scan, group, value


def _found(scan: Scan, group: str, value: str) -> str:
    """Return the statement that yields group and value of every row found."""
    return (
        f'SELECT {group} AS "group", CAST({value} AS DOUBLE) AS value '
        f"FROM {scan.source()} WHERE {scan.where} AND isfinite(CAST({value} AS DOUBLE))"
    )


def _group_order(size: str | None = None) -> str:
    """Order by size where it is known, with the gathered rest last."""
    first = f"\"group\" = '{OTHER}'"
    return f'{first}, {size} DESC, "group"' if size else f'{first}, "group"'


def _largest(run: Run, by: str, query: ExampleQuery, groups: int) -> list[str]:
    scan = Scan(run, query)
    name = f"CAST({scan.use(by)} AS VARCHAR)"
    found = rows(
        f"SELECT {name} AS value FROM {scan.source()} WHERE {scan.where} AND {name} IS NOT NULL "
        f"GROUP BY value ORDER BY count(*) DESC, value LIMIT {scan.parameters.bind(groups)}",
        scan.parameters,
    )
    return [value for (value,) in found]


def _range(
    run: Run, column: str, clip: tuple[float, float], query: ExampleQuery
) -> tuple[float, float]:
    low, high = clip
    if not 0 <= low < high <= 1:
        raise ConfigError(rule("clip", "hold two rising quantiles in [0, 1]", clip))
    scan, group, value = _grouped(run, column, None, query, GROUPS)
    ends = rows(
        f"WITH found AS ({_found(scan, group, value)}) "
        f"SELECT quantile_cont(value, [{float(low)}, {float(high)}]) FROM found",
        scan.parameters,
    )[0][0]
    if ends is None:
        return 0.0, 1.0
    return (ends[0], ends[1]) if ends[0] < ends[1] else (ends[0] - 0.5, ends[1] + 0.5)
