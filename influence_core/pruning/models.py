"""What a process does with its cells: train their models, and ask them about the test rows.

Heads need torch alone: whatever imports transformers is imported where classifiers are at work,
which takes a process seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from influence_core.progress import Progress
from influence_core.pruning.assignments import Assignment
from influence_core.pruning.experiment import Outcome
from influence_core.pruning.material import Material

Work = Callable[[Assignment, Progress], list[Outcome]]


def heads_at_work(material: Material) -> Work:
    """Load the features, and return how a process trains heads on them, many at once."""
    import torch

    from influence_core.pruning.batched import fresh_heads, predict, train_together

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
    from influence_core.pruning.tuned import fine_tune

    tokens = material.tokens

    def work(piece: Assignment, progress: Progress) -> list[Outcome]:
        return [fine_tune(material, tokens, piece, progress)]

    return work
