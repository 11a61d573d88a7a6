"""A read-only demonstration: whatever would write is refused, and leaves no trace."""

from __future__ import annotations

import io
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import influence_core as ic
from influence_core import access, jobs, pipeline
from influence_core.errors import InfluenceError, ReadOnly
from influence_core.exchange.cartography_export import export_dynamics
from influence_core.mapping.work import MapWork, make_map, plan_map
from influence_core.noise.flipping import flip
from influence_core.noise.mending import plan_reviewed, write_reviewed
from influence_core.noise.table import find_noise, write_noise
from influence_core.noisy.measure import plan_noisy
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.measure import plan_pruning, resume_pruning
from influence_core.pruning.settings import ExperimentSettings
from influence_core.report.page import render_report, write_report
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from influence_core.store.uploads import forget_uploads, save_upload
from influence_core.working import working
from tests.reviewer import given_labels, some
from tests.untouched import contents

Act = Callable[[Run], object]


def _decided(run: Run) -> dict[str, str]:
    return some(given_labels(run), 0, 2)


def _work(run: Run) -> None:
    with working(run):
        pass


ACTS: dict[str, Act] = {
    "start a run": lambda run: pipeline.run("voice-assistant", name="new"),
    "start a job": lambda run: jobs.start(ic.RunSettings(), "new"),
    "resume a job": jobs.resume,
    "cancel a job": jobs.cancel,
    "work on a run": _work,
    "resume a run": lambda run: pipeline.resume(run.name),
    "import scores": lambda run: pipeline.import_scores("voice-assistant", run.scores_file),
    "delete a run": Run.delete,
    "empty a run": Run.empty,
    "change a manifest": lambda run: run.update(error="changed"),
    "plan an experiment": lambda run: plan_pruning(run, ExperimentSettings()),
    "make an experiment": lambda run: Experiment.create(run, "new", ExperimentSettings()),
    "go on with an experiment": lambda run: resume_pruning(Experiment.open(run, "planned")),
    "start an experiment": lambda run: jobs.resume(Experiment.open(run, "planned")),
    "delete an experiment": lambda run: Experiment.open(run, "planned").delete(),
    "plan noisy copies": plan_noisy,
    "plan a map": plan_map,
    "make a map": make_map,
    "cancel a map": lambda run: jobs.cancel(MapWork.of(run)),
    "judge labels": find_noise,
    "judge labels anew": write_noise,
    "decide": lambda run: Reviews(run).decide(_decided(run), "keep", "Ada"),
    "take back": lambda run: Reviews(run).undo("Ada"),
    "make a selection": lambda run: Selections(run).create("new", [1]),
    "add to a selection": lambda run: Selections(run).add("some", [1]),
    "take out of a selection": lambda run: Selections(run).remove("some", [0]),
    "delete a selection": lambda run: Selections(run).delete("some"),
    "export": lambda run: ic.export(run, [0], run.path / "exports" / "new"),
    "export dynamics": lambda run: export_dynamics(run, run.path / "dynamics-out"),
    "write a report": lambda run: write_report(run, run.path / "report.html"),
    "flip labels": lambda run: flip(run, run.path / "flipped.parquet"),
    "write reviewed data": lambda run: write_reviewed(run, run.path / "reviewed.parquet"),
    "plan a reviewed run": plan_reviewed,
    "upload": lambda run: save_upload("new.csv", io.BytesIO(b"id,text\n")),
    "forget uploads": lambda run: forget_uploads(before=float("inf")),
}
"""Everything that a user can do that writes."""


@pytest.fixture
def run(small_run: Run) -> Run:
    """A run with decisions, a selection, an upload and an experiment."""
    Reviews(small_run).decide(_decided(small_run), "drop", "Ada")
    Selections(small_run).create("some", [0, 2])
    Experiment.create(small_run, "planned", ExperimentSettings())
    save_upload("old.csv", io.BytesIO(b"id,text\n"))
    return small_run


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setenv(access.READ_ONLY, "1")


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_what_writes_is_refused_and_leaves_no_trace(
    run: Run, runs_root: Path, read_only: Callable[[], None], act: Act
) -> None:
    read_only()
    before = contents(runs_root)
    with pytest.raises(ReadOnly, match=r"'INFLUENCE_READ_ONLY' must be unset to .*; got '1'"):
        act(run)
    assert contents(runs_root) == before


def test_the_refusal_says_what_and_what_to_do(read_only: Callable[[], None]) -> None:
    read_only()
    with pytest.raises(InfluenceError) as refused:
        access.must_be_writable("delete run 'demo'")
    assert str(refused.value) == (
        "'INFLUENCE_READ_ONLY' must be unset to delete run 'demo'; got '1'. This is a read-only "
        "demonstration; unset the variable where it was started, and start it again."
    )


@pytest.mark.parametrize(("value", "refused"), [("1", True), ("yes", True), ("0", False)])
def test_the_variable_may_be_off(
    monkeypatch: pytest.MonkeyPatch, value: str, refused: bool
) -> None:
    for variable, asked in (
        (access.READ_ONLY, access.read_only),
        (access.MASK_TEXTS, access.texts_masked),
    ):
        assert not asked()
        monkeypatch.setenv(variable, value)
        assert asked() is refused


def test_what_only_reads_goes_on(run: Run, runs_root: Path, read_only: Callable[[], None]) -> None:
    told = Reviews(run).standing()
    read_only()
    before = contents(runs_root)
    assert Reviews(run).standing() == told
    assert Reviews(run).version() == 1
    assert Selections(run).rows("some").tolist() == [0, 2]
    assert len(ic.select(run, ic.SelectionSettings(fraction=0.3, score="vog")).kept)
    assert "Influence Scope" in render_report(run)
    assert jobs.status(run).state == "finished"
    assert contents(runs_root) == before


def test_decisions_not_yet_taken_into_the_file_are_read_beside_it(
    run: Run, read_only: Callable[[], None]
) -> None:
    """A process that still has the file open leaves its newest decisions in the log beside it."""
    with closing(sqlite3.connect(run.review_file)) as other:
        other.execute("SELECT count(*) FROM acts").fetchall()
        Reviews(run).decide(some(given_labels(run), 2, 3), "keep", "Bob")
        assert run.review_file.with_name("review.sqlite-wal").stat().st_size
        told = Reviews(run).standing()
        read_only()
        before = contents(run.path)
        assert Reviews(run).standing() == told
        assert {one.reviewer for one in told.values()} == {"Ada", "Bob"}
        assert contents(run.path) == before


def test_a_process_of_its_own_refuses_too(runs_root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "influence_core", "demo"],
        env={access.READ_ONLY: "1", "INFLUENCE_RUNS": str(runs_root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "must be unset to start run 'demo'" in " ".join(done.stderr.split())
    assert list(runs_root.iterdir()) == []
