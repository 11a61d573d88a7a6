"""What is drawn of a map: points, a sample of them, how dense they lie, and who is in a part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from influence_core.errors import RunError
from influence_core.mapping.region import Region
from influence_core.store import laid
from influence_core.store.columns import catalogue
from influence_core.store.database import Parameters, frame, state_of
from influence_core.store.lookup import at, coded_at, framed
from influence_core.store.order import ordered
from influence_core.store.query import ExampleQuery, Normalise
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

Layout = Literal["umap", "cartography"]
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

DRAWN = 90_000
"""Points that a browser still draws at ease."""

BINS = 160
"""Cells of a density along each axis."""

CARTOGRAPHY = ("variability", "confidence")
"""Scores that are the axes of the cartography map (Swayamdipta et al. 2020)."""


class Placed(NamedTuple):
    """Rows on a map and their coordinates, float64, all (points,)."""

    rows: Rows
    x: Floats
    y: Floats

    def part(self, wanted: npt.NDArray[Any]) -> Placed:
        """Return some of them, by a mask or by places."""
        return Placed(self.rows[wanted], self.x[wanted], self.y[wanted])


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
    import pyarrow as pa

    known, placed = catalogue(run), _placed(run, layout)
    total = len(placed.rows)
    if total > most:
        states = tuple(map(state_of, (run.examples_file, _axes(run, layout)[0])))
        placed = placed.part(_sample(run, layout, most, states))
    asked = {"colour": colour, "score": score}
    read = {key: at(run, known.get(name), placed.rows) for key, name in asked.items() if name}
    drawn = (("x", placed.x), ("y", placed.y))
    where = [(name, pa.array(values.astype(np.float32))) for name, values in drawn]
    return Cloud(framed([("row", pa.array(placed.rows)), *where, *read.items()]), total)


def count(run: Run, layout: Layout, version: str = "") -> int:
    """Return how many examples are on a map."""
    return len(_placed(run, layout).rows)


def density(run: Run, layout: Layout, bins: int = BINS, version: str = "") -> pd.DataFrame:
    """Count the examples in the cells of a grid over a map: x and y of a cell's middle, rows.

    Empty cells have no line.
    """
    import pandas as pd

    placed = _placed(run, layout)
    if not len(placed.rows):
        return pd.DataFrame({"x": [], "y": [], "rows": []})
    across, x = _cells(placed.x, bins)
    up, y = _cells(placed.y, bins)
    counted = np.bincount(up * bins + across, minlength=bins * bins)
    filled = np.flatnonzero(counted)
    return pd.DataFrame({"x": x[filled % bins], "y": y[filled // bins], "rows": counted[filled]})


def inside(run: Run, layout: Layout, region: Region, version: str = "") -> Rows:
    """Return the rows in a part of a map, ascending: all of them, drawn or not."""
    if not region.polygons:
        return np.zeros(0, np.int64)
    placed = _placed(run, layout)
    left, right, low, high = region.bounds
    near = (placed.x >= left) & (placed.x <= right) & (placed.y >= low) & (placed.y <= high)
    found = placed.part(near)
    kept: Rows = found.rows[region.contains(found.x, found.y)]
    return kept


def hardest(run: Run, score: str, normalise: Normalise, share: float) -> Rows:
    """Return the given share of the training rows that have a score; hardest first."""
    query = ExampleQuery(score=score, normalise=normalise, order="hardest", scored_only=True)
    scored = int(np.isfinite(laid.values(run.scores_file, score)).sum())
    return ordered(run, query)[: ceil(share * scored)]


def _axes(run: Run, layout: Layout) -> tuple[Path, str, str]:
    """Return the file of a map and the columns that are its axes."""
    if layout == "cartography":
        catalogue(run).score(CARTOGRAPHY[0])
        return run.scores_file, *CARTOGRAPHY
    if run.map_file.exists():
        return run.map_file, "x", "y"
    raise RunError(f"Run {run.name!r} has no map yet; `influence map {run.name}` makes one.")


def _placed(run: Run, layout: Layout) -> Placed:
    """Return the rows on a map, ascending."""
    file, x, y = _axes(run, layout)
    rows = laid.values(file, "row")
    found = Placed(rows, *(laid.values(file, name).astype(np.float64) for name in (x, y)))
    found = found.part(np.isfinite(found.x) & np.isfinite(found.y))
    rising = bool((found.rows[1:] > found.rows[:-1]).all())
    return found if rising else found.part(np.argsort(found.rows))


def _cells(values: Floats, bins: int) -> tuple[Rows, Floats]:
    """Return the cell of each value along an axis, and the middles of the cells."""
    low = values.min()
    width = max((values.max() - low) / bins, 1e-9)
    cells = np.minimum(np.floor((values - low) / width), bins - 1).astype(np.int64)
    return cells, low + (np.arange(bins) + 0.5) * width


@lru_cache(maxsize=4)
def _sample(run: Run, layout: Layout, most: int, states: tuple[tuple[int, int], ...]) -> Rows:
    """Return the places of a sample among the rows on a map: the same for every colour.

    It holds as long as the files that it looks at stay in their states.
    """
    rows = _placed(run, layout).rows
    return np.flatnonzero(_sampled(run, rows, most / len(rows)))


def _sampled(run: Run, rows: Rows, share: float) -> npt.NDArray[np.bool_]:
    """Say which rows are in a sample of a share of every label, by an order that looks random."""
    labels = coded_at(run, catalogue(run).get("label"), rows).codes
    shuffled = np.argsort(_hashes(rows))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    sizes = np.bincount(labels)
    kept = np.maximum(np.floor(sizes * share), 1)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = np.zeros(len(rows), np.bool_)
    chosen[order[place < kept[labels[order]]]] = True
    return chosen


def _hashes(rows: Rows) -> npt.NDArray[np.uint64]:
    """Return numbers that look random, one for each row, always the same."""
    import pyarrow as pa

    parameters = Parameters()
    table = parameters.table(pa.table({"row": rows, "place": np.arange(len(rows))}))
    found = frame(f"SELECT hash(row) AS hash, place FROM {table}", parameters)
    hashes = np.empty(len(rows), np.uint64)
    hashes[found["place"].to_numpy()] = found["hash"].to_numpy()
    return hashes
