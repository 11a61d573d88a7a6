"""Why a score works or fails: when EL2N is read, and how often forgetting is looked for.

Both are computed again from the snapshots of the first training, for the training rows asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.scores.agreement import Likeness, Order
from influence_core.scores.dynamics import epoch_ends, forgetting, snapshot_at
from influence_core.store.finding import numbers
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run
from influence_core.training.dynamics import Snapshot, read_snapshots, stream

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

HARDEST = 0.1
"""Share of the rows that counts as the hardest."""

FLAT = 0.1
"""EL2N below which the model is sure of the label: such rows can hardly be told apart."""

CELLS = 40
"""Bins of either axis of the joint distribution."""

_WIDEST = float(np.sqrt(2))
"""The largest EL2N there is."""


@dataclass(frozen=True)
class EarlyLate:
    """EL2N of the same rows at an early and at a late epoch.

    early, late: the two epochs; bins: left, right, early and late rows, over [0, √2].
    cells: the joint distribution, x (early), y (late) and rows, cells without rows left out.
    flat_early, flat_late: share of the rows below 0.1, of which the model is sure.
    likeness: rank correlation, and Jaccard index of the hardest 10%.
    """

    early: float
    late: float
    rows: int
    bins: pd.DataFrame
    cells: pd.DataFrame
    flat_early: float
    flat_late: float
    likeness: Likeness


@dataclass(frozen=True)
class Cadence:
    """Forgetting as counted at some of the looks at the training rows.

    name: which looks; looks: how many.
    events: rows by number of forgetting events, from 0 on (events,), never learnt ones left out.
    zero: share of the learnt rows without any event, which nothing tells apart.
    never: share of the rows that no look found right.
    mean: events a row.
    spearman: rank correlation with the finest cadence; None where one tells no rows apart.
    """

    name: str
    looks: int
    events: npt.NDArray[np.int64]
    zero: float
    never: float
    mean: float
    spearman: float | None


def watched(run: Run) -> bool:
    """Say whether a run kept more than one look at its training rows."""
    return len(list(run.dynamics_folder.glob("step-*.parquet"))) > 1


def early_and_late(run: Run, query: ExampleQuery, epoch: int) -> EarlyLate:
    """Compare EL2N at the end of `epoch` with EL2N at the end of training.

    Where training ended by then, the first snapshot is the early one.

    Raises:
        RunError: the run has no training dynamics.
    """
    snapshots = read_snapshots(run.dynamics_folder)
    first, last = snapshot_at(snapshots, epoch), snapshots[-1]
    if first is last:
        first = (epoch_ends(snapshots[:-1]) or snapshots)[0]
    chosen = _chosen(run, query)
    early, late = _el2n(first, chosen), _el2n(last, chosen)
    return EarlyLate(
        early=first.epoch,
        late=last.epoch,
        rows=len(early),
        bins=_bins(early, late),
        cells=_cells(early, late),
        flat_early=float((early < FLAT).mean()) if len(early) else 0.0,
        flat_late=float((late < FLAT).mean()) if len(late) else 0.0,
        likeness=_likeness(early, late),
    )


def by_cadence(run: Run, query: ExampleQuery) -> list[Cadence]:
    """Count forgetting at every snapshot, at every epoch's end and at every second one.

    A cadence that looks at no other snapshots than the one before it is left out.

    Raises:
        RunError: the run has no training dynamics.
    """
    snapshots, chosen = read_snapshots(run.dynamics_folder), _chosen(run, query)
    ends = epoch_ends(snapshots)
    looks = {"every snapshot": snapshots, "every epoch": ends, "every 2nd epoch": ends[1::2]}
    counted: list[tuple[str, int, Floats, Bools]] = []
    for name, seen in looks.items():
        if len(seen) > 1 and len(seen) not in (one[1] for one in counted):
            counted.append((name, len(seen), *_forgotten(seen, chosen)))
    if not counted or not len(counted[0][2]):
        return []
    finest = _order(*counted[0][2:])
    return [_cadence(*one, _order(*one[2:]).likeness(finest).spearman) for one in counted]


def _chosen(run: Run, query: ExampleQuery) -> Bools:
    """Return which of the training rows, in their order, the query finds."""
    import pyarrow.parquet as pq

    rows = pq.read_table(run.scores_file, columns=["row"])["row"].to_numpy()
    found = np.zeros(int(rows.max(initial=-1)) + 1, dtype=np.bool_)
    found[numbers(run, query.model_copy(update={"scored_only": True}))] = True
    chosen: Bools = found[rows]
    return chosen


def _el2n(snapshot: Snapshot, chosen: Bools) -> Floats:
    return snapshot.column("el2n").astype(np.float64)[chosen]


def _bins(early: Floats, late: Floats) -> pd.DataFrame:
    import pandas as pd

    edges = np.linspace(0, _WIDEST, CELLS + 1)
    counts = {
        name: np.histogram(values.clip(0, _WIDEST), edges)[0]
        for name, values in (("early", early), ("late", late))
    }
    return pd.DataFrame({"left": edges[:-1], "right": edges[1:], **counts})


def _cells(early: Floats, late: Floats) -> pd.DataFrame:
    import pandas as pd

    edges = np.linspace(0, _WIDEST, CELLS + 1)
    counts, _, _ = np.histogram2d(early.clip(0, _WIDEST), late.clip(0, _WIDEST), (edges, edges))
    middle = (edges[:-1] + edges[1:]) / 2
    x, y = np.nonzero(counts)
    return pd.DataFrame({"x": middle[x], "y": middle[y], "rows": counts[x, y].astype(np.int64)})


def _likeness(early: Floats, late: Floats) -> Likeness:
    if not len(early):
        return Likeness(spearman=None, similarity=0.0)
    places, count = np.arange(len(early)), max(round(HARDEST * len(early)), 1)
    return Order.of(early, places, count).likeness(Order.of(late, places, count))


def _forgotten(seen: list[Snapshot], chosen: Bools) -> tuple[Floats, Bools]:
    corrects = (column.astype(np.bool_)[chosen] for column in stream(seen, "correct"))
    events, never = forgetting(corrects)
    return events.astype(np.float64), never


def _order(events: Floats, never: Bools) -> Order:
    """Order rows by forgetting, those never learnt as the hardest."""
    return Order.of(np.where(never, np.inf, events), np.arange(len(events)), 1)


def _cadence(
    name: str, looks: int, events: Floats, never: Bools, spearman: float | None
) -> Cadence:
    learnt = events[~never].astype(np.int64)
    return Cadence(
        name=name,
        looks=looks,
        events=np.bincount(learnt, minlength=1),
        zero=float((learnt == 0).mean()) if len(learnt) else 0.0,
        never=float(never.mean()),
        mean=float(events.mean()),
        spearman=spearman,
    )
