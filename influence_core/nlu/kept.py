"""The stack that an experiment keeps: that of all rows and the first seed, for sentences to try.

`stack/` in the folder of the experiment holds `stack.json` and, for the choice between domains and
for the intents and the tags of every domain that learns them, a file `<name>.safetensors`: the
weights of its head, and of what it learnt from the inputs of the head's last layer, the labels and
the rows. Of a fine-tuned stack `encoders/` holds a model folder each for the domains and for every
domain; a probe's encoder is loaded by its name.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from influence_core.config import Mode, ModelSettings, Precision
from influence_core.errors import RunError
from influence_core.nlu.cells import Cell, cells
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.settings import StackSettings
from influence_core.scores.pairwise.activations import Halves
from influence_core.scores.pairwise.head import Floats, Head, head_of
from influence_core.store.files import atomic
from influence_core.store.run import Run
from influence_core.store.workplace import in_words

Integers = npt.NDArray[np.int64]

STACK, FACTS, ENCODERS = "stack", "stack.json", "encoders"
"""Its folder, and what lies there beside the files of the heads."""

DOMAINS, INTENTS, TAGS = "domains", "intents", "tags"
"""What is told apart: the names of the files, the latter two after the number of their domain."""

_LEARNT = ("inputs", "labels", "rows")


@dataclass(frozen=True)
class Learnt:
    """A head, and what it learnt from: n training rows, or n tokens of such rows.

    `inputs` are those of its last layer (n, W), `labels` (n,) what they were said to be, and `rows`
    (n,) the examples they come from, ascending.
    """

    head: Head
    inputs: Halves
    labels: Integers
    rows: Integers


class KeptDomain(BaseModel):
    """What the stack can say within a domain: intents, the most frequent first, and tags.

    `says_intents` and `says_slots` where it has learnt to tell them; `small` where the domain has
    too few rows, of which there are `rows`.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    rows: int
    intents: tuple[str, ...]
    tags: tuple[str, ...]
    says_intents: bool
    says_slots: bool
    small: bool

    @property
    def slot_names(self) -> tuple[str, ...]:
        """Names of its slots: every one has two tags, after that of no slot."""
        return tuple(tag.partition("-")[2] for tag in self.tags[1::2])


class StackFacts(BaseModel):
    """The contents of `stack.json`: what the stack was trained with, and what it tells apart."""

    model_config = ConfigDict(frozen=True)

    mode: Mode
    seed: int
    model: ModelSettings
    precision: Precision
    domains: tuple[KeptDomain, ...]


@dataclass(frozen=True)
class KeptStack:
    """A handle on the folder of a kept stack; heads are read when they are asked for."""

    path: Path
    facts: StackFacts

    def learnt(self, name: str) -> Learnt:
        """Read a head with what it learnt from."""
        from safetensors.numpy import load_file

        state = load_file(file_of(self.path, name))
        inputs, labels, rows = (state.pop(part) for part in _LEARNT)
        return Learnt(head_of(state), inputs, labels.astype(np.int64), rows.astype(np.int64))

    def reads(self, name: str) -> ModelSettings:
        """Return what reads texts for the domains, or for one of them: it names the encoder."""
        if self.facts.mode == "probe":
            return self.facts.model
        own = {"encoder": str(self.path / ENCODERS / name), "pooling": "auto"}
        return self.facts.model.model_copy(update=own)


def kept_cell(settings: StackSettings) -> Cell | None:
    """Return the cell whose stack is kept, if one is."""
    return cells(settings)[0] if settings.keep_stack else None


def within(domain: int, what: str = "") -> str:
    """Return the name of what is told apart within a domain, and of its encoder.

    >>> within(7, INTENTS), within(7)
    ('007-intents', '007')
    """
    return "-".join(filter(None, (f"{domain:03d}", what)))


def open_stack(experiment: StackExperiment) -> KeptStack:
    """Open the stack that an experiment kept.

    Raises:
        RunError: it kept none, or has not trained it yet.
    """
    path = experiment.path / STACK
    try:
        facts = StackFacts.model_validate_json((path / FACTS).read_bytes())
    except FileNotFoundError:
        raise RunError(_without(experiment)) from None
    except ValidationError as error:
        raise RunError(
            f"The stack of {in_words(experiment)} cannot be read: {error.error_count()} fields of "
            f"{FACTS!r} do not fit. It may come from another version."
        ) from error
    return KeptStack(path, facts)


def asked_stack(run: Run, name: str | None = None) -> StackExperiment:
    """Return the experiment whose stack is asked: by its name, or the newest that kept one.

    Where none did it is the newest of all, which tells how there would be one.

    Raises:
        RunNotFound: the run has none of that name, or none at all.
    """
    found = StackExperiment.of(run)
    if name is not None or not found:
        return StackExperiment.open(run, name or StackExperiment.WORD)
    return next(filter(keeps, found), found[0])


def keeps(experiment: StackExperiment) -> bool:
    """Say whether it has a stack to be asked."""
    return (experiment.path / STACK / FACTS).is_file()


def write_learnt(folder: Path, name: str, state: dict[str, Floats], learnt: Learnt) -> None:
    """Write a head, given by its weights, with what it learnt from, into the folder of a stack."""
    from safetensors.numpy import save_file

    told = {
        "inputs": learnt.inputs,
        "labels": learnt.labels.astype(np.int32),
        "rows": learnt.rows.astype(np.int32),
    }
    arrays = {key: np.ascontiguousarray(one) for key, one in (state | told).items()}
    save_file(arrays, file_of(folder, name))


def settle(experiment: StackExperiment) -> None:
    """Put the stack that was kept for an experiment as it was trained into its place."""
    made = experiment.private_folder / STACK
    if made.exists():
        with atomic(experiment.path / STACK) as partial:
            os.replace(made, partial)


def file_of(folder: Path, name: str) -> Path:
    """Return the file of a head in the folder of a stack."""
    return folder / f"{name}.safetensors"


def _without(experiment: StackExperiment) -> str:
    """Say why there is no stack, and how there would be one."""
    manifest = experiment.manifest()
    cell = kept_cell(manifest.settings)
    if cell is not None and not experiment.file_of(cell).exists():
        return f"{experiment.title} has not trained the stack yet that it keeps: let it go on."
    return (
        f"{experiment.title} kept no stack. A new experiment keeps one: "
        f"`influence nlu {experiment.run.name}`."
    )
