"""Two selections of a run beside one another: what both keep, both drop, and class by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from influence_core.selection.overlap import Overlap, overlap
from influence_core.selection.select import Positions, Selection, SelectionSettings, select_each
from influence_core.store.run import Run
from influence_core.store.state import dataset_of


@dataclass(frozen=True)
class Comparison:
    """What two selections out of the same training rows have in common.

    `classes` maps a label to the overlap of what both keep of its rows.
    """

    first: Selection
    second: Selection
    kept: Overlap
    dropped: Overlap
    classes: dict[str, Overlap]


def compare(run: Run, first: SelectionSettings, second: SelectionSettings) -> Comparison:
    """Choose rows of a run by two settings and count what the choices share.

    Raises:
        SelectionError: as `select`.
    """
    # Equal settings give one selection.
    chosen = list(select_each(run, [first, second]))
    one, other = chosen[0], chosen[-1]
    rows = np.union1d(one.kept, one.dropped)
    return Comparison(
        first=one,
        second=other,
        kept=overlap(len(rows), one.kept, other.kept),
        dropped=overlap(len(rows), one.dropped, other.dropped),
        classes=_by_class(run, rows, one, other),
    )


def _by_class(run: Run, rows: Positions, one: Selection, other: Selection) -> dict[str, Overlap]:
    labels = run.examples(["label"])["label"].to_numpy()[rows]
    members = {name: rows[labels == name] for name in dataset_of(run).label_names}
    return {
        name: overlap(len(own), np.intersect1d(own, one.kept), np.intersect1d(own, other.kept))
        for name, own in members.items()
    }
