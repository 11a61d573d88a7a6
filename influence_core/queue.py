"""The queue of a folder of runs: background jobs that wait there until no other one works.

A job in the queue is a process of its own, so that it outlives whoever asked for it; it loads
nothing heavy before its turn. What works and what waits is read from the places themselves, and a
process that was killed is passed over.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from influence_core.access import must_be_writable
from influence_core.errors import Cancelled, RunError
from influence_core.store.files import discard, write_json
from influence_core.store.journal import JobRecord, asked_to_stop, clear_stop, read_job
from influence_core.store.workplace import Workplace, in_words

Place = Workplace[Any]

LOCK = ".jobs.lock"
"""Name of the lock, in the folder of runs, under which jobs start and take their turns."""

TICKET = "ticket.json"
"""Name of a waiting job's ticket, among the private files of its place."""

SILENT_SECONDS = 600.0
"""Time without a heartbeat after which a process that does not hold its place is passed over."""

LOOK_SECONDS = 1.0
"""Time between two looks of a waiting job at what works and what waits."""


class Ticket(BaseModel):
    """When a job's turn comes: the lowest `turn` is next; `at_once` waits for nobody."""

    model_config = ConfigDict(frozen=True)

    turn: float = math.inf
    at_once: bool = False


@dataclass(frozen=True)
class Queue:
    """The places of a folder of runs at which a process works, or waits: the next one first."""

    working: tuple[Place, ...]
    waiting: tuple[Place, ...]

    def ahead(self, place: Place) -> tuple[Place, ...]:
        """Return what a waiting place waits for, in the order in which it will have its turn."""
        return (*self.working, *self.waiting[: self.waiting.index(place)])


def queue_of(root: Path) -> Queue:
    """Look at what works and what waits in a folder of runs."""
    alive = list(_alive(root))
    working = (place for place, status in alive if status == "running")
    waiting = (place for place, status in alive if status == "queued")
    in_turn = sorted(waiting, key=lambda place: (_ticket(place).turn, place.path))
    return Queue(tuple(working), tuple(in_turn))


@contextmanager
def starting(root: Path) -> Iterator[None]:
    """Let one process of all start a job in a folder of runs, or take its turn, at a time."""
    from filelock import FileLock

    with FileLock(root / LOCK):
        yield


def join(place: Place) -> None:
    """Give a place the last turn; its job is to start waiting under the same lock."""
    write_json(place.private_folder / TICKET, Ticket(turn=time.time()).model_dump())


def leave(place: Place) -> None:
    """Take a place out of the queue."""
    discard(place.private_folder / TICKET)


def put_first(place: Place) -> None:
    """Let a waiting place have the next turn.

    Raises:
        ReadOnly: nothing may be written.
    """
    must_be_writable(f"reorder {in_words(place)}")
    with starting(place.root):
        turns = [_ticket(other).turn for other in queue_of(place.root).waiting]
        _change(place, turn=min(turns, default=0.0) - 1.0)


def go_at_once(place: Place) -> None:
    """Let a waiting place wait no longer, whatever else works.

    Raises:
        ReadOnly: nothing may be written.
    """
    must_be_writable(f"start {in_words(place)}")
    with starting(place.root):
        _change(place, at_once=True)


def wait_for_turn(place: Place) -> None:
    """Wait in this process until nothing works and nobody with an earlier turn waits.

    Raises:
        Cancelled: somebody asked the job to stop.
        RunNotFound: the place was removed meanwhile.
    """
    record = JobRecord.of(os.getpid())
    record.write(place)
    while not _takes_turn(place):
        if asked_to_stop(place, record):
            clear_stop(place)
            raise Cancelled("The work was stopped before its turn came.")
        time.sleep(LOOK_SECONDS)
        place.manifest()  # Where it is gone, a heartbeat would make its folder anew.
        record = record.model_copy(update={"heartbeat": time.time()})
        record.write(place)


def _takes_turn(place: Place) -> bool:
    """Begin if it is this place's turn: from then on it works, and others wait for it."""
    if not _is_next(place):  # Most looks end here, and hold up nobody.
        return False
    with starting(place.root):
        if not _is_next(place):
            return False
        leave(place)
        place.update(status="running")
        return True


def _is_next(place: Place) -> bool:
    queue = queue_of(place.root)
    free = not queue.working and queue.waiting[:1] == (place,)
    return free or _ticket(place).at_once


def _alive(root: Path) -> Iterator[tuple[Place, str]]:
    """Yield the places at which a process lives, and what their manifests say."""
    for place in _places(root):
        record = read_job(place)
        if record is not None and record.alive() and _shows_signs(place, record):
            try:
                yield place, place.manifest().status
            except RunError:  # It was deleted since, or is of another version.
                continue


def _shows_signs(place: Place, record: JobRecord) -> bool:
    """Say whether a process that lives works still: a notebook outlives a training that raised."""
    return time.time() - record.heartbeat < SILENT_SECONDS or place.held()


def _places(root: Path) -> Iterator[Place]:
    """Yield every place of a folder of runs at which a process has ever worked."""
    from influence_core.mapping.work import MapWork
    from influence_core.nlu.experiment import StackExperiment
    from influence_core.noisy.experiment import NoisyExperiment
    from influence_core.pruning.experiment import Experiment
    from influence_core.store.run import Run

    kinds: dict[str, type[Place]] = {
        "*": Run,
        f"*/{Experiment.FOLDER}/*": Experiment,
        f"*/{NoisyExperiment.FOLDER}/*": NoisyExperiment,
        f"*/{StackExperiment.FOLDER}/*": StackExperiment,
        "*/map": MapWork,
    }
    for pattern, kind in kinds.items():
        yield from (kind(file.parent) for file in sorted(root.glob(f"{pattern}/job.json")))


def _ticket(place: Place) -> Ticket:
    """Read a ticket; one that is lost or cannot be read has the last turn."""
    try:
        return Ticket.model_validate_json((place.private_folder / TICKET).read_bytes())
    except (FileNotFoundError, ValidationError):
        return Ticket()


def _change(place: Place, **changes: object) -> None:
    """Write a ticket anew while its place waits; once it works there is nothing to change."""
    if place.manifest().status == "queued":
        ticket = _ticket(place).model_copy(update=changes)
        write_json(place.private_folder / TICKET, ticket.model_dump(mode="json"))
