"""What work tells while it lasts, in `log.jsonl` and `job.json`, and the way to ask it to stop."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from influence_core.errors import Cancelled
from influence_core.progress import Event, Pace
from influence_core.store.files import discard, write_json
from influence_core.store.workplace import Workplace

HEARTBEAT_SECONDS = 1.0
"""Shortest time between two writes of `job.json` within a stage."""

STOP = "stop.json"
"""Name of the request to stop, among the private files of the place."""


class JobRecord(BaseModel):
    """The contents of `job.json`: which process works here, and how far it is.

    `started` is when the process began, as the system tells it: with `pid` it names one process
    even where the number is used again. `heartbeat` is in seconds since 1970. `loading` says what
    is loaded before the stage begins.
    """

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float
    heartbeat: float
    stage: str = ""
    pace: Pace | None = None
    done: int = 0
    total: int = 0
    unit: str = "rows"
    loading: str = ""

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
            found = self.model_copy(update={"started": process.create_time()})
            return self.names(found) and bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def names(self, other: JobRecord) -> bool:
        """Say whether both records are about one process."""
        return self.pid == other.pid and abs(self.started - other.started) < 1.0

    def seconds_left(self) -> float | None:
        """Estimate how long the stage takes still, from its speed so far; None if too early."""
        if self.pace is None:
            return None
        return self.pace.seconds_left(self.heartbeat, self.done, self.total)

    def write(self, place: Workplace[Any]) -> None:
        """Put the record in the folder."""
        write_json(place.job_file, self.model_dump(mode="json"))


def read_job(place: Workplace[Any]) -> JobRecord | None:
    """Read `job.json`; None where no process has ever worked."""
    return _read(place.job_file)


def ask_to_stop(place: Workplace[Any], record: JobRecord) -> bool:
    """Ask the process of `record` to stop at its next event; False where it was asked before.

    The request names the process: one that comes later does not obey it.
    """
    if asked_to_stop(place, record):
        return False
    place.private_folder.mkdir(parents=True, exist_ok=True)
    write_json(place.private_folder / STOP, record.model_dump(mode="json"))
    return True


def asked_to_stop(place: Workplace[Any], record: JobRecord) -> bool:
    """Say whether the process of `record` was asked to stop."""
    asked = _asked(place)
    return asked is not None and asked.names(record)


def clear_stop(place: Workplace[Any]) -> None:
    """Forget a request to stop: it was obeyed, or the work ended before it was heard."""
    discard(place.private_folder / STOP)


class Journal:
    """A listener that keeps the log and the heartbeat of a place where this process works.

    It raises `Cancelled` once the process was asked to stop.
    """

    def __init__(self, place: Workplace[Any]) -> None:
        self._place = place
        self._record = JobRecord.of(os.getpid())
        self._record.write(place)
        _mend(place.log_file)

    def __call__(self, event: Event) -> None:
        """Append the event to the log, and move the heartbeat on when it is due."""
        with self._place.log_file.open("a", encoding="utf-8") as file:
            file.write(event.model_dump_json() + "\n")
        pace = Pace.after(event, self._record.pace)
        self._record = self._record.model_copy(update={"pace": pace})
        due = event.time - self._record.heartbeat >= HEARTBEAT_SECONDS
        if due or event.kind in ("load", "begin", "end"):
            self._beat(event)
        if asked_to_stop(self._place, self._record):
            raise Cancelled("The work was stopped as asked.")

    def _beat(self, event: Event) -> None:
        self._record = self._record.model_copy(
            update={
                "heartbeat": event.time,
                "stage": event.stage,
                "done": event.done,
                "total": event.total,
                "unit": event.unit,
                "loading": event.message if event.kind == "load" else "",
            }
        )
        self._record.write(self._place)


def read_events(place: Workplace[Any], after: int = 0) -> tuple[list[Event], int]:
    """Read the events of the log from byte `after` on, and where to go on reading next time.

    A line that is still being written stays for the next time; a line that was never finished,
    because its process was killed, is passed over.
    """
    try:
        with place.log_file.open("rb") as file:
            file.seek(after)
            text = file.read()
    except FileNotFoundError:
        return [], after
    whole = text[: text.rfind(b"\n") + 1]
    events = [event for line in whole.splitlines() if (event := _parse(line))]
    return events, after + len(whole)


def _asked(place: Workplace[Any]) -> JobRecord | None:
    """Return the process that was asked to stop, if any was."""
    return _read(place.private_folder / STOP)


def _read(path: Path) -> JobRecord | None:
    try:
        return JobRecord.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


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
