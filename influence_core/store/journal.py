"""What a run tells while it works: every event in `log.jsonl`, the latest state in `job.json`."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from influence_core.progress import Event
from influence_core.store.files import write_json
from influence_core.store.run import Run

HEARTBEAT_SECONDS = 1.0
"""Shortest time between two writes of `job.json` within a stage."""


class JobRecord(BaseModel):
    """The contents of `job.json`: which process works on the run, and how far it is.

    `started` is when the process began, as the system tells it: with `pid` it names one process
    even where the number is used again. `stage_began` and `heartbeat` are seconds since 1970.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float
    heartbeat: float
    stage: str = ""
    stage_began: float = 0.0
    done: int = 0
    total: int = 0
    unit: str = "rows"

    @classmethod
    def of(cls, pid: int) -> JobRecord:
        """Describe a process that lives now."""
        import psutil

        return cls(pid=pid, started=psutil.Process(pid).create_time(), heartbeat=time.time())

    def alive(self) -> bool:
        """Say whether the very process still lives."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1.0
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def seconds_left(self) -> float | None:
        """Estimate how long the stage takes still, from its speed so far; None before a start."""
        elapsed = self.heartbeat - self.stage_began
        if not 0 < self.done <= self.total or elapsed <= 0:
            return None
        return elapsed * (self.total - self.done) / self.done

    def write(self, run: Run) -> None:
        """Put the record in the run folder."""
        write_json(run.job_file, self.model_dump(mode="json"))


def read_job(run: Run) -> JobRecord | None:
    """Read `job.json`; None where no process has ever worked on the run."""
    try:
        return JobRecord.model_validate_json(run.job_file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


class Journal:
    """A listener that keeps the log and the heartbeat of a run that this process works on."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._record = JobRecord.of(os.getpid())
        self._record.write(run)
        _mend(run.log_file)

    def __call__(self, event: Event) -> None:
        """Append the event to the log, and move the heartbeat on when it is due."""
        with self._run.log_file.open("a", encoding="utf-8") as file:
            file.write(event.model_dump_json() + "\n")
        due = event.time - self._record.heartbeat >= HEARTBEAT_SECONDS
        if due or event.kind in ("begin", "end"):
            self._beat(event)

    def _beat(self, event: Event) -> None:
        began = event.time if event.kind == "begin" else self._record.stage_began
        self._record = self._record.model_copy(
            update={
                "heartbeat": event.time,
                "stage": event.stage,
                "stage_began": began,
                "done": event.done,
                "total": event.total,
                "unit": event.unit,
            }
        )
        self._record.write(self._run)


def read_events(run: Run, after: int = 0) -> tuple[list[Event], int]:
    """Read the events of the log from byte `after` on, and where to go on reading next time.

    A line that is still being written stays for the next time; a line that was never finished,
    because its process was killed, is passed over.
    """
    try:
        with run.log_file.open("rb") as file:
            file.seek(after)
            text = file.read()
    except FileNotFoundError:
        return [], after
    whole = text[: text.rfind(b"\n") + 1]
    events = [event for line in whole.splitlines() if (event := _parse(line))]
    return events, after + len(whole)


def _parse(line: bytes) -> Event | None:
    try:
        return Event.model_validate_json(line)
    except ValidationError:
        return None


def _mend(log: Path) -> None:
    """End the half line that a killed process left, so that the next event has its own line."""
    if not log.exists() or log.stat().st_size == 0:
        return
    with log.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")
