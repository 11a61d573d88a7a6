"""Probing: the encoder stays frozen, its pooled features are computed once, the head is trained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import nn

from influence_core.config import TrainingSettings
from influence_core.model.classifier import TextClassifier
from influence_core.progress import Progress
from influence_core.store.files import atomic
from influence_core.store.run import Run
from influence_core.training.batches import shuffled_batches
from influence_core.training.dynamics import collect, write_snapshot
from influence_core.training.minibatches import MinibatchRecorder
from influence_core.training.outlook import Examples
from influence_core.training.schedule import Schedule

BLOCK = 16_384
"""Rows of features that are in memory at once."""


def train_probe(
    model: TextClassifier,
    features: npt.NDArray[np.float16],
    examples: Examples,
    settings: TrainingSettings,
    seed: int,
    run: Run,
    progress: Progress,
    minibatches: bool = False,
) -> None:
    """Train the head on frozen features; keep its checkpoints and the training dynamics.

    Adam, constant learning rate `head_lr`; order of rows and dropout are drawn from `seed`. With
    `minibatches` the batches are recorded too.
    """
    rows = examples.train_rows
    schedule = Schedule.of(len(rows), settings)
    head = model.head.float().cpu().train()
    optimizer = torch.optim.Adam(head.parameters(), lr=settings.head_lr, fused=True)
    recorder = MinibatchRecorder(run, schedule) if minibatches else None
    batches = shuffled_batches(rows, settings.batch_size, settings.epochs, seed)
    progress.begin("training", schedule.total, "steps")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step, batch in enumerate(batches, start=1):
            labels = torch.from_numpy(examples.labels[batch])
            loss, logits = _step(head, optimizer, _take(features, batch), labels)
            if recorder is not None:
                recorder.see(torch.from_numpy(np.searchsorted(rows, batch)), logits, labels, step)
                recorder.flush(step)
            if step in schedule.checkpoints:
                save_head(head, run.heads_folder / f"step-{step:06d}.safetensors")
            if step in schedule.snapshots:
                _snapshot(head, features, examples, run, step, step / schedule.per_epoch)
            progress.advance(1, **({"loss": loss} if step % 10 == 0 else {}))
    head.eval()
    if recorder is not None:
        recorder.merge(len(rows))
    progress.end()


def save_head(head: nn.Module, path: Path) -> None:
    """Write the weights of a head as safetensors, atomically."""
    with atomic(path) as partial:
        save_file(head.state_dict(), partial)


@torch.inference_mode()
def head_logits(
    head: nn.Module, features: npt.NDArray[np.float16], rows: npt.NDArray[np.int64]
) -> Iterator[tuple[npt.NDArray[np.int64], torch.Tensor]]:
    """Yield blocks of rows with their logits (B, classes), float32."""
    head.eval()
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        yield block, head(_take(features, block))


def _step(
    head: nn.Module,
    optimizer: torch.optim.Optimizer,
    features: torch.Tensor,
    labels: torch.Tensor,
) -> tuple[float, torch.Tensor]:
    logits = head(features)
    loss = nn.functional.cross_entropy(logits, labels)
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()
    return loss.item(), logits


def _snapshot(
    head: nn.Module,
    features: npt.NDArray[np.float16],
    examples: Examples,
    run: Run,
    step: int,
    epoch: float,
) -> None:
    rows = examples.train_rows
    columns = collect(head_logits(head, features, rows), rows, examples.labels)
    head.train()
    write_snapshot(run.dynamics_folder, step, epoch, columns)


def _take(features: npt.NDArray[np.float16], rows: npt.NDArray[np.int64]) -> torch.Tensor:
    return torch.from_numpy(features[rows].astype(np.float32))
