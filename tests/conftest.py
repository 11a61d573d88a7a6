"""Fixtures that every test may use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import settings

from influence_core.store.files import write_parquet
from influence_core.store.run import RUNS_VARIABLE, Run
from tests.factory import make_run, read
from tests.requests import TOPICS, requests
from tests.tiny_encoder import save_tiny_encoder

# A busy machine is no failure: no test asserts how long something takes.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def runs_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs that the environment points at."""
    root = tmp_path / "runs"
    root.mkdir()
    monkeypatch.setenv(RUNS_VARIABLE, str(root))
    return root


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a two-layer BERT that knows the words of the invented requests."""
    texts = [text for text, _ in requests(TOPICS, 60)]
    return save_tiny_encoder(tmp_path_factory.mktemp("encoder"), texts)


@pytest.fixture(scope="session")
def made_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs made once; tests work on copies."""
    root = tmp_path_factory.mktemp("made")
    make_run(root)
    make_run(root, name="hostile", rows=120, hostile=True)
    return root


@pytest.fixture
def small_run(made_runs: Path, runs_root: Path) -> Run:
    """A complete run of 400 rows and six classes."""
    return Run(shutil.copytree(made_runs / "small", runs_root / "small"))


@pytest.fixture
def other_run(small_run: Run) -> Run:
    """The small run again, but for a model that always says the first label."""
    run = Run(shutil.copytree(small_run.path, small_run.path.with_name("other")))
    predictions = read(run.predictions_file)
    said = pa.array([run.manifest().dataset.label_names[0]] * len(predictions))
    at = predictions.column_names.index("predicted")
    write_parquet(run.predictions_file, predictions.set_column(at, "predicted", said))
    run.update(name="other")
    return run


@pytest.fixture
def hostile_run(made_runs: Path, runs_root: Path) -> Run:
    """A run whose texts, labels and column names attack whoever shows them."""
    return Run(shutil.copytree(made_runs / "hostile", runs_root / "hostile"))
