"""Keeping a stack while it is trained: its heads, and what they learnt from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from influence_core.nlu.cells import Cell
from influence_core.nlu.kept import (
    FACTS,
    STACK,
    TAGS,
    KeptDomain,
    Learnt,
    StackFacts,
    kept_cell,
    write_learnt,
)
from influence_core.nlu.material import Material, Part
from influence_core.scores.pairwise.activations import BLOCK, halved
from influence_core.scores.pairwise.head import head_of
from influence_core.store.files import atomic, write_json

Integers = npt.NDArray[np.int64]
State = Mapping[str, Tensor]


@contextmanager
def keeping(material: Material, cell: Cell) -> Iterator[Keeper]:
    """Yield what keeps the models of a stack; it keeps none unless the stack is the one to keep.

    The stack is whole, or not there at all. It lies in the private folder of the experiment until
    `kept.settle` puts it into its place: workers write nowhere else.
    """
    if cell != kept_cell(material.settings):
        yield Keeper(material)
        return
    with atomic(material.folder / STACK) as partial:
        partial.mkdir()
        yield Keeper(material, partial)
        write_json(partial / FACTS, _facts(material, cell).model_dump(mode="json"))


class Keeper:
    """Writes models into the folder of a stack, if there is one; `seconds` are what that took.

    What the last layers of heads are given is kept as float16: with heads as wide as they usually
    are 128 bytes a training row, twice, and a token of one. Of 14,000 rows and 130,000 tokens that
    is 4 MB and 17 MB.
    """

    def __init__(self, material: Material, folder: Path | None = None) -> None:
        self.material, self.folder = material, folder
        self.seconds = 0.0

    def head(
        self, name: str, state: State, features: Tensor, labels: Tensor, places: Integers
    ) -> None:
        """Keep a head that learnt the labels of some places of the features, rows or tokens."""
        if self.folder is None:
            return
        with self.timed():
            gathered = Gathered(state, len(places))
            for start in range(0, len(places), BLOCK):
                block = places[start : start + BLOCK]
                gathered.take(np.arange(start, start + len(block)), features[block])
            rows = self.rows(places) if name.endswith(TAGS) else places
            gathered.write(self.folder, name, labels.numpy()[places], rows)

    def rows(self, places: Integers) -> Integers:
        """Return the examples that tokens come from, given by their places among all tokens."""
        found: Integers = np.searchsorted(self.material.tokens.offsets, places, side="right") - 1
        return found

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count what is done in the block as keeping."""
        began = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - began


class Gathered:
    """A head, and what its last layer is given, gathered batch by batch."""

    def __init__(self, state: State, count: int) -> None:
        self._state = {name: one.detach().float().cpu().numpy() for name, one in state.items()}
        self._head = head_of(self._state)
        self._inputs = np.empty((count, self._head.width), np.float16)

    def take(self, places: Integers, features: Tensor) -> None:
        """Put what features (B, D) give into their places."""
        self._inputs[places] = halved(self._head.inputs(features.cpu().numpy()))

    def write(self, folder: Path, name: str, labels: Integers, rows: Integers) -> None:
        """Write the head with what it learnt."""
        write_learnt(folder, name, self._state, Learnt(self._head, self._inputs, labels, rows))


def _facts(material: Material, cell: Cell) -> StackFacts:
    return StackFacts(
        mode=material.training.mode,
        seed=cell.seed,
        model=material.model,
        precision=material.training.precision,
        domains=tuple(_domain(part, material) for part in material.parts),
    )


def _domain(part: Part, material: Material) -> KeptDomain:
    return KeptDomain(
        name=part.name,
        rows=len(part.rows),
        intents=part.intents,
        tags=part.tags,
        says_intents=part.says_intents,
        says_slots=part.says_slots and material.slots_column is not None,
        small=not part.learnt,
    )
