"""The work on a map: planned, done, stopped and gone on with; the run never looks unfinished."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core import jobs
from influence_core.errors import Cancelled, RunError
from influence_core.mapping import work as working_on
from influence_core.mapping.settings import MapSettings
from influence_core.mapping.work import FACTS, MapWork, make_map, plan_map, resume_map
from influence_core.progress import Event, Progress
from influence_core.store.run import Run
from tests.factory import make_run, read


@pytest.fixture
def run(runs_root) -> Run:
    made = make_run(runs_root, "mapped", rows=60)
    made.map_file.unlink()
    features = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float16)
    np.save(made.embeddings_file, features)
    return made


@pytest.fixture(autouse=True)
def first_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the first two features for coordinates: UMAP has its own tests."""

    def embed(features: np.ndarray, settings: MapSettings, progress: Progress) -> np.ndarray:
        progress.begin("layout", 2, "epochs")
        progress.end()
        return features[:, :2].astype(np.float32) + settings.seed

    monkeypatch.setattr(working_on, "embed", embed)


def test_a_map_has_every_example_and_says_how_it_was_made(run: Run) -> None:
    before = run.manifest()
    work = make_map(run, MapSettings(seed=3))
    table = read(run.map_file)
    features = np.load(run.embeddings_file)
    assert table.column_names == ["row", "x", "y"]
    assert table["row"].to_pylist() == list(range(60))
    assert np.allclose(table["x"], features[:, 0].astype(np.float32) + 3)
    assert MapSettings.model_validate_json(table.schema.metadata[FACTS]).seed == 3
    assert work.manifest().status == "complete"
    assert run.manifest() == before


def test_a_new_map_replaces_the_old_one_when_it_is_there(run: Run) -> None:
    make_map(run)
    old = run.map_file.read_bytes()
    work = plan_map(run, MapSettings(seed=1))
    assert jobs.status(work).state == "idle"
    assert run.map_file.read_bytes() == old
    resume_map(work)
    assert run.map_file.read_bytes() != old
    assert resume_map(work).manifest().status == "complete"


def test_stopped_work_can_be_gone_on_with(run: Run) -> None:
    def stop(event: Event) -> None:
        raise Cancelled("The work was stopped as asked.")

    work = plan_map(run)
    with pytest.raises(Cancelled):
        resume_map(work, listeners=[stop])
    assert work.manifest().status == "cancelled"
    assert not run.map_file.exists()
    assert jobs.status(work).resumable
    assert run.manifest().status == "complete"
    resume_map(work)
    assert run.map_file.exists()


def test_the_worker_of_the_background_makes_it(run: Run) -> None:
    work = plan_map(run)
    assert work.address == ("mapped", "--map", "--root", str(run.path.parent))
    jobs.work("mapped", run.path.parent, mapped=True)
    assert jobs.status(work).state == "finished"


def test_runs_without_features_say_why(run: Run) -> None:
    run.embeddings_file.unlink()
    with pytest.raises(RunError, match="has no features of an encoder"):
        plan_map(run)
    assert not MapWork.of(run).path.exists()


@pytest.mark.parametrize("status", ["created", "running", "cancelled", "failed"])
def test_a_run_that_is_still_to_change_is_refused(run: Run, status: str) -> None:
    run.update(status=status)
    with pytest.raises(RunError, match="is not finished"):
        plan_map(run)


def test_a_run_that_has_not_read_its_data_says_so(run: Run) -> None:
    run.update(dataset=None)
    with pytest.raises(RunError, match="has no examples yet"):
        plan_map(run)
