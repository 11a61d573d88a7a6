"""The real background command over a pretended pipeline: `python job_worker.py MODE work NAME`.

MODE names what the pipeline does: finish, linger (and finish), fail, crash, wait (emitting events),
hang (emitting none) or die.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from influence_core.cli import main
from influence_core.errors import Cancelled, DataError
from influence_core.progress import Listener, Progress
from influence_core.store.journal import Journal
from influence_core.store.run import Run, open_run


def finish(run: Run, progress: Progress) -> None:
    progress.advance(4, loss=0.5)
    progress.end()
    run.update(status="complete")


def linger(run: Run, progress: Progress) -> None:
    time.sleep(1.5)
    finish(run, progress)


def fail(run: Run, progress: Progress) -> None:
    run.update(status="failed", error="'label' must be a column; got 'nonsense'.")
    raise DataError("'label' must be a column; got 'nonsense'.")


def crash(run: Run, progress: Progress) -> None:
    raise ZeroDivisionError("something nobody thought of")


def wait(run: Run, progress: Progress) -> None:
    while True:
        progress.advance(0, loss=0.5)
        time.sleep(0.02)


def hang(run: Run, progress: Progress) -> None:
    time.sleep(60)


def die(run: Run, progress: Progress) -> None:
    os.write(2, b"about to vanish\n")
    os.kill(os.getpid(), signal.SIGKILL)


def pretended(mode: Callable[[Run, Progress], None]) -> ModuleType:
    """Make a module that resumes runs as the real pipeline does, with `mode` for its work."""

    def resume(name: str, *, listeners: Iterable[Listener] = (), root: Path | None = None) -> Run:
        run = open_run(name, root)
        with run.lock():
            run.update(status="running", error="")
            progress = Progress(Journal(run), *listeners)
            progress.begin("training", 10, "steps")
            try:
                mode(run, progress)
            except (Cancelled, KeyboardInterrupt):
                run.update(status="cancelled")
                raise
        return run

    module = ModuleType("influence_core.pipeline")
    module.resume = resume
    return module


if __name__ == "__main__":
    sys.modules["influence_core.pipeline"] = pretended(globals()[sys.argv[1]])
    main(sys.argv[2:])
