"""How far a run has come, as its manifest tells."""

from __future__ import annotations

import os

from influence_core.errors import RunError
from influence_core.store.journal import read_job
from influence_core.store.run import DatasetSummary, Run

RECORDED = "training"
"""Stage of a recorded run that is done when somebody's training has ended."""


def dataset_of(run: Run) -> DatasetSummary:
    """Return the summary of the data that a run read.

    Raises:
        RunError: it has not read them yet.
    """
    dataset = run.manifest().dataset
    if dataset is None:
        raise RunError(f"Run {run.name!r} has no examples yet; resume it.")
    return dataset


def require_finished(run: Run) -> None:
    """Refuse a run that is still to change: what is measured on it would not last.

    Raises:
        RunError: its work was not begun, goes on, or was stopped.
    """
    status = run.manifest().status
    if status != "complete":
        raise RunError(
            f"Run {run.name!r} is not finished; its status is {status!r}. Wait for the process "
            f"that works on it, or go on with `influence run --name {run.name} --resume`."
        )


def still_recording(run: Run) -> bool:
    """Say whether a run is that of a recorder whose training has not ended."""
    manifest = run.manifest()
    recorded = manifest.settings.checkpoints is not None and manifest.settings.checkpoints.recorded
    return recorded and RECORDED not in manifest.stages


def recorded_elsewhere(run: Run) -> bool:
    """Say whether the training that a recorder follows goes on in another process."""
    record = read_job(run)
    ended = run.manifest().status in ("failed", "cancelled")
    if record is None or ended or not still_recording(run):
        return False
    return record.pid != os.getpid() and record.alive()
