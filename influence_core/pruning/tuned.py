"""What a cell of fine-tuning does: train a classifier, and ask it about the test rows."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
from transformers import TrainerCallback

from influence_core.model.classifier import TextClassifier, build_classifier, hidden_size
from influence_core.model.tokens import TokenStore
from influence_core.progress import Progress
from influence_core.pruning.assignments import Assignment
from influence_core.pruning.experiment import Outcome
from influence_core.pruning.material import Material
from influence_core.training.passes import Observer, as_float16
from influence_core.training.trainer import ClassifierTrainer


def fine_tune(
    material: Material, tokens: TokenStore, piece: Assignment, progress: Progress
) -> Outcome:
    """Fine-tune the classifier of a piece, which is one cell."""
    (cell,), (rows,) = piece.cells, piece.subsets
    began = time.perf_counter()
    model = build_classifier(material.model, material.label_names, cell.seed)
    with TemporaryDirectory(dir=material.folder) as folder:
        ClassifierTrainer(
            model,
            tokens,
            rows,
            material.labels,
            material.training,
            cell.seed,
            Path(folder),
            [Counter(progress)],
            piece.steps,
        ).fit()
    predicted, embeddings = _ask(model, tokens, material)
    seconds = time.perf_counter() - began
    return Outcome(cell, len(rows), piece.steps, seconds, predicted, embeddings)


class Counter(TrainerCallback):
    """Tells a progress of every optimisation step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count the step."""
        self._progress.advance(1)


def _ask(
    model: TextClassifier, tokens: TokenStore, material: Material
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float16] | None]:
    """Return the class of every test row (T,) and, where they are kept, its features (T, D)."""
    observer, rows = Observer(model, material.training.precision), material.test_rows
    predicted = np.zeros(len(rows), np.int32)
    shape = (len(rows), hidden_size(model.config.encoder))
    embeddings = np.zeros(shape, np.float16) if material.settings.keep_embeddings else None
    for batch, features in observer.features(tokens, rows):
        places = np.searchsorted(rows, batch)
        predicted[places] = observer.classify(features).argmax(dim=1).numpy()
        if embeddings is not None:
            embeddings[places] = as_float16(features)
    return predicted, embeddings
