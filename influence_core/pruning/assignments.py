"""Which rows every cell learns from, for how long, and which cells are trained together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np
import numpy.typing as npt

from influence_core.errors import RunError, SelectionError, rule
from influence_core.pruning.cells import Cell, cells
from influence_core.pruning.material import Material
from influence_core.selection.select import SelectionSettings, select
from influence_core.training.schedule import steps_in_epoch

Integers = npt.NDArray[np.int64]

TOGETHER = 64
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
    ones. A fine-tuned model is a piece of its own.
    """
    subsets = dict(draw(material))
    steps = {cell: _steps(len(rows), material) for cell, rows in subsets.items()}
    size = TOGETHER if material.training.mode == "probe" else 1
    pieces = []
    for count, group in groupby(sorted(subsets, key=steps.__getitem__), steps.__getitem__):
        while together := tuple(islice(group, size)):
            rows = tuple(subsets[cell] for cell in together)
            pieces.append(Assignment(together, rows, count))
    return pieces


def draw(material: Material) -> Iterator[tuple[Cell, Integers]]:
    """Yield every cell with the rows it learns from: training rows, ascending.

    Raises:
        SelectionError: the run lacks a score, or no row would stay.
        RunError: the run changed while it was read.
    """
    train = material.examples.train_rows
    drawn: dict[SelectionSettings, Integers] = {}
    for cell in cells(material.settings):
        wanted = cell.selection(material.settings)
        if wanted is None:
            yield cell, train
            continue
        if wanted not in drawn:
            drawn[wanted] = _kept(material, wanted, train)
        yield cell, drawn[wanted]


def _kept(material: Material, wanted: SelectionSettings, train: Integers) -> Integers:
    chosen = select(material.run, wanted)
    if not len(chosen.kept):
        raise SelectionError(
            rule("fractions", f"leave one of the {len(train)} training rows", wanted.fraction)
        )
    everything = np.union1d(chosen.kept, chosen.dropped)
    if not np.array_equal(everything, train):
        raise RunError(
            f"The subset of run {material.run.name!r} is not one of its training rows: its files "
            "changed meanwhile. Start the experiment again."
        )
    return chosen.kept


def _steps(rows: int, material: Material) -> int:
    """Return the optimisation steps of a model that learns from so many rows."""
    training = material.training
    if material.settings.equal == "steps":
        rows = len(material.examples.train_rows)
    return steps_in_epoch(rows, training.batch_size) * training.epochs
