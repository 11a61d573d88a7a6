"""Runs of copies of another run's data."""

from __future__ import annotations

from pathlib import Path

from influence_core.config import RunSettings
from influence_core.data import load
from influence_core.progress import silent
from influence_core.store.copying import copied_data
from influence_core.store.run import Run, create_run


def read_again(run: Run, path: Path) -> Run:
    """Return a run beside another that has read a copy of its data."""
    settings = RunSettings(data=copied_data(run, path))
    copy = create_run(path.stem, settings, run.path.parent)
    copy.update(dataset=load(settings.data, copy, silent()))
    return copy
