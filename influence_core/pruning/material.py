"""What the models of an experiment learn from: rows, labels, and features or token ids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from influence_core.config import ModelSettings, TrainingSettings
from influence_core.errors import RunError
from influence_core.model.tokens import TokenStore, open_tokens
from influence_core.progress import Progress
from influence_core.pruning.cells import epochs_of
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import Run
from influence_core.store.state import dataset_of
from influence_core.training.outlook import Examples, read_examples
from influence_core.training.untuned import untuned_file, write_tokens, write_untuned

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Material:
    """Everything that training a cell takes, in any process that can read the run's folder."""

    run: Run
    settings: ExperimentSettings
    model: ModelSettings
    training: TrainingSettings
    label_names: tuple[str, ...]
    folder: Path

    @cached_property
    def examples(self) -> Examples:
        """Ids, labels and splits of the run."""
        return read_examples(self.run, self.label_names)

    @property
    def labels(self) -> Integers:
        """Class indices (examples,)."""
        return self.examples.labels

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest of an experiment says of it."""
        return {
            "encoder": self.model.encoder,
            "epochs": self.training.epochs,
            "train_rows": len(self.examples.train_rows),
            "test_rows": len(self.test_rows),
        }

    @cached_property
    def test_rows(self) -> Integers:
        """Positions of the test rows, ascending: nothing ever prunes them."""
        return np.flatnonzero(self.examples.splits == "test")

    @property
    def tokens(self) -> TokenStore:
        """Token ids of all examples, as the encoder that is trained reads them."""
        return open_tokens(self.tokens_folder)

    @property
    def features(self) -> npt.NDArray[np.float16]:
        """Pooled features (examples, D) of the encoder before it has seen a label."""
        features: npt.NDArray[np.float16] = np.load(self.features_file, mmap_mode="r")
        return features

    @property
    def tokens_folder(self) -> Path:
        """Where the token ids lie while the experiment lasts."""
        return self.folder / "tokens"

    @property
    def features_file(self) -> Path:
        """Where the features lie: with the run, if they are its own encoder's, untuned."""
        own = untuned_file(self.run)
        usable = own.exists() and self.run.manifest().settings.model == self.model
        return own if usable else self.folder / "features.npy"


def material_of(run: Run, settings: ExperimentSettings, folder: Path) -> Material:
    """Say what the cells of an experiment are trained on; `folder` keeps what is made for them.

    Raises:
        RunError: the run has no training rows or no test rows.
    """
    dataset, own = dataset_of(run), run.manifest().settings
    for split, use in (("train", "trained on"), ("test", "judged by")):
        if not dataset.splits.get(split):
            raise RunError(
                f"Run {run.name!r} has no {split} rows for models to be {use}. Make it from data "
                "with a split column, or let `influence run` hold some out."
            )
    model = own.model
    if settings.train_encoder is not None:
        model = model.model_copy(update={"encoder": settings.train_encoder})
    epochs = epochs_of(settings, own.training, dataset.splits["train"])
    training = own.training.model_copy(update={"mode": settings.mode, "epochs": epochs})
    return Material(run, settings, model, training, dataset.label_names, folder)


def prepare(material: Material, progress: Progress) -> None:
    """Write the token ids, and for probes the features, unless they are there."""
    probe = material.training.mode == "probe"
    if probe and material.features_file.exists():
        return
    model, tokens = material.model, material.tokens_folder
    write_tokens(material.run.examples_file, model, tokens, progress)
    if probe:
        precision = material.training.precision
        write_untuned(model, tokens, material.features_file, precision, progress)
