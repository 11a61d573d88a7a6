"""The cells of an experiment: one stack each, trained on what a technique leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from influence_core.nlu.entropy import combined, row_entropies
from influence_core.nlu.settings import StackSettings, Technique
from influence_core.nlu.slots import Interpretation
from influence_core.selection import samplers
from influence_core.selection.select import SelectionSettings, select_each
from influence_core.store.columns import catalogue, score_column
from influence_core.store.lookup import at, training
from influence_core.store.run import Run

Integers = npt.NDArray[np.int64]

_BY_VOG = {"strategy": "linear", "score": "vog"}
_DRAWN: dict[Technique, dict[str, str]] = {
    "random": {"strategy": "random"},
    "stratified": {"strategy": "stratified"},
    "vog-class": {**_BY_VOG, "normalise": "class"},
    "vog-dataset": {**_BY_VOG, "normalise": "dataset"},
}


@dataclass(frozen=True)
class Cell:
    """A stack to be trained on what its technique leaves at a fraction; on all rows without one."""

    technique: Technique | None
    fraction: float
    seed: int

    @property
    def name(self) -> str:
        """Its name, which tells it from all cells of the experiment."""
        if self.technique is None:
            return f"full-seed{self.seed}"
        return f"{self.technique}-{self.fraction:g}-seed{self.seed}"


def cells(settings: StackSettings) -> list[Cell]:
    """List all cells: the unpruned stacks first, then technique after technique."""
    seeds = range(settings.seed, settings.seed + settings.seeds)
    techniques = dict.fromkeys(settings.techniques)
    pruned = product(techniques, sorted(set(settings.fractions)), seeds)
    return [*(Cell(None, 0.0, seed) for seed in seeds), *(Cell(*one) for one in pruned)]


def draw(
    run: Run, settings: StackSettings, truth: list[Interpretation], prunable: Integers
) -> dict[Cell, Integers]:
    """Return the training rows that every cell learns from, ascending.

    Args:
        truth: what is meant by every training row, in their order.
        prunable: the training rows that may go, ascending; the others stay in every cell. A cell
            drops its fraction of these, drawn as if there were no others; normalised scores and
            entropies are still those among all training rows.

    Raises:
        SelectionError: the run has no VoG.
    """
    train = np.flatnonzero(training(run))
    spared = np.setdiff1d(train, prunable, assume_unique=True)
    drawn = dict(_drawn(run, settings, truth, prunable))
    return {cell: np.union1d(drawn[cell], spared) for cell in cells(settings)}


def _drawn(
    run: Run, settings: StackSettings, truth: list[Interpretation], prunable: Integers
) -> Iterator[tuple[Cell, Integers]]:
    """Yield what every cell keeps of the rows that may go."""
    wanted = {cell: _selection(cell) for cell in cells(settings)}
    told = select_each(run, filter(None, wanted.values()), prunable)
    chosen = {one.settings: one.kept for one in told}
    mixed = None
    for cell, selection in wanted.items():
        if cell.technique is None:
            yield cell, prunable
        elif selection is not None:
            yield cell, chosen[selection]
        else:
            mixed = _mixed(run, prunable, truth) if mixed is None else mixed
            yield cell, _kept(run, prunable, mixed, cell)


def _selection(cell: Cell) -> SelectionSettings | None:
    """Return how the rows of a cell are chosen, where selections can say it."""
    if cell.technique not in _DRAWN:
        return None
    drawn = _DRAWN[cell.technique]
    return SelectionSettings(fraction=cell.fraction, seed=cell.seed, **drawn)


def _mixed(run: Run, rows: Integers, truth: list[Interpretation]) -> npt.NDArray[np.float64]:
    column = catalogue(run).get(score_column("vog", "dataset"))
    vog = at(run, column, rows).to_numpy().astype(np.float64)
    inside = np.isin(np.flatnonzero(training(run)), rows, assume_unique=True)
    return combined(vog, row_entropies(truth)[inside])


def _kept(run: Run, rows: Integers, scores: npt.NDArray[np.float64], cell: Cell) -> Integers:
    ids = at(run, catalogue(run).get("id"), rows).to_numpy()
    order = samplers.linear(scores, ids, np.random.default_rng([cell.seed, 0]))
    keep = len(rows) - round(cell.fraction * len(rows))
    return np.sort(rows[order[:keep]])
