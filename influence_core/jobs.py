"""Work in the background: start, watch, cancel and resume processes that outlive who asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from influence_core import queue
from influence_core.access import must_be_writable
from influence_core.config import RunSettings
from influence_core.errors import Cancelled, RunBusy, RunError, RunNotFound
from influence_core.progress import Event
from influence_core.store.journal import JobRecord, ask_to_stop, read_events, read_job
from influence_core.store.run import create_run, open_run
from influence_core.store.workplace import Status, Workplace, busy, in_words

Place = Workplace[Any]

State = Literal["idle", "queued", "running", "finished", "failed", "cancelled", "interrupted"]

LOG_TAIL_BYTES = 4_096

_ENDED: dict[Status, State] = {
    "complete": "finished",
    "failed": "failed",
    "cancelled": "cancelled",
}


@dataclass(frozen=True)
class Job:
    """A process that was started to work somewhere."""

    place: Place
    pid: int


class JobStatus(BaseModel):
    """How the work stands.

    `idle` has never been started; `queued` waits for other jobs; `interrupted` ended without a
    word: killed, or the machine stopped. `seconds_left` speaks of the present stage only, and
    `loading` says what is loaded before it begins.
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
    loading: str = ""
    seconds_left: float | None = None

    @property
    def active(self) -> bool:
        """Say whether a process works, or waits for its turn to work."""
        return self.state in ("running", "queued")

    @property
    def resumable(self) -> bool:
        """Say whether `resume` has something to do."""
        return not self.active and self.state != "finished"


def start(
    settings: RunSettings, name: str, root: Path | None = None, *, queued: bool = False
) -> Job:
    """Create a run and compute it in a process of its own.

    Args:
        settings: what is computed.
        name: name of the run.
        root: folder of runs; `INFLUENCE_RUNS` or `./runs` by default.
        queued: whether it waits while other jobs work in the folder of runs, or waited before it.

    Raises:
        RunExists: there is a run of that name.
        RunError: the name is not allowed.
    """
    return _spawn(create_run(name, settings, root), queued, {})


def resume(place: Place, *, queued: bool = False, **changes: object) -> Job:
    """Begin work, or go on with what failed, was cancelled or was killed, in a process of its own.

    With `queued` it waits as `start` tells. `changes` are written to the manifest at the beginning.

    Raises:
        RunBusy: a process works there.
        RunError: it is complete.
        ReadOnly: nothing may be written.
    """
    must_be_writable(f"resume {in_words(place)}")
    if place.manifest().status == "complete":
        raise RunError(f"{place.title} is complete: there is nothing left to do.")
    return _spawn(place, queued, changes)


def cancel(place: Place) -> bool:
    """Ask the process that works there to stop; False where none does.

    It stops at its next progress event, or within a second while it waits for its turn. Asked a
    second time, a process that `start` or `resume` made stops at once; one that does other things
    besides, as a notebook, is left to its event.

    Raises:
        ReadOnly: nothing may be written, and whoever looks on stops nothing.
    """
    must_be_writable(f"cancel {in_words(place)}")
    record = read_job(place)
    if record is None or not status(place).active:
        return False
    if not ask_to_stop(place, record) and _is_worker(place, record):
        # Only the leader is told: its own helpers would die at once and be taken for a failure.
        os.kill(record.pid, signal.SIGTERM)
    return True


def status(place: Place) -> JobStatus:
    """Tell how the work stands."""
    manifest, record = place.manifest(), read_job(place)
    state = _state(manifest.status, record)
    error = _last_words(place) if state == "interrupted" else manifest.error
    if record is None:
        return JobStatus(state=state, error=error)
    return JobStatus(
        state=state,
        error=error,
        seconds_left=record.seconds_left() if state == "running" else None,
        **record.model_dump(
            include={"pid", "heartbeat", "stage", "done", "total", "unit", "loading"}
        ),
    )


def events(place: Place, after: int = 0) -> tuple[list[Event], int]:
    """Read the progress events from byte `after` of the log, and where to go on."""
    return read_events(place, after)


def work(
    name: str,
    root: Path | None = None,
    experiment: str | None = None,
    noisy: str | None = None,
    stack: str | None = None,
    mapped: bool = False,
) -> None:
    """Compute a run, an experiment or its map in this process: what the background process does."""
    run = open_run(name, root)
    if experiment is not None:
        from influence_core.pruning.experiment import Experiment
        from influence_core.pruning.measure import resume_pruning

        pruned = Experiment.open(run, experiment)
        _work_at(pruned, lambda: resume_pruning(pruned))
    elif noisy is not None:
        from influence_core.noisy.experiment import NoisyExperiment
        from influence_core.noisy.measure import resume_noisy

        flipped = NoisyExperiment.open(run, noisy)
        _work_at(flipped, lambda: resume_noisy(flipped))
    elif stack is not None:
        from influence_core.nlu.experiment import open_stacks
        from influence_core.nlu.measure import resume_stacks

        stacked = open_stacks(run, stack)
        _work_at(stacked, lambda: resume_stacks(stacked))
    elif mapped:
        from influence_core.mapping.work import MapWork, resume_map

        chart = MapWork.of(run)
        _work_at(chart, lambda: resume_map(chart))
    else:
        from influence_core import pipeline

        _work_at(run, lambda: pipeline.resume(name, root=root))


def _work_at(place: Place, go_on: Callable[[], object]) -> None:
    """Work until it ends, and let the manifest say how it did."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if place.manifest().status == "queued":
            with place.lock():
                queue.wait_for_turn(place)
        go_on()
    except (Cancelled, KeyboardInterrupt):
        _settle(place, "cancelled")
        raise
    except RunBusy:
        raise
    except Exception as error:
        _settle(place, "failed", f"{type(error).__name__}: {error}")
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


def log_file(place: Place) -> Path:
    """Return where the background process writes what it has to say."""
    return place.private_folder / "worker.log"


def _spawn(place: Place, queued: bool, changes: Mapping[str, object]) -> Job:
    place.private_folder.mkdir(parents=True, exist_ok=True)
    with queue.starting(place.root):
        if status(place).active:
            raise busy(place)
        with place.lock():
            _enter(place, queued, changes)
        with log_file(place).open("wb") as log:
            process = subprocess.Popen(
                _command(place),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        JobRecord.of(process.pid).write(place)
    # Somebody must collect the exit status, or the dead process would linger as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
    return Job(place, process.pid)


def _enter(place: Place, queued: bool, changes: Mapping[str, object]) -> None:
    """Let a place work at once, or wait where it is to and there is something to wait for."""
    present = queue.queue_of(place.root)
    waits = queued and bool(present.working or present.waiting)
    if waits:
        queue.join(place)
    else:
        queue.leave(place)
    place.update(status="queued" if waits else "running", error="", **changes)


def _command(place: Place) -> list[str]:
    """Return the command of the worker; -P keeps the current folder out of its imports."""
    return [sys.executable, "-P", "-m", "influence_core", "work", *place.address]


def _is_worker(place: Place, record: JobRecord) -> bool:
    """Say whether the process does nothing but this work."""
    import psutil

    try:
        command: list[str] = psutil.Process(record.pid).cmdline()
    except psutil.Error:
        return False
    return command[-len(place.address) :] == list(place.address)


def _state(status: Status, record: JobRecord | None) -> State:
    if status in _ENDED:
        return _ENDED[status]
    if record is None:
        return "idle"
    if not record.alive():
        return "interrupted"
    return "queued" if status == "queued" else "running"


def _last_words(place: Place) -> str:
    """Say why a process may have gone: the last line that it wrote, if any."""
    words = "The process ended without a word: it was killed, or the machine stopped."
    try:
        tail = log_file(place).read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return words
    last = next((line.strip() for line in reversed(tail) if line.strip()), "")
    return f"{words} Its last line was: {last}" if last else words


def _settle(place: Place, status: Status, error: str = "") -> None:
    """Write how the work ended where the pipeline did not get to it, unless the place is gone."""
    with suppress(RunNotFound):
        if place.manifest().status in ("created", "queued", "running"):
            place.update(status=status, error=error)
