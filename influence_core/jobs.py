"""Runs in the background: start, watch, cancel and resume processes that outlive who asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

from pydantic import BaseModel, ConfigDict

from influence_core.config import RunSettings
from influence_core.errors import Cancelled, RunBusy, RunError
from influence_core.progress import Event
from influence_core.store.journal import JobRecord, ask_to_stop, read_events, read_job
from influence_core.store.run import Run, Status, create_run, open_run

State = Literal["idle", "running", "finished", "failed", "cancelled", "interrupted"]

LOG_TAIL_BYTES = 4_096

_ENDED: dict[Status, State] = {
    "complete": "finished",
    "failed": "failed",
    "cancelled": "cancelled",
}


@dataclass(frozen=True)
class Job:
    """A process that was started to work on a run."""

    run: Run
    pid: int


class JobStatus(BaseModel):
    """How a run's work stands.

    `idle` has never been started; `interrupted` ended without a word: killed, or the machine
    stopped. `seconds_left` speaks of the present stage only.
    """

    model_config = ConfigDict(frozen=True)

    state: State
    pid: int | None = None
    heartbeat: float | None = None
    error: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0
    unit: str = "rows"
    seconds_left: float | None = None

    @property
    def resumable(self) -> bool:
        """Say whether `resume` has something to do."""
        return self.state not in ("running", "finished")


def start(settings: RunSettings, name: str, root: Path | None = None) -> Job:
    """Create a run and compute it in a process of its own.

    Raises:
        RunExists: there is a run of that name.
        RunError: the name is not allowed.
    """
    return _spawn(create_run(name, settings, root))


def resume(run: Run) -> Job:
    """Go on with a run that failed, was cancelled or was killed, in a process of its own.

    Raises:
        RunBusy: a process works on it.
        RunError: it is complete.
    """
    if run.manifest().status == "complete":
        raise RunError(f"Run {run.name!r} is complete: there is nothing left to do.")
    return _spawn(run)


def cancel(run: Run) -> bool:
    """Ask the process of a run to stop; False where none works on it.

    It stops at its next progress event. Asked a second time, a process that `start` or `resume`
    made stops at once; one that does other things besides, as a notebook, is left to its event.
    """
    record = read_job(run)
    if record is None or status(run).state != "running":
        return False
    if not ask_to_stop(run, record) and _is_worker(run, record):
        # Only the leader is told: its own helpers would die at once and be taken for a failure.
        os.kill(record.pid, signal.SIGTERM)
    return True


def status(run: Run) -> JobStatus:
    """Tell how the work on a run stands."""
    manifest, record = run.manifest(), read_job(run)
    state = _state(manifest.status, record)
    error = _last_words(run) if state == "interrupted" else manifest.error
    if record is None:
        return JobStatus(state=state, error=error)
    return JobStatus(
        state=state,
        error=error,
        seconds_left=record.seconds_left() if state == "running" else None,
        **record.model_dump(include={"pid", "heartbeat", "stage", "done", "total", "unit"}),
    )


def events(run: Run, after: int = 0) -> tuple[list[Event], int]:
    """Read the progress events of a run from byte `after` of its log, and where to go on."""
    return read_events(run, after)


def work(name: str, root: Path | None = None) -> None:
    """Compute a run in this process until it ends: what the background process does."""
    from influence_core import pipeline

    run = open_run(name, root)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        pipeline.resume(name, root=root)
    except (Cancelled, KeyboardInterrupt):
        _settle(run, "cancelled")
        raise
    except RunBusy:
        raise
    except Exception as error:
        _settle(run, "failed", f"{type(error).__name__}: {error}")
        raise


@contextmanager
def stop_on_signal(announce: Callable[[], None]) -> Iterator[Callable[[Event], None]]:
    """Yield a listener that raises `Cancelled` at the first event after Ctrl-C or SIGTERM.

    The first signal calls `announce`; a second one does not wait for an event but interrupts.
    """
    asked = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        announce()

    def listener(event: Event) -> None:
        if asked.is_set():
            raise Cancelled("The work was stopped as asked.")

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, on_signal) for number in signals]
    try:
        yield listener
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def log_file(run: Run) -> Path:
    """Return where the background process of a run writes what it has to say."""
    return run.private_folder / "worker.log"


def _spawn(run: Run) -> Job:
    run.private_folder.mkdir(parents=True, exist_ok=True)
    with _starting(run):
        run.update(status="running", error="")
        with log_file(run).open("wb") as log:
            process = subprocess.Popen(
                _command(run),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        JobRecord.of(process.pid).write(run)
    # Somebody must collect the exit status, or the dead process would linger as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return Job(run, process.pid)


@contextmanager
def _starting(run: Run) -> Iterator[None]:
    """Let one starter through at a time, and none while a process works on the run."""
    from filelock import FileLock

    with FileLock(run.private_folder / "start.lock"):
        if status(run).state == "running":
            raise RunBusy(
                f"Run {run.name!r} is being worked on by another process; wait for it or cancel it."
            )
        yield


def _command(run: Run) -> list[str]:
    """Return the command of the worker; -P keeps the current folder out of its imports."""
    worker = [sys.executable, "-P", "-m", "influence_core", "work", run.name]
    return [*worker, "--root", str(run.path.parent)]


def _is_worker(run: Run, record: JobRecord) -> bool:
    """Say whether the process does nothing but compute this run."""
    import psutil

    try:
        return {"work", run.name} <= set(psutil.Process(record.pid).cmdline())
    except psutil.Error:
        return False


def _state(status: Status, record: JobRecord | None) -> State:
    if status in _ENDED:
        return _ENDED[status]
    if record is None:
        return "idle"
    return "running" if record.alive() else "interrupted"


def _last_words(run: Run) -> str:
    """Say why a process may have gone: the last line that it wrote, if any."""
    words = "The process ended without a word: it was killed, or the machine stopped."
    try:
        tail = log_file(run).read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return words
    last = next((line.strip() for line in reversed(tail) if line.strip()), "")
    return f"{words} Its last line was: {last}" if last else words


def _settle(run: Run, status: Status, error: str = "") -> None:
    """Write how the work ended where the pipeline did not get to it."""
    if run.manifest().status in ("created", "running"):
        run.update(status=status, error=error)
