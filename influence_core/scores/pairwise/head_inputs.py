"""What the head's last layer is given while the shards of a trace go through their checkpoints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor
from transformers import PreTrainedModel

from influence_core.model.last_layer import HeadTap
from influence_core.scores.pairwise.activations import Halves, halved
from influence_core.store.files import atomic


class HeadInputs(HeadTap):
    """Remembers h of all batches of a shard."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(model)
        self._batches: list[Halves] = []

    def start(self) -> None:
        """Forget what was seen: a new shard begins."""
        self._batches.clear()

    def seen(self, checkpoints: int) -> Halves:
        """Return h (checkpoints, rows, width) of the shard, rows in the order they were seen."""
        seen = np.concatenate(self._batches)
        return seen.reshape(checkpoints, -1, seen.shape[1])

    def take(self, h: Tensor) -> None:
        """Remember h of a batch."""
        self._batches.append(halved(h.float().cpu().numpy()))


def write_seen(path: Path, seen: Halves) -> None:
    """Write what a shard's rows gave to the head, beside the shard."""
    with atomic(path) as partial, partial.open("wb") as file:
        np.save(file, seen)
