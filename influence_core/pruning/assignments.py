"""Which rows every cell learns from, for how long, and which cells are trained together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import numpy.typing as npt

from influence_core.errors import RunError, SelectionError, rule
from influence_core.pruning.cells import Cell, cells, steps_of
from influence_core.pruning.material import Material
from influence_core.selection.select import Selection, SelectionSettings, select_each

Integers = npt.NDArray[np.int64]

TOGETHER = 32
"""Most probe cells of one batched model: more would not fit the processor's caches."""


@dataclass(frozen=True)
class Assignment:
    """Cells that are trained together: each on its own rows, all for as many steps."""

    cells: tuple[Cell, ...]
    subsets: tuple[Integers, ...]
    steps: int

    @property
    def title(self) -> str:
        """What errors call it."""
        more = f" and {len(self.cells) - 1} more" if len(self.cells) > 1 else ""
        return f"Model {self.cells[0].name}{more}"


def assignments(material: Material) -> list[Assignment]:
    """Divide all cells into pieces of work.

    They depend on the settings alone, so that an experiment that was stopped goes on with the same
    ones. A fine-tuned model is a piece of its own. Probes of a piece share their seed, and with it
    the dropout, also with those of other pieces.
    """
    subsets = draw(material)
    alike = {cell: (_steps(len(rows), material), cell.seed) for cell, rows in subsets.items()}
    size = TOGETHER if material.training.mode == "probe" else 1
    pieces = []
    for (count, _), group in groupby(sorted(subsets, key=alike.__getitem__), alike.__getitem__):
        while together := tuple(islice(group, size)):
            rows = tuple(subsets[cell] for cell in together)
            pieces.append(Assignment(together, rows, count))
    return pieces


def draw(material: Material) -> dict[Cell, Integers]:
    """Return the rows that every cell learns from: training rows, ascending.

    Raises:
        SelectionError: the run lacks a score, or no row would stay.
        RunError: the run changed while it was read.
    """
    train = material.examples.train_rows
    wanted = {cell: cell.selection(material.settings) for cell in cells(material.settings)}
    drawn: dict[SelectionSettings | None, Integers] = {None: train}
    for chosen in select_each(material.run, filter(None, wanted.values())):
        drawn[chosen.settings] = _kept(material, chosen, train)
    return {cell: drawn[settings] for cell, settings in wanted.items()}


def _kept(material: Material, chosen: Selection, train: Integers) -> Integers:
    if not len(chosen.kept):
        fraction = chosen.settings.fraction
        raise SelectionError(
            rule("fractions", f"leave one of the {len(train)} training rows", fraction)
        )
    everything = np.union1d(chosen.kept, chosen.dropped)
    if not np.array_equal(everything, train):
        raise RunError(
            f"The subset of run {material.run.name!r} is not one of its training rows: its files "
            "changed meanwhile. Start the experiment again."
        )
    return chosen.kept


def _steps(kept: int, material: Material) -> int:
    rows, training = len(material.examples.train_rows), material.training
    return steps_of(kept, rows, material.settings, training.batch_size, training.epochs)
