"""Background jobs under test: over a pretended pipeline, waited for, and killed at the end."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from influence_core import jobs
from influence_core.store.journal import JobRecord
from influence_core.store.run import Run

WORKER = Path(__file__).with_name("job_worker.py")
PATIENCE = 20.0


def pretending(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return how to choose what the pretended pipeline does from now on."""
    real = jobs._command
    monkeypatch.setenv("PYTHONPATH", str(WORKER.parents[1]))

    def choose(mode: str) -> None:
        def command(run: Run) -> list[str]:
            arguments = real(run)
            return [sys.executable, str(WORKER), mode, *arguments[arguments.index("work") :]]

        monkeypatch.setattr(jobs, "_command", command)

    return choose


def kill_stragglers(folder: Path) -> None:
    """Kill what a failing test left behind: only processes that its runs name."""
    for file in folder.rglob("job.json"):
        record = JobRecord.model_validate_json(file.read_bytes())
        if record.pid != os.getpid() and record.alive():
            psutil.Process(record.pid).kill()


def wait_for(run: Run, *states: jobs.State, stage: str = "") -> jobs.JobStatus:
    """Wait until a run is in one of the states, and in the stage if one is named."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = jobs.status(run)
        if status.state in states and stage in (status.stage, ""):
            return status
        time.sleep(0.02)
    pytest.fail(f"the run stayed {status}: {jobs.log_file(run).read_text()}")
