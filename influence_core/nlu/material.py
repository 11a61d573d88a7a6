"""What the stacks of an experiment learn from: annotated texts, and their tokens or features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from influence_core.config import ModelSettings, TrainingSettings
from influence_core.errors import DataError, RunError, rule
from influence_core.model.tokens import TokenStore, open_tokens
from influence_core.nlu.settings import StackSettings
from influence_core.nlu.slots import OUTSIDE, Interpretation, interpretations, tags
from influence_core.nlu.sources import rows_of, source_column
from influence_core.nlu.states import open_states
from influence_core.store.columns import Column
from influence_core.store.run import Run
from influence_core.store.state import dataset_of
from influence_core.training.schedule import enough_epochs, steps_in_epoch
from influence_core.training.untuned import untuned_file

Integers = npt.NDArray[np.int64]

SLOTS = "slots"
"""Column of slots where no other is named."""

DOMAIN_STEPS, PART_STEPS = 1_000, 400
"""Fewest steps of a probe on all rows, of domains and within one, unless epochs are asked for."""

_FEWEST = 3
"""Domains from which on one can be held out, and others be told apart."""


@dataclass(frozen=True)
class Part:
    """A domain's own task: its training rows, intents and tags, as the training rows have them.

    `tags` begin with that of no slot. A part that is not `learnt` has too few rows.
    """

    domain: int
    name: str
    rows: Integers
    intents: tuple[str, ...]
    tags: tuple[str, ...]
    learnt: bool

    @property
    def says_intents(self) -> bool:
        """Whether there are intents to be told apart."""
        return self.learnt and len(self.intents) > 1

    @property
    def says_slots(self) -> bool:
        """Whether there are slots to be found."""
        return self.learnt and len(self.tags) > 1


@dataclass(frozen=True)
class Material:
    """Everything that training a stack takes, in any process that can read the run's folder."""

    run: Run
    settings: StackSettings
    model: ModelSettings
    training: TrainingSettings
    domain_names: tuple[str, ...]
    slots_column: str | None
    source_column: Column | None
    folder: Path

    @cached_property
    def truth(self) -> list[Interpretation]:
        """What is meant by every example, domains as they are labelled.

        Raises:
            DataError: there is no such column, a row has no intent, or slots cannot be read.
        """
        import pyarrow.parquet as pq

        names = ["text", "label", self.settings.intent]
        names += [self.slots_column] if self.slots_column else []
        table = pq.read_table(self.run.examples_file, columns=names)
        texts, domains, intents, *slots = (table[name].to_pylist() for name in names)
        missing = sum(intent is None for intent in intents)
        if missing:
            must = f"have a value in every row; column {self.settings.intent!r} has"
            raise DataError(rule("intent", must, f"{missing:,} rows without one"))
        return interpretations(texts, domains, [str(one) for one in intents], *slots)

    @cached_property
    def splits(self) -> npt.NDArray[np.object_]:
        """Split of every example."""
        import pyarrow.parquet as pq

        found: npt.NDArray[np.object_]
        found = pq.read_table(self.run.examples_file, columns=["split"])["split"].to_numpy()
        return found

    @cached_property
    def train_rows(self) -> Integers:
        """Positions of the training rows, ascending."""
        return np.flatnonzero(self.splits == "train")

    @cached_property
    def prunable(self) -> Integers:
        """Positions of the training rows that may go, ascending: of all sources, or of one.

        Raises:
            DataError: no training row comes from the source whose rows alone may go.
        """
        only = self.settings.prune_only
        if only is None:
            return self.train_rows
        if self.source_column is None:
            must = (
                "be left out where no column 'source' of words, whole numbers or flags is in the "
                "data, and no other is named"
            )
            raise DataError(rule("prune_only", must, only))
        return rows_of(self.run, self.source_column, only, self.train_rows)

    @cached_property
    def test_rows(self) -> Integers:
        """Positions of the test rows, ascending: nothing ever prunes them."""
        return np.flatnonzero(self.splits == "test")

    @cached_property
    def domains(self) -> Integers:
        """Domain of every example, a place in `domain_names`."""
        place = {name: number for number, name in enumerate(self.domain_names)}
        return np.array([place[one.domain] for one in self.truth], np.int64)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The task of every domain, in the order of `domain_names`."""
        return tuple(self._part(number) for number in range(len(self.domain_names)))

    def without(self, domain: int) -> Integers:
        """Return the domain of every example as one of the others, of which there is one fewer.

        Rows of the domain that is left out, which nothing may learn from, are given the first.
        """
        return np.where(self.domains == domain, 0, self.domains - (self.domains > domain))

    @cached_property
    def held_out(self) -> tuple[int, ...]:
        """Domains that are held out in turn: those with test rows, if any are."""
        if not self.settings.out_of_scope:
            return ()
        return tuple(int(one) for one in np.unique(self.domains[self.test_rows]))

    def counted(self, rows: Integers) -> dict[str, int]:
        """Count rows by their domain."""
        counts = np.bincount(self.domains[rows], minlength=len(self.domain_names))
        return {name: int(count) for name, count in zip(self.domain_names, counts, strict=True)}

    def _part(self, domain: int) -> Part:
        from collections import Counter

        rows = self.train_rows[self.domains[self.train_rows] == domain]
        meant = [self.truth[row] for row in rows]
        intents = [name for name, _ in Counter(one.intent for one in meant).most_common()]
        slots = sorted({slot.name for one in meant for slot in one.slots})
        told = [OUTSIDE, *(f"{kind}-{name}" for name in slots for kind in "BI")]
        learnt = len(rows) >= self.settings.min_rows
        name = self.domain_names[domain]
        return Part(domain, name, rows, tuple(intents), tuple(told), learnt)

    def usual(self, rows: Integers) -> str:
        """Return the most frequent intent of some rows, of equally frequent ones the first."""
        from collections import Counter

        said: Counter[str] = Counter(self.truth[row].intent for row in rows)
        return said.most_common(1)[0][0]

    def intent_numbers(self, part: Part) -> Integers:
        """Return the intent of each of a part's rows, as places in `part.intents`."""
        place = {name: number for number, name in enumerate(part.intents)}
        return np.array([place[self.truth[row].intent] for row in part.rows], np.int64)

    def tag_numbers(self, part: Part, rows: Integers) -> Integers:
        """Return the tags of all tokens of rows, one row after another, as places in `part.tags`.

        What the part does not know, and tokens without characters, are no slot's.
        """
        place = {tag: number for number, tag in enumerate(part.tags)}
        told = (tags(self.offsets(row), self.truth[row].slots) for row in rows)
        return np.array([place.get(tag, 0) for row in told for tag in row], np.int64)

    def offsets(self, row: int) -> list[tuple[int, int]]:
        """Return first character and end of every token of a row."""
        first, last = self.tokens.offsets[row], self.tokens.offsets[row + 1]
        return [(int(start), int(end)) for start, end in self.characters[first:last]]

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest of an experiment says of it."""
        return {
            "encoder": self.model.encoder,
            "epochs": self.training.epochs,
            "train_rows": len(self.train_rows),
            "test_rows": len(self.test_rows),
            "small_domains": tuple(part.name for part in self.parts if not part.learnt),
        }

    @property
    def domain_steps(self) -> int:
        """Optimisation steps of a domain classifier on all rows."""
        per_epoch = steps_in_epoch(len(self.train_rows), self.training.batch_size)
        return per_epoch * self.training.epochs

    def part_steps(self, part: Part) -> int:
        """Return the optimisation steps of a domain's models on all its rows."""
        return self._steps(steps_in_epoch(len(part.rows), self.training.batch_size))

    def tag_steps(self, part: Part, size: int) -> int:
        """Return those of a domain's tagger, of which a step sees so many tokens."""
        return self._steps(steps_in_epoch(int(self.tokens.lengths[part.rows].sum()), size))

    def _steps(self, per_epoch: int) -> int:
        free = self.settings.epochs is None and self.training.mode == "probe"
        return max(per_epoch * self.training.epochs, PART_STEPS if free else 0)

    @cached_property
    def tokens(self) -> TokenStore:
        """Token ids of all examples."""
        return open_tokens(self.tokens_folder)

    @cached_property
    def characters(self) -> npt.NDArray[np.int32]:
        """First character and end of every token (tokens, 2)."""
        found: npt.NDArray[np.int32] = np.load(self.characters_file, mmap_mode="r")
        return found

    @cached_property
    def states(self) -> npt.NDArray[np.float16]:
        """Last states of every token (tokens, D), of the encoder before it has seen a label."""
        return open_states(self.states_file)

    @property
    def features(self) -> npt.NDArray[np.float16]:
        """Pooled features (examples, D), likewise."""
        found: npt.NDArray[np.float16] = np.load(self.features_file, mmap_mode="r")
        return found

    @property
    def tokens_folder(self) -> Path:
        """Where the token ids lie while the experiment lasts."""
        return self.folder / "tokens"

    @property
    def characters_file(self) -> Path:
        """Where the places of the tokens in their texts lie."""
        return self.folder / "characters.npy"

    @property
    def states_file(self) -> Path:
        """Where the states lie."""
        return self.folder / "states.npy"

    @property
    def features_file(self) -> Path:
        """Where the features lie: with the run, if it has them."""
        own = untuned_file(self.run)
        return own if own.exists() else self.folder / "features.npy"


def material_of(run: Run, settings: StackSettings, folder: Path) -> Material:
    """Say what the stacks of an experiment are trained on; `folder` keeps what is made for them.

    Raises:
        RunError: the run has no training rows, no test rows, or pairs of texts.
        DataError: the data have no such column of intents, slots or sources, or too few domains for
            one to be held out.
    """
    import pyarrow.parquet as pq

    dataset, own = dataset_of(run), run.manifest().settings
    for split, use in (("train", "trained on"), ("test", "judged by")):
        if not dataset.splits.get(split):
            raise RunError(
                f"Run {run.name!r} has no {split} rows for stacks to be {use}. Make it from data "
                "with a split column, or let `influence run` hold some out."
            )
    names = dataset.label_names
    if settings.out_of_scope and len(names) < _FEWEST:
        least = f"be off where there are fewer than {_FEWEST} domains, of which one is held out"
        raise DataError(rule("out_of_scope", least, f"{len(names)} domains"))
    columns = pq.read_schema(run.examples_file).names
    _require_column("intent", settings.intent, columns)
    if settings.slots is not None:
        _require_column("slots", settings.slots, columns)
    slots = settings.slots or (SLOTS if SLOTS in columns else None)
    size = settings.batch_size or own.training.batch_size
    training = own.training.model_copy(update={"mode": settings.mode, "batch_size": size})
    fewest = DOMAIN_STEPS if settings.mode == "probe" else 0
    epochs = settings.epochs or enough_epochs(dataset.splits["train"], training, fewest)
    training = training.model_copy(update={"epochs": epochs})
    source = source_column(run, settings.source)
    return Material(run, settings, own.model, training, names, slots, source, folder)


def _require_column(parameter: str, name: str, columns: list[str]) -> None:
    if name not in columns:
        raise DataError(rule(parameter, f"be a column of the data ({', '.join(columns)})", name))
