"""Several heads trained at once as one batched model, each on its own part of the rows."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

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

    `torch.func.vmap` over the heads gives the same bytes, and takes half as long again.

    Each head has a dropout of its own. Where heads are `compared`, they share one: that is drawn
    once, and leaves fewer differences between them. Their linear layers are then kept as
    (K, in, out), the other way round than in a layer: matrix products give gradients so, which
    saves turning them, and differs in the last bits.
    """

    def __init__(self, heads: Sequence[nn.Sequential], compared: bool = False) -> None:
        self._compared, self._count = compared, len(heads)
        self._layers = copy.deepcopy(heads[0]).to("meta").train()
        weights = [head.state_dict() for head in heads]
        self.parameters = {
            name: torch.stack([self._turned(own[name]) for own in weights]).requires_grad_()
            for name in weights[0]
        }

    def logits(self, features: Tensor) -> Tensor:
        """Apply every head, to the same features (B, D) or to its own (K, B, D).

        Returns:
            Logits (K, B, classes).
        """
        values = features.expand(self._count, *features.shape[-2:])
        for name, layer in self._layers.named_children():
            values = self._apply(name, layer, values)
        return values

    def _apply(self, name: str, layer: nn.Module, values: Tensor) -> Tensor:
        if isinstance(layer, nn.Linear):
            weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
            weight = weight if self._compared else weight.transpose(1, 2)
            return torch.bmm(values, weight).add_(bias.unsqueeze(1))
        if isinstance(layer, nn.Dropout) and self._compared:
            kept: Tensor = layer(torch.ones_like(values[0]))
            return values * kept
        applied: Tensor = values.relu_() if isinstance(layer, nn.ReLU) else layer(values)
        return applied

    def rest(self) -> None:
        """Switch dropout off."""
        self._layers.eval()

    def hand_back(self, heads: Sequence[nn.Sequential]) -> None:
        """Put the weights into the heads they belong to."""
        for index, head in enumerate(heads):
            head.load_state_dict(self.state(index))
            head.eval()

    def state(self, index: int) -> dict[str, Tensor]:
        """Return the weights of one head as it names them itself."""
        return {
            name: self._turned(stacked[index].detach()) for name, stacked in self.parameters.items()
        }

    def _turned(self, weight: Tensor) -> Tensor:
        """Turn the weight of a layer into that of the stack, or back."""
        return weight.t() if self._compared else weight


def _loss(logits: Tensor, labels: Tensor, seen: Tensor) -> Tensor:
    """Sum over heads the mean cross-entropy of the rows that each sees."""
    each = nn.functional.cross_entropy(
        logits.flatten(0, 1), labels.repeat(len(logits)), reduction="none"
    ).view(seen.shape)
    return ((each * seen).sum(dim=1) / seen.sum(dim=1).clamp(min=1)).sum()
