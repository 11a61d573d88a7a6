"""What a process does with its cells: train their models, and ask them about the test rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import TrainerCallback

from influence_core.model.classifier import TextClassifier, build_classifier, hidden_size
from influence_core.progress import Progress
from influence_core.pruning.assignments import Assignment
from influence_core.pruning.batched import fresh_heads, predict, train_together
from influence_core.pruning.experiment import Outcome
from influence_core.pruning.material import Material
from influence_core.training.passes import Observer, as_float16
from influence_core.training.trainer import ClassifierTrainer

Work = Callable[[Assignment, Progress], list[Outcome]]


def heads_at_work(material: Material) -> Work:
    """Load the features, and return how a process trains heads on them, many at once."""
    features = torch.from_numpy(np.array(material.features))
    labels = torch.from_numpy(material.labels)

    def work(piece: Assignment, progress: Progress) -> list[Outcome]:
        began = time.perf_counter()
        seeds = [cell.seed for cell in piece.cells]
        classes = len(material.label_names)
        heads = fresh_heads(seeds, features.shape[1], classes, material.model)
        stack = train_together(
            heads, features, labels, piece.subsets, seeds, piece.steps, material.training, progress
        )
        predicted = predict(stack, features, material.test_rows)
        seconds = (time.perf_counter() - began) / len(piece.cells)
        return [
            Outcome(cell, len(rows), piece.steps, seconds, guess)
            for cell, rows, guess in zip(piece.cells, piece.subsets, predicted, strict=True)
        ]

    return work


def classifier_at_work(material: Material) -> Work:
    """Return how a process fine-tunes a classifier."""
    tokens = material.tokens

    def work(piece: Assignment, progress: Progress) -> list[Outcome]:
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
                [_Counter(progress)],
                piece.steps,
            ).fit()
        predicted, embeddings = _ask(model, material)
        seconds = time.perf_counter() - began
        return [Outcome(cell, len(rows), piece.steps, seconds, predicted, embeddings)]

    return work


class _Counter(TrainerCallback):
    """Tells a progress of every optimisation step."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._progress.advance(1)


def _ask(
    model: TextClassifier, material: Material
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float16] | None]:
    """Return the class of every test row (T,) and, where they are kept, its features (T, D)."""
    observer, rows = Observer(model, material.training.precision), material.test_rows
    predicted = np.zeros(len(rows), np.int32)
    shape = (len(rows), hidden_size(model.config.encoder))
    embeddings = np.zeros(shape, np.float16) if material.settings.keep_embeddings else None
    for batch, features in observer.features(material.tokens, rows):
        places = np.searchsorted(rows, batch)
        predicted[places] = observer.classify(features).argmax(dim=1).numpy()
        if embeddings is not None:
            embeddings[places] = as_float16(features)
    return predicted, embeddings
