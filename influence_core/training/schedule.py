"""At which optimisation steps something is kept: checkpoints and snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from influence_core.config import TrainingSettings

FINE_AN_EPOCH = 4
"""Fewest fine snapshots an epoch."""

LONG_EPOCH = 1_000
"""Steps of an epoch from which on snapshots lie further apart.

Each goes over all rows, so that at equal distances their cost would grow as the square of the rows.
"""


@dataclass(frozen=True)
class Schedule:
    """The optimisation steps of a training, counted from 1, and those at which it is looked at."""

    per_epoch: int
    total: int
    checkpoints: frozenset[int]
    snapshots: frozenset[int]

    @classmethod
    def of(cls, rows: int, settings: TrainingSettings) -> Schedule:
        """Lay out the training of so many rows."""
        per_epoch = steps_in_epoch(rows, settings.batch_size)
        total = per_epoch * settings.epochs
        fine = (settings.snapshot_steps, settings.snapshot_epochs)
        return cls(
            per_epoch=per_epoch,
            total=total,
            checkpoints=frozenset(checkpoint_steps(total, settings.checkpoints)),
            snapshots=frozenset(snapshot_steps(per_epoch, settings.epochs, *fine)),
        )


def enough_epochs(rows: int, settings: TrainingSettings, fewest: int) -> int:
    """Return the epochs of a training of so many rows, more if they are fewer steps than `fewest`.

    >>> enough_epochs(1_000, TrainingSettings(epochs=10, batch_size=100), fewest=250)
    25
    """
    return max(settings.epochs, ceil(fewest / steps_in_epoch(rows, settings.batch_size)))


def checkpoint_steps(total_steps: int, checkpoints: int) -> list[int]:
    """Return up to `checkpoints` evenly spaced steps, the last step among them.

    >>> checkpoint_steps(100, 4)
    [25, 50, 75, 100]
    """
    count = min(checkpoints, total_steps)
    return [round(total_steps * (index + 1) / count) for index in range(count)]


def snapshot_steps(
    steps_per_epoch: int, epochs: int, fine_steps: int, fine_epochs: int
) -> list[int]:
    """Return every `fine_steps`-th step of the first `fine_epochs`, and the end of every epoch.

    Epochs of few steps are looked at four times: one look an epoch misses most forgetting. In
    epochs of more than 1,000 steps the distance grows with the epoch.

    >>> snapshot_steps(steps_per_epoch=400, epochs=3, fine_steps=200, fine_epochs=1)
    [100, 200, 300, 400, 800, 1200]
    >>> snapshot_steps(steps_per_epoch=4000, epochs=1, fine_steps=250, fine_epochs=1)
    [1000, 2000, 3000, 4000]
    """
    fine_steps = min(fine_steps, max(1, steps_per_epoch // FINE_AN_EPOCH))
    fine_steps = max(fine_steps, fine_steps * steps_per_epoch // LONG_EPOCH)
    fine_end = steps_per_epoch * min(fine_epochs, epochs)
    fine = range(fine_steps, fine_end + 1, fine_steps)
    ends = range(steps_per_epoch, steps_per_epoch * epochs + 1, steps_per_epoch)
    return sorted({*fine, *ends})


def nearest_checkpoint(checkpoints: Sequence[Path], epoch: int, epochs: int) -> int:
    """Return the place of the checkpoint nearest to the end of an epoch, the earlier of two.

    Files are named by their steps, and the last one ends the training; 0 where there are none.

    >>> nearest_checkpoint([Path("step-25"), Path("step-50"), Path("step-75")], 2, epochs=3)
    1
    """
    steps = [int(path.stem.removeprefix("step-")) for path in checkpoints] or [0]
    wanted = steps[-1] * epoch / epochs
    return min(range(len(steps)), key=lambda place: abs(steps[place] - wanted))


def steps_in_epoch(rows: int, batch_size: int) -> int:
    """Return the optimisation steps of one pass, a last smaller batch included."""
    return ceil(rows / batch_size)
