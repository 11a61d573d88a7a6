"""Which stacks are trained together, on which rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from influence_core.nlu.cells import Cell, draw
from influence_core.nlu.experiment import Outcome
from influence_core.nlu.material import Material
from influence_core.progress import Progress

Integers = npt.NDArray[np.int64]

TOGETHER = 16
"""Most stacks of probes of one batched model."""


@dataclass(frozen=True)
class Piece:
    """Stacks that are trained together, from one seed, each on its own rows."""

    cells: tuple[Cell, ...]
    subsets: tuple[Integers, ...]

    @property
    def title(self) -> str:
        """What errors call it."""
        more = f" and {len(self.cells) - 1} more" if len(self.cells) > 1 else ""
        return f"Stack {self.cells[0].name}{more}"


Work = Callable[[Piece, Progress], list[Outcome]]


def pieces(material: Material) -> list[Piece]:
    """Divide all cells into pieces of work, which depend on the settings alone.

    Raises:
        DataError: no training row comes from the source whose rows alone may go.
        SelectionError: the run has no VoG.
    """
    truth = [material.truth[row] for row in material.train_rows]
    subsets = draw(material.run, material.settings, truth, material.prunable)
    size = TOGETHER if material.training.mode == "probe" else 1
    found = []
    for seed in sorted({cell.seed for cell in subsets}):
        alike = iter([cell for cell in subsets if cell.seed == seed])
        while together := tuple(islice(alike, size)):
            found.append(Piece(together, tuple(subsets[cell] for cell in together)))
    return found
