"""What every stage is given, and the files it finds there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from influence_core.config import RunSettings
from influence_core.progress import Progress
from influence_core.store.run import Run
from influence_core.store.state import dataset_of

if TYPE_CHECKING:
    from influence_core.model.classifier import TextClassifier
    from influence_core.model.tokens import TokenStore
    from influence_core.training.outlook import Examples


@dataclass(frozen=True)
class Job:
    """What every stage is given."""

    run: Run
    settings: RunSettings
    progress: Progress


TOKENIZER = "PyTorch and the tokenizer"
ENCODER = "PyTorch and the encoder"
MODEL = "PyTorch and the model"
"""What has to be loaded before stages begin."""


@dataclass(frozen=True)
class Step:
    """A stage under the name by which the manifest remembers it.

    `loads` says what has to be loaded before it begins, where that takes seconds.
    """

    name: str
    work: Callable[[], None]
    loads: str = ""


def replicates(job: Job) -> dict[int, Run]:
    """Map every seed to the folder of its artefacts: the first is the run's own."""
    first, count = job.settings.training.seed, job.settings.training.seeds
    folders = {first: job.run}
    for seed in range(first + 1, first + count):
        folders[seed] = Run(job.run.replicates_folder / f"seed-{seed}")
    return folders


def examples_of(job: Job) -> Examples:
    """Read ids, labels and splits."""
    from influence_core.training.outlook import read_examples

    return read_examples(job.run, dataset_of(job.run).label_names)


def tokens_of(job: Job) -> TokenStore:
    """Open the token ids."""
    from influence_core.model.tokens import open_tokens

    return open_tokens(tokens_folder(job.run))


def tokens_folder(run: Run) -> Path:
    """Return where the token ids of a run lie while it works."""
    return run.private_folder / "tokens"


def fresh_classifier(job: Job, seed: int) -> TextClassifier:
    """Return the classifier as it is before training from `seed`."""
    from influence_core.model.classifier import build_classifier

    return build_classifier(job.settings.model, dataset_of(job.run).label_names, seed)


def keeps_activations(job: Job, replicate: Run) -> bool:
    """Say whether a stage keeps what the head is given, for `influence explain`."""
    return replicate.path == job.run.path and job.settings.training.keep_activations != "none"
