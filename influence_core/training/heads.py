"""Several heads trained at once as one batched model, each on its own part of the rows."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from influence_core.config import TrainingSettings
from influence_core.progress import Progress
from influence_core.training.batches import shuffled_batches
from influence_core.training.schedule import steps_in_epoch


def train_heads(
    heads: Sequence[nn.Sequential],
    features: npt.NDArray[np.float16],
    rows: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    seen: npt.NDArray[np.bool_],
    settings: TrainingSettings,
    seed: int,
    progress: Progress,
) -> None:
    """Train `heads` in place, side by side, as a probe trains one.

    All heads go through the rows in the same order, and each skips those it must not see. A batch
    is enlarged so that the heads together see `batch_size` rows a head and step, which makes as
    many steps as training them one after the other. Adam and dropout act on each head alone.

    Args:
        heads: K heads of one architecture.
        features: pooled features (examples, D).
        rows: the n rows of `features` to train on.
        labels: class indices (examples,).
        seen: whether head k learns from the i-th of `rows` (K, n); every head sees one or more.
        settings: epochs, batch size and `head_lr` are taken.
        seed: decides the order of rows and the dropout.
        progress: counts optimisation steps.
    """
    stack = HeadStack(heads)
    optimizer = torch.optim.Adam(stack.parameters.values(), lr=settings.head_lr, fused=True)
    size = round(settings.batch_size * seen.size / seen.sum())
    progress.begin("training", steps_in_epoch(len(rows), size) * settings.epochs, "steps")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for places in shuffled_batches(np.arange(len(rows)), size, settings.epochs, seed):
            batch, sees = rows[places], torch.from_numpy(seen[:, places])
            logits = stack.logits(torch.from_numpy(features[batch].astype(np.float32)))
            loss = _loss(logits, torch.from_numpy(labels[batch]), sees)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            progress.advance(1)
    stack.hand_back(heads)
    progress.end()


class HeadStack:
    """The weights of several heads end to end, (K, ...) each, and one call for all of them.

    Each head has a dropout of its own, or all of them share one: that is drawn once, and leaves
    fewer differences between heads that are compared.
    """

    def __init__(self, heads: Sequence[nn.Sequential], shared_dropout: bool = False) -> None:
        self._randomness = "same" if shared_dropout else "different"
        self.parameters, _ = stack_module_state(list(heads))
        self._shape = copy.deepcopy(heads[0]).to("meta").train()

    def logits(self, features: Tensor) -> Tensor:
        """Apply every head, to the same features (B, D) or to its own (K, B, D).

        Returns:
            Logits (K, B, classes).
        """
        own = 0 if features.ndim == 3 else None
        calls = vmap(self._call, in_dims=(0, own), randomness=self._randomness)
        logits: Tensor = calls(self.parameters, features)
        return logits

    def _call(self, parameters: dict[str, Tensor], features: Tensor) -> Tensor:
        logits: Tensor = functional_call(self._shape, parameters, (features,))
        return logits

    def rest(self) -> None:
        """Switch dropout off."""
        self._shape.eval()

    def hand_back(self, heads: Sequence[nn.Sequential]) -> None:
        """Put the weights into the heads they belong to."""
        for index, head in enumerate(heads):
            own = {name: stacked[index].detach() for name, stacked in self.parameters.items()}
            head.load_state_dict(own)
            head.eval()


def _loss(logits: Tensor, labels: Tensor, seen: Tensor) -> Tensor:
    """Sum over heads the mean cross-entropy of the rows that each sees."""
    each = nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.repeat(len(logits)), reduction="none"
    ).view(seen.shape)
    return ((each * seen).sum(dim=1) / seen.sum(dim=1).clamp(min=1)).sum()
