"""The log and the heartbeat of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from influence_core.config import RunSettings
from influence_core.errors import Cancelled
from influence_core.progress import Event, Pace, Progress
from influence_core.store.files import PARTIAL
from influence_core.store.journal import (
    JobRecord,
    Journal,
    ask_to_stop,
    read_events,
    read_job,
)
from influence_core.store.run import Run, create_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run("journal", RunSettings(), tmp_path)


def event(time: float, kind: str = "advance", done: int = 0, total: int = 10) -> Event:
    return Event(time=time, kind=kind, stage="trace", done=done, total=total)


def test_every_event_is_a_line_that_reads_back_equal(run: Run) -> None:
    seen: list[Event] = []
    progress = Progress(Journal(run), seen.append, interval=0)
    progress.begin("training", 3, "steps")
    progress.advance(1, loss=0.25)
    progress.message("emoji 🎉 and\na second line")
    progress.end(accuracy=0.5)
    events, _ = read_events(run)
    assert events == seen
    assert len(run.log_file.read_text(encoding="utf-8").splitlines()) == 4


def test_what_is_loaded_stands_in_the_record_until_the_stage_begins(run: Run) -> None:
    progress = Progress(Journal(run), interval=0)
    progress.enter("tokens")
    progress.load("Loading the tokenizer")
    record = read_job(run)
    assert (record.stage, record.loading) == ("tokens", "Loading the tokenizer")
    progress.begin("tokens", 5)
    assert read_job(run).loading == ""


def test_reading_goes_on_where_it_stopped_and_leaves_a_half_line(run: Run) -> None:
    journal = Journal(run)
    journal(event(1.0, done=1))
    first, position = read_events(run)
    line = event(2.0, done=2).model_dump_json().encode() + b"\n"
    with run.log_file.open("ab") as file:
        file.write(line[:20])
    assert read_events(run, position) == ([], position)
    with run.log_file.open("ab") as file:
        file.write(line[20:])
    second, end = read_events(run, position)
    assert [each.done for each in first + second] == [1, 2]
    assert end == run.log_file.stat().st_size


def test_a_line_cut_by_a_kill_costs_only_itself(run: Run) -> None:
    Journal(run)(event(1.0, done=1))
    with run.log_file.open("ab") as file:
        file.write(b'{"time": 2.0, "ki')
    Journal(run)(event(3.0, done=3))
    events, _ = read_events(run)
    assert [each.done for each in events] == [1, 3]


def test_no_log_means_no_events(run: Run) -> None:
    assert read_events(run) == ([], 0)
    assert read_job(run) is None


def test_the_heartbeat_moves_at_most_once_a_second_within_a_stage(run: Run) -> None:
    journal = Journal(run)
    record = read_job(run)
    assert record is not None
    start = record.heartbeat
    journal(event(start + 0.1, "begin"))
    journal(event(start + 0.5, done=3))
    assert _done(run) == 0
    journal(event(start + 1.2, done=4))
    assert _done(run) == 4
    journal(event(start + 1.3, "end", done=10))
    assert _done(run) == 10


def test_the_record_names_this_process_and_nothing_half_written(run: Run) -> None:
    Journal(run)
    record = read_job(run)
    assert record is not None
    assert record.pid == os.getpid()
    assert record.alive()
    assert not list(run.path.glob(f"{PARTIAL}*"))


def test_a_dead_process_and_a_reused_number_are_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        record = JobRecord.of(process.pid)
        assert record.alive()
        assert not record.model_copy(update={"started": record.started - 60}).alive()
        process.kill()
    assert not record.alive()


def test_seconds_left_follow_the_speed_of_the_stage() -> None:
    pace = Pace(time=100.0, done=5)
    record = JobRecord(pid=1, started=0, heartbeat=130.0, pace=pace, done=25, total=100)
    assert record.seconds_left() == pytest.approx(30 * 75 / 20)
    assert record.model_copy(update={"pace": None}).seconds_left() is None
    assert record.model_copy(update={"done": 100}).seconds_left() == 0.0


def test_a_process_asked_to_stop_does_so_at_its_next_event(run: Run) -> None:
    journal = Journal(run)
    journal(event(1.0))
    assert ask_to_stop(run, JobRecord.of(os.getpid()))
    assert not ask_to_stop(run, JobRecord.of(os.getpid()))
    with pytest.raises(Cancelled, match="as asked"):
        journal(event(2.0))
    assert len(read_events(run)[0]) == 2


def test_a_request_to_another_process_is_not_obeyed(run: Run) -> None:
    mine = JobRecord.of(os.getpid())
    ask_to_stop(run, mine.model_copy(update={"started": mine.started - 60}))
    Journal(run)(event(1.0))
    assert ask_to_stop(run, mine)


def _done(run: Run) -> int:
    return int(json.loads(run.job_file.read_text())["done"])
