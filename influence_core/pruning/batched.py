"""Probe cells of one length, trained together as one batched model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from influence_core.config import ModelSettings, TrainingSettings
from influence_core.model.head import build_head
from influence_core.progress import Progress
from influence_core.training.batches import shuffled_batches
from influence_core.training.heads import HeadStack

Integers = npt.NDArray[np.int64]

BLOCK = 2_048
"""Rows about which all heads are asked at once."""


def fresh_heads(
    seeds: Sequence[int], width: int, classes: int, settings: ModelSettings
) -> list[nn.Sequential]:
    """Build a head from each seed: equal seeds give equal heads."""
    heads = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            torch.manual_seed(seed)
            heads.append(build_head(width, settings.head_widths, classes, settings.dropout))
    return heads


def train_together(
    heads: Sequence[nn.Sequential],
    features: Tensor,
    labels: Tensor,
    subsets: Sequence[Integers],
    seeds: Sequence[int],
    steps: int,
    settings: TrainingSettings,
    progress: Progress,
) -> HeadStack:
    """Train every head on its own rows, all of them side by side.

    Each is trained as a probe alone would be: Adam, constant learning rate `head_lr`, mean
    cross-entropy over batches of `batch_size` of its own rows, in an order drawn from its own seed,
    epoch after epoch until `steps` are done. Only the dropout is drawn once for all of them, from
    the first of the seeds: heads of one seed share it with those of any other call.

    Args:
        heads: K heads of one architecture.
        features: pooled features (examples, D).
        labels: class indices (examples,).
        subsets: the rows that head k learns from, one array a head.
        seeds: seed of the order of rows, one a head.
        steps: optimisation steps of every head.
        settings: batch size and `head_lr` are taken.
        progress: advances by the number of heads a step.
    """
    stack = HeadStack(heads, compared=True)
    optimizer = _Adam(tuple(stack.parameters.values()), settings.head_lr)
    streams = [
        _endless(rows, settings.batch_size, seed) for rows, seed in zip(subsets, seeds, strict=True)
    ]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds[0])
        for _ in range(steps):
            batches = [next(stream) for stream in streams]
            rows, share = _side_by_side(batches, settings.batch_size)
            loss = _loss(stack.logits(_take(features, rows)), labels[rows], share)
            optimizer.descend(loss)
            progress.advance(len(heads))
    return stack


def predict(stack: HeadStack, features: Tensor, rows: Integers) -> npt.NDArray[np.int32]:
    """Return the class that every head gives every row (K, rows)."""
    blocks = [logits.argmax(dim=2) for logits in _asked(stack, features, rows)]
    return torch.cat(blocks, dim=1).numpy().astype(np.int32)


def confident(
    stack: HeadStack, features: Tensor, rows: Integers
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Return the class that every head gives every row, and its probability (K, rows)."""
    asked = [logits.softmax(dim=2).max(dim=2) for logits in _asked(stack, features, rows)]
    sure, chosen = (torch.cat(blocks, dim=1).numpy() for blocks in zip(*asked, strict=True))
    return chosen.astype(np.int32), sure


@torch.inference_mode()
def _asked(stack: HeadStack, features: Tensor, rows: Integers) -> Iterator[Tensor]:
    """Yield the logits of every head for blocks of rows (K, B, classes)."""
    stack.rest()
    for block in torch.split(torch.from_numpy(rows), BLOCK):
        yield stack.logits(_take(features, block))


class _Adam:
    """The arithmetic of `torch.optim.Adam`, which imports torch's compiler: seconds a process."""

    def __init__(self, parameters: Sequence[Tensor], lr: float) -> None:
        self._parameters, self._lr = list(parameters), lr
        self._means = [torch.zeros_like(one) for one in parameters]
        self._squares = [torch.zeros_like(one) for one in parameters]
        self._steps = [torch.zeros(()) for _ in parameters]

    def descend(self, loss: Tensor) -> None:
        """Take a step against the gradient of `loss`."""
        gradients = torch.autograd.grad(loss, self._parameters)
        with torch.no_grad():
            adam(
                self._parameters,
                list(gradients),
                self._means,
                self._squares,
                [],
                self._steps,
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=self._lr,
                weight_decay=0.0,
                eps=1e-8,
                maximize=False,
            )


def _endless(rows: Integers, size: int, seed: int) -> Iterator[Integers]:
    """Yield batches epoch after epoch."""
    return shuffled_batches(rows, size, 1_000_000, seed)


def _take(features: Tensor, rows: Tensor) -> Tensor:
    """Return the features of rows of any shape (..., D); `features[rows]` takes twice as long."""
    taken = features.index_select(0, rows.flatten()).float()
    return taken.view(*rows.shape, features.shape[1])


def _side_by_side(batches: list[Integers], size: int) -> tuple[Tensor, Tensor]:
    """Lay batches side by side, filled up to `size`: rows and their shares in a mean (K, size)."""
    rows = np.zeros((len(batches), size), np.int64)
    share = np.zeros((len(batches), size), np.float32)
    for place, batch in enumerate(batches):
        rows[place, : len(batch)] = batch
        share[place, : len(batch)] = 1 / len(batch)
    return torch.from_numpy(rows), torch.from_numpy(share)


def _loss(logits: Tensor, labels: Tensor, share: Tensor) -> Tensor:
    """Sum over heads the mean cross-entropy of their batches."""
    # The softmax is several times as fast over a middle dimension as over a short last one.
    each = nn.functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    return (each * share).sum()
