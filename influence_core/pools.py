"""Processes that work on one item each: on this machine (loky) or on a cluster (ray)."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from influence_core.config import ComputeSettings
from influence_core.errors import ConfigError, RunError, rule
from influence_core.progress import Event, Progress

Work = Callable[[Any, Progress], Any]
"""Takes an item and a progress to count on; returns what came of the item."""

TICK_SECONDS = 0.5
"""Longest time between two looks at whether the work was cancelled."""

PARENT_SECONDS = 1.0
"""How long a worker may outlive the process that started it."""


@dataclass(frozen=True)
class Done:
    """What came of an item, how much the work counted on its progress, and what it said."""

    result: Any
    counted: int
    said: tuple[str, ...]


class Pool(Protocol):
    """Processes that work on one item each."""

    def submit(self, item: object) -> Any:
        """Hand an item to a process, and return a handle for what comes of it."""

    def finished(self, handles: Collection[Any]) -> Collection[Any]:
        """Wait at most a tick, and return the handles of finished items."""

    def result(self, handle: Any) -> Done:
        """Return what came of an item, or raise what it raised."""

    def close(self, handles: Collection[Any]) -> None:
        """Stop all processes, whatever they still work on."""


def open_pool(compute: ComputeSettings, prepare: Callable[[], Work]) -> Pool:
    """Open as many processes as asked for; each calls `prepare` before its first item.

    Raises:
        ConfigError: the backend is not installed.
        RunError: no cluster answers.
    """
    require_backend(compute)
    pool = _Ray if compute.backend == "ray" else _Loky
    return pool(_Preparation(prepare), compute.workers)


def require_backend(compute: ComputeSettings) -> None:
    """Refuse a backend that is not installed.

    Raises:
        ConfigError: it is not.
    """
    from importlib.util import find_spec

    if compute.workers > 1 and compute.backend == "ray" and find_spec("ray") is None:
        raise ConfigError(
            rule("backend", "be 'loky' where ray is not installed", compute.backend)
            + " Install it with `pip install 'influence-scope[ray]'`."
        )


class _Loky:
    """Processes on this machine, each with its share of the cores."""

    def __init__(self, preparation: _Preparation, workers: int) -> None:
        self._preparation, self._workers = preparation, workers
        self._start()

    def _start(self) -> None:
        from joblib.externals.loky import ProcessPoolExecutor, cpu_count

        threads = str(max(1, cpu_count() // self._workers))
        self._executor = ProcessPoolExecutor(
            self._workers,
            initializer=_settle,
            initargs=(os.getpid(),),
            env={"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads},
        )

    def submit(self, item: object) -> Any:
        from joblib.externals.loky import BrokenProcessPool

        try:
            return self._executor.submit(_attend, self._preparation, item)
        except BrokenProcessPool:
            self.close(())
            self._start()
            return self._executor.submit(_attend, self._preparation, item)

    def finished(self, handles: Collection[Any]) -> Collection[Any]:
        from concurrent.futures import FIRST_COMPLETED, wait

        return wait(handles, TICK_SECONDS, FIRST_COMPLETED).done

    def result(self, handle: Any) -> Done:
        done: Done = handle.result()
        return done

    def close(self, handles: Collection[Any]) -> None:
        self._executor.shutdown(wait=True, kill_workers=True)


class _Ray:
    """Tasks on the cluster that `RAY_ADDRESS` names, else on one started here, else a local one.

    Every task asks for its share of the cluster's cores and GPUs. The package must be installed on
    every machine, in one version.
    """

    def __init__(self, preparation: _Preparation, workers: int) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray: Any = ray
        self._own = not ray.is_initialized()
        if self._own:
            self._connect()
        self._preparation = self._ray.put(preparation)
        self._attend = self._ray.remote(_attend).options(
            num_cpus=self._cores(workers),
            num_gpus=min(1, self._ray.cluster_resources().get("GPU", 0) / workers),
            max_retries=0,
        )

    def _connect(self) -> None:
        try:
            self._ray.init(
                include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
            )
        except ConnectionError as error:
            raise RunError(
                f"No ray cluster answers: {error} Start one with `ray start --head`, or name "
                "another in RAY_ADDRESS."
            ) from error

    def _cores(self, workers: int) -> int:
        """Return a worker's share of the cores, which the smallest machine must have."""
        machines = [node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]]
        smallest = min((cores for cores in machines if cores), default=1)
        return max(1, int(min(sum(machines) // workers, smallest)))

    def submit(self, item: object) -> Any:
        return self._attend.remote(self._preparation, item)

    def finished(self, handles: Collection[Any]) -> Collection[Any]:
        ready, _ = self._ray.wait(list(handles), timeout=TICK_SECONDS)
        found: list[Any] = ready
        return found

    def result(self, handle: Any) -> Done:
        try:
            done: Done = self._ray.get(handle)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        return done

    def close(self, handles: Collection[Any]) -> None:
        if self._own:
            self._ray.shutdown()
        for handle in () if self._own else handles:
            self._ray.cancel(handle, force=True)


@dataclass(frozen=True)
class _Preparation:
    """What a process does before its first item; it remembers by `key` that it has done so."""

    prepare: Callable[[], Work]
    key: str = field(default_factory=lambda: uuid4().hex)


_PREPARED: dict[str, Work] = {}
"""In a worker: the work that was prepared last."""


def _attend(preparation: _Preparation, item: object) -> Done:
    """Work on an item in this process."""
    if preparation.key not in _PREPARED:
        _PREPARED.clear()
        _PREPARED[preparation.key] = preparation.prepare()
    events: list[Event] = []
    progress = Progress(events.append)
    result = _PREPARED[preparation.key](item, progress)
    said = tuple(event.message for event in events if event.kind == "message")
    return Done(result, progress.done, said)


def _settle(parent: int) -> None:
    """Make this process a worker: it leaves Ctrl-C to its parent, and goes when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_after, args=(parent,), daemon=True).start()


def _leave_after(parent: int) -> None:
    import psutil

    while os.getppid() == parent and psutil.pid_exists(parent):
        time.sleep(PARENT_SECONDS)
    os._exit(1)
