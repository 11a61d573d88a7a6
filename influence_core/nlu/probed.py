"""Stacks as probes: heads on frozen features, those of many stacks trained as one batched model.

Nothing that learns is shared: an intent classifier and a slot tagger that are trained jointly are
the two heads that each would be alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from influence_core.nlu.experiment import Outcome
from influence_core.nlu.keeping import Keeper, keeping
from influence_core.nlu.kept import DOMAINS, INTENTS, TAGS, within
from influence_core.nlu.material import Material, Part
from influence_core.nlu.pieces import Piece, Work
from influence_core.nlu.slots import Slot, spans
from influence_core.nlu.states import token_places
from influence_core.progress import Progress
from influence_core.pruning.batched import confident, fresh_heads, predict, train_together
from influence_core.training.heads import HeadStack

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Slots = tuple[Slot, ...]

TOKENS = 256
"""Tokens in an optimisation step of slot taggers."""


def heads_at_work(material: Material) -> Work:
    """Load the features, and return how a process trains stacks of heads on them."""
    frozen = Frozen(material)

    def work(piece: Piece, progress: Progress) -> list[Outcome]:
        began = time.perf_counter()
        with keeping(material, piece.cells[0]) as keeper:
            crew = Crew(frozen, piece, progress, keeper)
            domains, confidence = crew.domains()
            outside = crew.outside()
            intents, slots = crew.intents(domains), crew.slots(domains)
        seconds = (time.perf_counter() - began - keeper.seconds) / len(piece.cells)
        names = np.array(material.domain_names, dtype=object)
        return [
            Outcome(
                cell=cell,
                rows=material.counted(piece.subsets[at]),
                seconds=seconds,
                domains=names[domains[at]].tolist(),
                intents=intents[at],
                slots=slots[at],
                confidence=confidence[at],
                outside=outside[at] if material.held_out else None,
            )
            for at, cell in enumerate(piece.cells)
        ]

    return work


@dataclass(frozen=True)
class Frozen:
    """What the encoder made of the texts, as tensors."""

    material: Material

    @cached_property
    def features(self) -> Tensor:
        """Pooled features (examples, D)."""
        return torch.from_numpy(np.array(self.material.features))

    @cached_property
    def states(self) -> Tensor:
        """States of all tokens (tokens, D)."""
        return torch.from_numpy(np.array(self.material.states))

    @cached_property
    def spoken(self) -> Flags:
        """Which tokens stand for characters (tokens,)."""
        characters = self.material.characters
        return np.asarray(characters[:, 1] > characters[:, 0])


@dataclass(frozen=True)
class Crew:
    """The heads of the stacks of one piece: K stacks, T test rows.

    The keeper is given the heads of the first of them.
    """

    frozen: Frozen
    piece: Piece
    progress: Progress
    keeper: Keeper

    @property
    def material(self) -> Material:
        """What they learn from."""
        return self.frozen.material

    @property
    def test(self) -> Integers:
        """Positions of the test rows (T,)."""
        return self.material.test_rows

    def domains(self) -> tuple[Integers, npt.NDArray[np.float32]]:
        """Train the domain classifiers; return each row's domain and its probability (K, T)."""
        labels, count = torch.from_numpy(self.material.domains), len(self.material.domain_names)
        rows, steps = self.piece.subsets, self.material.domain_steps
        heads = self._trained(self.frozen.features, labels, count, rows, steps)
        self.keeper.head(DOMAINS, heads.state(0), self.frozen.features, labels, rows[0])
        chosen, sure = confident(heads, self.frozen.features, self.test)
        return chosen.astype(np.int64), sure

    def outside(self) -> npt.NDArray[np.float32]:
        """Hold each domain out in turn; return each row's probability without its own (K, T)."""
        material, true = self.material, self.material.domains[self.test]
        told = np.zeros((len(self.piece.cells), len(true)), np.float32)
        for domain in material.held_out:
            rows = [own[material.domains[own] != domain] for own in self.piece.subsets]
            labels = torch.from_numpy(material.without(domain))
            others, steps = len(material.domain_names) - 1, material.domain_steps
            heads = self._trained(self.frozen.features, labels, others, rows, steps)
            asked = true == domain
            told[:, asked] = confident(heads, self.frozen.features, self.test[asked])[1]
        return told

    def intents(self, domains: Integers) -> list[list[str]]:
        """Train the intent classifiers; return the intent of each row within its domain (K, T).

        It is empty for rows of a domain of which a stack has never seen a row.
        """
        told = np.full(domains.shape, "", dtype=object)
        for part in self.material.parts:
            self._say_intents(part, domains == part.domain, told)
        return [row.tolist() for row in told]

    def slots(self, domains: Integers) -> list[list[Slots]]:
        """Train the slot taggers; return the slots of each row by its domain's tagger (K, T)."""
        told: list[list[Slots]] = [[()] * len(self.test) for _ in domains]
        for part in self.material.parts:
            if self.material.slots_column and part.says_slots:
                self._say_slots(part, domains == part.domain, told)
        return told

    def _say_intents(self, part: Part, asked: Flags, told: npt.NDArray[np.object_]) -> None:
        own = self._own(part)
        seen = [at for at, rows in enumerate(own) if len(rows)]
        if not part.says_intents:
            for at in seen:
                told[at, asked[at]] = self.material.usual(own[at])
            return
        labels = torch.zeros(len(self.material.truth), dtype=torch.int64)
        labels[part.rows] = torch.from_numpy(self.material.intent_numbers(part))
        rows, steps = [own[at] for at in seen], self.material.part_steps(part)
        heads = self._trained(self.frozen.features, labels, len(part.intents), rows, steps)
        name = within(part.domain, INTENTS)
        self.keeper.head(name, heads.state(0), self.frozen.features, labels, rows[0])
        wanted = np.flatnonzero(asked.any(axis=0))
        if not len(wanted):
            return
        names = np.array(part.intents, dtype=object)
        chosen = names[predict(heads, self.frozen.features, self.test[wanted])]
        for place, at in enumerate(seen):
            mine = asked[at, wanted]
            told[at, wanted[mine]] = chosen[place, mine]

    def _say_slots(self, part: Part, asked: Flags, told: list[list[Slots]]) -> None:
        material, tokens = self.material, self.material.tokens
        own = self._own(part)
        seen = [at for at, rows in enumerate(own) if len(rows)]
        labels = torch.zeros(len(tokens.ids), dtype=torch.int64)
        meant = torch.from_numpy(material.tag_numbers(part, part.rows))
        labels[token_places(tokens, part.rows)] = meant
        rows = [self._spoken(own[at]) for at in seen]
        heads = self._trained(
            self.frozen.states,
            labels,
            len(part.tags),
            rows,
            material.tag_steps(part, TOKENS),
            TOKENS,
        )
        name = within(part.domain, TAGS)
        self.keeper.head(name, heads.state(0), self.frozen.states, labels, rows[0])
        wanted = np.flatnonzero(asked.any(axis=0))
        if not len(wanted):
            return
        chosen = predict(heads, self.frozen.states, token_places(tokens, self.test[wanted]))
        ends = np.cumsum(tokens.lengths[self.test[wanted]])[:-1]
        for place, at in enumerate(seen):
            for where, numbers in zip(wanted, np.split(chosen[place], ends), strict=True):
                if asked[at, where]:
                    told[at][where] = self._found(part, int(self.test[where]), numbers)

    def _found(self, part: Part, row: int, numbers: npt.NDArray[np.int32]) -> Slots:
        """Return the slots that the tags of a row's tokens tell."""
        told = [part.tags[number] for number in numbers]
        return tuple(spans(told, self.material.offsets(row), self.material.truth[row].text))

    def _trained(
        self,
        features: Tensor,
        labels: Tensor,
        classes: int,
        subsets: tuple[Integers, ...] | list[Integers],
        steps: int,
        batch: int | None = None,
    ) -> HeadStack:
        """Train a head on each of the subsets."""
        seeds = [self.piece.cells[0].seed] * len(subsets)
        settings = self.material.training
        if batch is not None:
            settings = settings.model_copy(update={"batch_size": batch})
        heads = fresh_heads(seeds, features.shape[1], classes, self.material.model)
        return train_together(
            heads, features, labels, subsets, seeds, steps, settings, self.progress
        )

    def _own(self, part: Part) -> list[Integers]:
        """Return the rows of a domain that each stack learns from."""
        return [np.intersect1d(rows, part.rows) for rows in self.piece.subsets]

    def _spoken(self, rows: Integers) -> Integers:
        """Return the tokens of rows that stand for characters."""
        places = token_places(self.material.tokens, rows)
        return places[self.frozen.spoken[places]]
