"""What is drawn of a map: points, a sample of them, how dense they lie, and who is in a part."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from influence_core.errors import RunError
from influence_core.mapping.region import Region
from influence_core.store.columns import catalogue
from influence_core.store.database import Parameters, frame, quote, rows
from influence_core.store.query import ExampleQuery, Normalise, Scan
from influence_core.store.rows import find_rows
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

Layout = Literal["umap", "cartography"]
Rows = npt.NDArray[np.int64]

DRAWN = 90_000
"""Points that a browser still draws at ease."""

BINS = 160
"""Cells of a density along each axis."""

CARTOGRAPHY = ("variability", "confidence")
"""Scores that are the axes of the cartography map (Swayamdipta et al. 2020)."""


@dataclass(frozen=True)
class Cloud:
    """Points of a map: row, x, y, and the columns asked for as `colour` and `score`.

    `total` examples are on the map.
    """

    points: pd.DataFrame
    total: int

    @property
    def sampled(self) -> bool:
        """Say whether these are a sample."""
        return len(self.points) < self.total


def layouts_of(run: Run) -> tuple[Layout, ...]:
    """Return the maps of a run that are there."""
    found: list[Layout] = ["umap"] if is_mapped(run) else []
    if set(CARTOGRAPHY) <= set(catalogue(run).scores):
        found.append("cartography")
    return tuple(found)


def is_mapped(run: Run) -> bool:
    """Say whether `map.parquet` is there, and of the examples that the run has now."""
    if not run.map_file.exists():
        return False
    import pyarrow.parquet as pq

    mapped, examples = (
        pq.read_metadata(path).num_rows for path in (run.map_file, run.examples_file)
    )
    return bool(mapped == examples)


def map_version(run: Run) -> str:
    """Return what tells one map of a run from the next."""
    return str(run.map_file.stat().st_mtime_ns) if run.map_file.exists() else ""


def cloud(
    run: Run,
    layout: Layout,
    colour: str | None = None,
    score: str | None = None,
    most: int = DRAWN,
    version: str = "",
) -> Cloud:
    """Return the points of a map; where there are more than `most`, a sample.

    The sample takes the same share of every label, at least one row each, and is always the same.

    Args:
        run: a run with that map.
        layout: which map.
        colour: column of the run's catalogue to read along.
        score: another one.
        most: points above which a sample is drawn.
        version: of the map, by which answers from before a change are told apart.

    Raises:
        RunError: the run has no such map, or no such column.
    """
    total = count(run, layout, version)
    scan, x, y = _scan(run, layout)
    label, asked = scan.use("label"), {"colour": colour, "score": score}
    listed = "".join(f", {scan.use(name)} AS {key}" for key, name in asked.items() if name)
    found = (
        f"SELECT {scan.row} AS row, CAST({x} AS FLOAT) AS x, CAST({y} AS FLOAT) AS y, "
        f"{label} AS label{listed} FROM {_source(run, scan, layout)} "
        f"WHERE {_finite(x)} AND {_finite(y)}"
    )
    if total > most:
        found = _sample(found, scan.parameters.bind(most / total))
    points = frame(f"SELECT * EXCLUDE (label) FROM ({found}) ORDER BY row", scan.parameters)
    return Cloud(points, total)


def count(run: Run, layout: Layout, version: str = "") -> int:
    """Return how many examples are on a map."""
    scan, x, y = _scan(run, layout)
    found = rows(
        f"SELECT count(*) FROM {_source(run, scan, layout)} WHERE {_finite(x)} AND {_finite(y)}",
        scan.parameters,
    )
    return int(found[0][0])


def density(run: Run, layout: Layout, bins: int = BINS, version: str = "") -> pd.DataFrame:
    """Count the examples in the cells of a grid over a map: x and y of a cell's middle, rows.

    Empty cells have no line.
    """
    scan, x, y = _scan(run, layout)
    source, cells = _source(run, scan, layout), scan.parameters.bind(bins)
    return frame(
        f"""
        WITH points AS (
            SELECT CAST({x} AS DOUBLE) AS x, CAST({y} AS DOUBLE) AS y
            FROM {source} WHERE {_finite(x)} AND {_finite(y)}
        ), ends AS (
            SELECT min(x) AS left_end, greatest((max(x) - min(x)) / {cells}, 1e-9) AS width,
                min(y) AS low_end, greatest((max(y) - min(y)) / {cells}, 1e-9) AS height
            FROM points
        ), placed AS (
            SELECT least(floor((x - left_end) / width), {cells} - 1) AS across,
                least(floor((y - low_end) / height), {cells} - 1) AS up, ends.*
            FROM points, ends
        )
        SELECT any_value(left_end + (across + 0.5) * width) AS x,
            any_value(low_end + (up + 0.5) * height) AS y, count(*) AS rows
        FROM placed GROUP BY across, up ORDER BY up, across
        """,
        scan.parameters,
    )


def inside(run: Run, layout: Layout, region: Region, version: str = "") -> Rows:
    """Return the rows in a part of a map, ascending: all of them, drawn or not."""
    if not region.polygons:
        return np.zeros(0, np.int64)
    scan, x, y = _scan(run, layout)
    bind = scan.parameters.bind
    left, right, low, high = map(bind, region.bounds)
    found = frame(
        f"SELECT {scan.row} AS row, CAST({x} AS DOUBLE) AS x, CAST({y} AS DOUBLE) AS y "
        f"FROM {_source(run, scan, layout)} "
        f"WHERE {x} BETWEEN {left} AND {right} AND {y} BETWEEN {low} AND {high} ORDER BY row",
        scan.parameters,
    )
    kept: Rows = found["row"].to_numpy(np.int64)[region.contains(found["x"], found["y"])]
    return kept


def hardest(run: Run, score: str, normalise: Normalise, share: float) -> Rows:
    """Return the given share of the training rows that have a score; hardest first."""
    query = ExampleQuery(score=score, normalise=normalise, order="hardest", scored_only=True)
    parameters = Parameters()
    source = parameters.parquet(run.scores_file)
    finite = f"isfinite(CAST({quote(score)} AS DOUBLE))"
    scored = rows(f"SELECT count(*) FILTER ({finite}) FROM {source}", parameters)[0][0]
    return np.array(find_rows(run, query, 0, ceil(share * scored)), dtype=np.int64)


def _sample(found: str, share: str) -> str:
    """Return a statement that takes a share of every label, by an order that looks random."""
    return f"""
        SELECT * EXCLUDE (place, size) FROM (
            SELECT *, row_number() OVER (PARTITION BY label ORDER BY hash(row), row) AS place,
                count(*) OVER (PARTITION BY label) AS size
            FROM ({found})
        ) WHERE place <= greatest(1, floor(size * {share}))
        """


def _scan(run: Run, layout: Layout) -> tuple[Scan, str, str]:
    """Return a scan of the rows on a map, and the expressions of their coordinates."""
    if layout == "cartography":
        scan = Scan(run, ExampleQuery(scored_only=True))
        x, y = map(scan.use, CARTOGRAPHY)
        return scan, x, y
    if not run.map_file.exists():
        raise RunError(f"Run {run.name!r} has no map yet; `influence map {run.name}` makes one.")
    return Scan(run, ExampleQuery()), "m.x", "m.y"


def _source(run: Run, scan: Scan, layout: Layout) -> str:
    """Return the FROM clause, after every column is known to be in use."""
    if layout == "cartography":
        return scan.source()
    return f"{scan.source()} JOIN {scan.parameters.parquet(run.map_file)} m ON m.row = {scan.row}"


def _finite(expression: str) -> str:
    return f"isfinite(CAST({expression} AS DOUBLE))"
