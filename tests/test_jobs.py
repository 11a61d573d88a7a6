"""Background jobs, in real processes over a pretended pipeline."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from influence_core import jobs, queue
from influence_core.config import RunSettings
from influence_core.errors import Cancelled, RunBusy, RunError, RunExists
from influence_core.mapping.work import MapManifest, MapWork
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.settings import StackSettings
from influence_core.noisy.experiment import NoisyExperiment
from influence_core.noisy.settings import NoisySettings
from influence_core.progress import Event, Listener, Progress
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.settings import ExperimentSettings
from influence_core.queue import Queue, queue_of
from influence_core.store.journal import JobRecord, Journal
from influence_core.store.run import Run, create_run, open_run
from influence_core.store.workplace import now
from influence_core.working import working
from tests.background import kill_stragglers, pretending, wait_for

Pretend = Callable[[str], None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Choose what the pretended pipeline does from now on."""
    return pretending(monkeypatch)


@pytest.fixture(autouse=True)
def no_stragglers(tmp_path: Path) -> Iterator[None]:
    """Kill what a failing test left behind."""
    yield
    kill_stragglers(tmp_path)


def test_a_job_finishes_and_tells_its_progress(runs_root: Path, pretend: Pretend) -> None:
    pretend("finish")
    job = jobs.start(RunSettings(), "good", runs_root)
    status = wait_for(job.place, "finished")
    assert (status.stage, status.done, status.total, status.unit) == ("training", 4, 10, "steps")
    assert not status.resumable
    seen, _ = jobs.events(job.place)
    assert [event.kind for event in seen] == ["begin", "advance", "end"]
    assert seen[1].values == {"loss": 0.5}


def test_a_job_outlives_who_asked_and_has_its_own_session(
    runs_root: Path, pretend: Pretend
) -> None:
    pretend("wait")
    job = jobs.start(RunSettings(), "detached", runs_root)
    wait_for(job.place, "running", stage="training")
    assert os.getsid(job.pid) == job.pid != os.getsid(0)


def test_a_cancelled_job_stops_and_can_go_on(runs_root: Path, pretend: Pretend) -> None:
    pretend("wait")
    job = jobs.start(RunSettings(), "stopped", runs_root)
    wait_for(job.place, "running", stage="training")
    assert jobs.cancel(job.place)
    assert wait_for(job.place, "cancelled").resumable
    pretend("finish")
    jobs.resume(job.place)
    wait_for(job.place, "finished")


def test_a_second_cancel_does_not_wait_for_an_event(runs_root: Path, pretend: Pretend) -> None:
    pretend("hang")
    job = jobs.start(RunSettings(), "hanging", runs_root)
    wait_for(job.place, "running", stage="training")
    jobs.cancel(job.place)
    time.sleep(0.3)
    assert jobs.status(job.place).state == "running"
    jobs.cancel(job.place)
    wait_for(job.place, "cancelled")


def test_cancel_reaches_a_worker_that_has_not_begun(runs_root: Path, pretend: Pretend) -> None:
    pretend("wait")
    job = jobs.start(RunSettings(), "early", runs_root)
    assert jobs.cancel(job.place)
    wait_for(job.place, "cancelled")


def test_cancel_stops_work_in_a_process_without_signalling_it(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run("notebook", RunSettings(), runs_root)
    run.update(status="running")
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("a notebook was signalled"))
    progress = Progress(Journal(run))
    assert jobs.cancel(run)
    assert jobs.cancel(run)
    with pytest.raises(Cancelled):
        progress.begin("training", 10)


def test_what_was_cancelled_goes_on_in_the_same_process(runs_root: Path) -> None:
    run = create_run("notebook", RunSettings(), runs_root)

    def work(*listeners: Listener) -> None:
        with working(run, listeners) as progress:
            progress.begin("training", 10)
            progress.end()

    with pytest.raises(Cancelled):
        work(lambda _: jobs.cancel(run))
    assert run.manifest().status == "cancelled"
    work()
    assert run.manifest().status == "complete"


def test_what_is_complete_is_left_as_it_is(runs_root: Path) -> None:
    run = create_run("done", RunSettings(), runs_root)
    run.update(status="complete")
    before = run.manifest_file.read_bytes()
    with pytest.raises(ValueError, match="unreachable"), working(run, error="never written"):
        raise ValueError("unreachable")
    assert run.manifest_file.read_bytes() == before


def test_a_user_error_is_told_in_its_own_words(runs_root: Path, pretend: Pretend) -> None:
    pretend("fail")
    job = jobs.start(RunSettings(), "bad", runs_root)
    status = wait_for(job.place, "failed")
    assert status.error == "'label' must be a column; got 'nonsense'."
    assert "Traceback" not in jobs.log_file(job.place).read_text()


def test_a_bug_that_the_pipeline_did_not_settle_is_a_failure(
    runs_root: Path, pretend: Pretend
) -> None:
    pretend("crash")
    job = jobs.start(RunSettings(), "buggy", runs_root)
    assert "something nobody thought of" in wait_for(job.place, "failed").error


def test_a_killed_job_is_interrupted_and_can_go_on(runs_root: Path, pretend: Pretend) -> None:
    pretend("die")
    job = jobs.start(RunSettings(), "killed", runs_root)
    status = wait_for(job.place, "interrupted")
    assert "about to vanish" in status.error
    assert status.resumable
    pretend("finish")
    jobs.resume(job.place)
    wait_for(job.place, "finished")
    assert not jobs.status(job.place).error


def test_kill_9_from_outside_is_interrupted_too(runs_root: Path, pretend: Pretend) -> None:
    pretend("wait")
    job = jobs.start(RunSettings(), "shot", runs_root)
    wait_for(job.place, "running", stage="training")
    os.kill(job.pid, signal.SIGKILL)
    wait_for(job.place, "interrupted")
    assert not jobs.cancel(job.place)


def test_two_starts_of_one_run_are_refused(runs_root: Path, pretend: Pretend) -> None:
    pretend("wait")
    job = jobs.start(RunSettings(), "twice", runs_root)
    with pytest.raises(RunExists, match="'twice'"):
        jobs.start(RunSettings(), "twice", runs_root)
    with pytest.raises(RunBusy, match="'twice'"):
        jobs.resume(job.place)
    assert jobs.status(job.place).pid == job.pid


def test_a_complete_run_has_nothing_left(small_run: Run) -> None:
    with pytest.raises(RunError, match="complete"):
        jobs.resume(small_run)


def test_a_run_that_nobody_started_is_idle(runs_root: Path) -> None:
    run = create_run("fresh", RunSettings(), runs_root)
    status = jobs.status(run)
    assert (status.state, status.pid) == ("idle", None)
    assert status.resumable
    assert not jobs.cancel(run)


def test_cancel_spares_a_stranger_with_the_same_number(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = create_run("reused", RunSettings(), runs_root)
    run.update(status="running")
    mine = JobRecord.of(os.getpid())
    mine.model_copy(update={"started": mine.started - 60}).write(run)
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("a stranger was signalled"))
    assert not jobs.cancel(run)
    assert jobs.status(run).state == "interrupted"


def test_the_worker_keeps_the_settings_of_the_run(runs_root: Path, pretend: Pretend) -> None:
    pretend("finish")
    settings = RunSettings.model_validate({"training": {"epochs": 3, "seed": 7}})
    job = jobs.start(settings, "settings", runs_root)
    wait_for(job.place, "finished")
    assert open_run("settings", runs_root).manifest().settings == settings


def test_signals_stop_at_an_event_and_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    told: list[str] = []
    event = Event(time=0.0, kind="advance", stage="trace")
    with jobs.stop_on_signal(lambda: told.append("stopping")) as stop:
        stop(event)
        signal.raise_signal(signal.SIGTERM)
        assert told == ["stopping"]
        with pytest.raises(Cancelled):
            stop(event)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def span(run: Run) -> tuple[float, float]:
    """Return when the work of a run began and ended, as its log tells."""
    seen, _ = jobs.events(run)
    return seen[0].time, seen[-1].time


def begin(name: str, root: Path) -> Run:
    return jobs.start(RunSettings(), name, root, queued=True).place


def test_queued_jobs_work_one_at_a_time_in_their_order(runs_root: Path, pretend: Pretend) -> None:
    pretend("linger")
    runs = [begin(name, runs_root) for name in ("third", "first", "second")]
    assert queue_of(runs_root) == Queue((runs[0],), (runs[1], runs[2]))
    assert [jobs.status(run).state for run in runs] == ["running", "queued", "queued"]
    assert queue_of(runs_root).ahead(runs[2]) == (runs[0], runs[1])
    for run in runs:
        wait_for(run, "finished")
    spans = [span(run) for run in runs]
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    assert queue_of(runs_root) == Queue((), ())


def test_what_starts_at_once_does_not_wait_but_is_waited_for(
    runs_root: Path, pretend: Pretend
) -> None:
    pretend("wait")
    holding = begin("holding", runs_root)
    at_once = jobs.start(RunSettings(), "at-once", runs_root).place
    wait_for(at_once, "running", stage="training")
    pretend("finish")
    waiting = begin("waiting", runs_root)
    jobs.cancel(holding)
    wait_for(holding, "cancelled")
    time.sleep(2 * queue.LOOK_SECONDS)
    assert jobs.status(waiting).state == "queued"
    jobs.cancel(at_once)
    wait_for(waiting, "finished")


@pytest.mark.parametrize(("mode", "ends"), [("fail", "failed"), ("die", "interrupted")])
def test_the_next_job_begins_however_the_one_before_ended(
    runs_root: Path, pretend: Pretend, mode: str, ends: jobs.State
) -> None:
    pretend(mode)
    first = begin("first", runs_root)
    pretend("finish")
    second = begin("second", runs_root)
    wait_for(first, ends)
    wait_for(second, "finished")


def test_a_killed_waiter_is_passed_over_and_can_queue_again(
    runs_root: Path, pretend: Pretend
) -> None:
    pretend("wait")
    holding = begin("holding", runs_root)
    pretend("finish")
    killed, behind = begin("killed", runs_root), begin("behind", runs_root)
    os.kill(jobs.status(killed).pid or 0, signal.SIGKILL)
    wait_for(killed, "interrupted")
    assert queue_of(runs_root).waiting == (behind,)
    jobs.cancel(holding)
    wait_for(behind, "finished")
    jobs.resume(killed, queued=True)
    wait_for(killed, "finished")


def test_a_waiter_can_be_cancelled_and_leaves_nothing_behind(
    runs_root: Path, pretend: Pretend
) -> None:
    pretend("wait")
    begin("holding", runs_root)
    waiting = begin("waiting", runs_root)
    assert not jobs.status(waiting).resumable
    with pytest.raises(RunBusy, match="'waiting'"):
        jobs.resume(waiting)
    assert jobs.cancel(waiting)
    assert wait_for(waiting, "cancelled").resumable
    assert jobs.events(waiting) == ([], 0)
    assert queue_of(runs_root).waiting == ()
    waiting.delete()


def test_a_recording_that_was_given_up_is_not_waited_for(runs_root: Path) -> None:
    run = create_run("notebook", RunSettings(), runs_root)
    run.update(status="running")
    record = JobRecord.of(os.getpid())
    record.write(run)
    assert queue_of(runs_root).working == (run,)
    silent = {"heartbeat": record.heartbeat - queue.SILENT_SECONDS - 1}
    record.model_copy(update=silent).write(run)
    assert queue_of(runs_root).working == ()
    with run.lock():
        assert queue_of(runs_root).working == (run,)


def test_a_waiter_whose_folder_is_gone_ends_and_makes_none(
    runs_root: Path, pretend: Pretend
) -> None:
    pretend("wait")
    begin("holding", runs_root)
    waiting = begin("waiting", runs_root)
    waiting.path.rename(runs_root / "elsewhere")
    moved = Run(runs_root / "elsewhere")
    wait_for(moved, "interrupted")
    assert "'waiting'" in jobs.status(moved).error
    assert not waiting.path.exists()


def test_a_run_is_not_deleted_under_the_job_of_a_place_below(runs_root: Path) -> None:
    run = create_run("whole", RunSettings(), runs_root)
    pruned = Experiment.create(run, "pruned", ExperimentSettings())
    with pruned.lock():
        pruned.update(status="queued")
        with pytest.raises(RunBusy, match=r"'whole' has a job in .*pruned.*; cancel it"):
            run.delete()
    assert pruned.manifest().status == "queued"
    run.delete()
    assert not run.path.exists()


def test_a_waiter_can_go_first_or_at_once(runs_root: Path, pretend: Pretend) -> None:
    pretend("wait")
    holding = begin("a-holding", runs_root)
    one, two, three = (begin(name, runs_root) for name in ("one", "two", "three"))
    queue.put_first(three)
    assert queue_of(runs_root).waiting == (three, one, two)
    queue.go_at_once(two)
    wait_for(two, "running", stage="training")
    assert queue_of(runs_root) == Queue((holding, two), (three, one))
    queue.put_first(two)
    assert jobs.status(two).state == "running"


def test_of_two_starters_at_the_same_moment_one_waits(runs_root: Path, pretend: Pretend) -> None:
    pretend("linger")
    with ThreadPoolExecutor(4) as together:
        runs = list(together.map(lambda name: begin(name, runs_root), "abcd"))
    for run in runs:
        wait_for(run, "finished")
    spans = sorted(span(run) for run in runs)
    assert all(before[1] < after[0] for before, after in pairwise(spans))


def test_two_starters_of_one_waiting_run_start_it_once(runs_root: Path, pretend: Pretend) -> None:
    pretend("linger")
    begin("holding", runs_root)
    run = create_run("twice", RunSettings(), runs_root)

    def resume(_: int) -> bool:
        with suppress(RunBusy):
            jobs.resume(run, queued=True)
            return True
        return False

    with ThreadPoolExecutor(4) as together:
        assert sum(together.map(resume, range(4))) == 1
    wait_for(run, "finished")
    seen, _ = jobs.events(run)
    assert [event.kind for event in seen].count("begin") == 1


def test_work_of_every_kind_is_waited_for(runs_root: Path, pretend: Pretend) -> None:
    run = create_run("whole", RunSettings(), runs_root)
    run.update(status="complete")
    places = [
        Experiment.create(run, "pruned", ExperimentSettings()),
        NoisyExperiment.create(run, "noisy", NoisySettings()),
        StackExperiment.create(run, "stacked", StackSettings()),
        MapWork.of(run),
    ]
    places[-1].path.mkdir()
    places[-1].write(MapManifest(name="map", created=now()))
    for place in places:
        place.update(status="running")
        JobRecord.of(os.getpid()).write(place)
        assert queue_of(place.root) == Queue((place,), ())
        place.update(status="complete")
