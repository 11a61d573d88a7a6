"""What a pruning estimate costs: probe cells trained together, against one after the other.

The target is a grid of 192 cells (5 scores × 9 fractions × 3 seeds, random, stratified and the
unpruned) of 1,180 steps each in 60 s on two quiet cores: 530 µs of processor time a cell and step.

The floor are three matrix products a linear layer, less the one for its input at the first: 16.2
million multiplications and additions a cell and step (batch 128, head 384-64-64-10), about 110 µs
at the 150 thousand million a second of one core in float32; and 1.2 MB that pass through memory:
0.3 MB of features gathered and widened, 0.8 MB of weights and what Adam knows of them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from benchmarks.pairing import Pair, compare
from influence_core.config import ModelSettings, TrainingSettings
from influence_core.progress import silent
from influence_core.pruning.assignments import TOGETHER
from influence_core.pruning.batched import fresh_heads, train_together
from influence_core.training.batches import shuffled_batches

ROWS, WIDTH, CLASSES, STEPS, TURNS = 15_000, 384, 10, 30, 5
CELLS, GRID_STEPS = 192, 1_180


class Workload:
    """Invented features, and subsets of nine sizes to train on."""

    def __init__(self) -> None:
        generator = np.random.default_rng(0)
        features = generator.standard_normal((ROWS, WIDTH), dtype=np.float32)
        self.features = torch.from_numpy(features).half()
        self.labels = torch.from_numpy(generator.integers(0, CLASSES, ROWS))
        sizes = [ROWS * (1 + place % 9) // 10 for place in range(TOGETHER)]
        self.subsets = [np.sort(generator.choice(ROWS, size, replace=False)) for size in sizes]
        self.settings = TrainingSettings()

    def heads(self) -> list[nn.Sequential]:
        return fresh_heads([0] * TOGETHER, WIDTH, CLASSES, ModelSettings())

    def together(self) -> None:
        train_together(
            self.heads(),
            self.features,
            self.labels,
            self.subsets,
            [0] * TOGETHER,
            STEPS,
            self.settings,
            silent(),
        )

    def in_turn(self) -> None:
        for head, rows in zip(self.heads(), self.subsets, strict=True):
            self._alone(head, rows)

    def _alone(self, head: nn.Sequential, rows: np.ndarray) -> None:
        optimizer = torch.optim.Adam(head.parameters(), lr=self.settings.head_lr, fused=True)
        batches = shuffled_batches(rows, self.settings.batch_size, STEPS, seed=0)
        for batch, _ in zip(batches, range(STEPS), strict=False):
            logits = head(self.features[batch].float())
            loss = nn.functional.cross_entropy(logits, self.labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def processor_time(work: Workload) -> float:
    """Return the processor seconds of a cell and step, the median of some turns."""

    def once() -> float:
        start = time.process_time()
        work.together()
        return (time.process_time() - start) / TOGETHER / STEPS

    return float(np.median([once() for _ in range(TURNS)]))


def results() -> Iterator[Pair | str]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        work = Workload()
        name = f"{TOGETHER} probe cells together, {STEPS} steps, one thread"
        yield compare(name, work.together, "one after the other", work.in_turn, TURNS)
        seconds = processor_time(work)
        grid = seconds * CELLS * GRID_STEPS
        yield (
            f"a cell and step: {seconds * 1e6:.0f} µs of processor time, so that "
            f"{CELLS} cells of {GRID_STEPS:,} steps take {grid:.0f} processor seconds"
        )
    finally:
        torch.set_num_threads(threads)
