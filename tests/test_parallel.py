"""Work on many items: the same in one process and in several, and mended or told when it fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from joblib import cpu_count

from influence_core import pools
from influence_core.config import ComputeSettings
from influence_core.errors import Cancelled, ConfigError, DataError, WorkError
from influence_core.parallel import spread
from influence_core.progress import Event, Progress, silent

TWO = ComputeSettings(workers=2)
EITHER = pytest.mark.parametrize("compute", [ComputeSettings(), TWO], ids=["one", "two"])


def squares():
    def work(item, progress):
        progress.advance(item)
        return item * item

    return work


def talkative():
    def work(item, progress):
        progress.message("so be it")

    return work


def troubled(folder, trouble):
    """Do what `trouble` names at item 3: always, or `once`."""
    kind, _, once = trouble.partition(" ")

    def work(item, progress):
        attempts = folder / f"attempts-{item}"
        with attempts.open("a") as file:
            file.write("x")
        progress.advance(item)
        if item == 3 and not (once and attempts.stat().st_size > 1):
            if kind == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            raise {"fails": ZeroDivisionError, "refuses": DataError}[kind]("the cause")
        return item * item

    return work


def sleepy(folder):
    def work(item, progress):
        (folder / f"asleep-{os.getpid()}").touch()
        time.sleep(600)

    return work


def told(compute, prepare, items=range(6)):
    """Return what was kept, and the events."""
    kept, events = {}, []
    progress = Progress(events.append, interval=0)
    progress.begin("work", sum(items))
    spread(items, prepare, kept.__setitem__, compute, progress, name="item {}".format)
    progress.end()
    return kept, events


@EITHER
def test_everything_is_done_and_counted(compute):
    kept, events = told(compute, squares)
    assert kept == {item: item * item for item in range(6)}
    assert events[-1].done == sum(range(6))


def test_what_all_workers_say_is_told_once():
    _, events = told(TWO, talkative)
    assert [event.message for event in events if event.kind == "message"] == ["so be it"]


@EITHER
def test_no_items_need_no_preparation(compute):
    assert told(compute, pytest.fail, items=())[0] == {}


@EITHER
def test_what_fails_once_is_tried_again_and_counted_once(compute, tmp_path):
    kept, events = told(compute, partial(troubled, tmp_path, "fails once"))
    assert kept == {item: item * item for item in range(6)}
    assert events[-1].done == sum(range(6))
    (message,) = [event.message for event in events if event.kind == "message"]
    assert message == "item 3 failed and is tried once more: ZeroDivisionError: the cause"


@EITHER
def test_what_fails_twice_is_named_with_its_cause(compute, tmp_path):
    with pytest.raises(WorkError, match=r"^item 3 failed twice: ZeroDivisionError: the cause"):
        told(compute, partial(troubled, tmp_path, "fails"))
    assert (tmp_path / "attempts-3").read_text() == "xx"


@EITHER
def test_what_the_user_must_mend_is_not_tried_again(compute, tmp_path):
    with pytest.raises(DataError, match=r"^the cause$"):
        told(compute, partial(troubled, tmp_path, "refuses"))
    assert (tmp_path / "attempts-3").read_text() == "x"


def test_a_worker_that_dies_is_replaced(tmp_path):
    kept, _ = told(TWO, partial(troubled, tmp_path, "dies once"))
    assert kept == {item: item * item for item in range(6)}


def test_the_item_that_kills_its_worker_is_named(tmp_path):
    with pytest.raises(WorkError, match=r"^item 3 failed twice: TerminatedWorkerError"):
        told(TWO, partial(troubled, tmp_path, "dies"))


def test_a_listener_stops_workers_that_would_never_end(tmp_path):
    def listener(event: Event) -> None:
        if list(tmp_path.glob("asleep-*")):
            raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        spread(range(6), partial(sleepy, tmp_path), print, TWO, Progress(listener, interval=0))
    assert not any(map(psutil.pid_exists, asleep(tmp_path)))


def test_workers_go_when_their_parent_is_killed(tmp_path):
    code = f"""
        from functools import partial
        from pathlib import Path
        from tests.test_parallel import *
        spread(range(6), partial(sleepy, Path({str(tmp_path)!r})), print, TWO, silent())
    """
    lines = "\n".join(line.strip() for line in code.splitlines())
    with subprocess.Popen([sys.executable, "-c", lines], cwd=Path(__file__).parents[1]) as parent:
        eventually(lambda: len(asleep(tmp_path)) == 2)
        parent.kill()
    eventually(lambda: not any(map(lives, asleep(tmp_path))))


def test_workers_share_the_cores(tmp_path):
    kept, _ = told(TWO, threads, items=range(2))
    assert set(kept.values()) == {str(max(1, cpu_count() // 2))}


def threads():
    return lambda item, progress: os.environ["OMP_NUM_THREADS"]


def test_ray_must_be_installed(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"'backend' must be 'loky'.*influence-scope\[ray\]"):
        pools.require_backend(ComputeSettings(workers=2, backend="ray"))
    pools.require_backend(TWO)
    spread((), squares, print, ComputeSettings(backend="ray"), silent())


def asleep(folder):
    return [int(path.name.removeprefix("asleep-")) for path in folder.glob("asleep-*")]


def lives(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def eventually(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
