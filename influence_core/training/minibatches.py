"""What a model says of rows as it learns from them, in a training of our own."""

from __future__ import annotations

import torch
from torch import Tensor

from influence_core.store.run import Run
from influence_core.training import records
from influence_core.training.dynamics import Snapshot, observe, read_snapshots
from influence_core.training.schedule import Schedule


class MinibatchRecorder:
    """Records the training batches of one process, and merges those of all.

    What is recorded is what the model said in training mode, with dropout, before the step that a
    batch made. It costs no pass of its own and draws no chance. Rows are counted within the
    training rows.
    """

    def __init__(self, replicate: Run, schedule: Schedule, rank: int = 0) -> None:
        self._folder = replicate.private_folder / "records"
        self._merged = replicate.minibatches_folder
        self._schedule = schedule
        self._writer = records.RecordWriter(self._folder, rank)

    def rewind(self, step: int) -> None:
        """Forget, for all processes, everything after `step`, from which a training goes on."""
        records.rewind(self._folder, step)

    @torch.no_grad()
    def see(self, rows: Tensor, logits: Tensor, labels: Tensor, step: int) -> None:
        """Take rows (B,), their logits (B, classes) and labels (B,) of the batch of a step."""
        epoch = (step - 1) // self._schedule.per_epoch
        self._writer.add(rows, observe(logits.float(), labels), step, epoch)

    def flush(self, step: int) -> None:
        """Write what was seen where a training can be resumed from `step`, and now and then."""
        if step in self._schedule.checkpoints or step % records.FLUSH_STEPS == 0:
            self._writer.flush()

    def merge(self, rows: int) -> None:
        """Write `minibatches/`, a file an epoch, from the records of all processes."""
        per_epoch = self._schedule.per_epoch
        for number in range(self._schedule.total // per_epoch):
            records.note_epoch(self._folder, number, number + 1, (number + 1) * per_epoch)
        records.merge(self._folder, rows, self._merged)


def read_minibatches(replicate: Run) -> list[Snapshot]:
    """List what was seen of every row as the model learnt from it, an epoch a file.

    A recorder in somebody's training keeps it as its dynamics.

    Raises:
        RunError: there is none.
    """
    own = replicate.minibatches_folder
    return read_snapshots(own if own.is_dir() else replicate.dynamics_folder)
