"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from influence_core.store.run import RUNS_VARIABLE, Run
from tests.factory import make_run


@pytest.fixture
def runs_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs that the environment points at."""
    root = tmp_path / "runs"
    root.mkdir()
    monkeypatch.setenv(RUNS_VARIABLE, str(root))
    return root


@pytest.fixture
def small_run(runs_root: Path) -> Run:
    """A complete run of 400 rows and six classes."""
    return make_run(runs_root)


@pytest.fixture
def hostile_run(runs_root: Path) -> Run:
    """A run whose texts, labels and column names attack whoever shows them."""
    return make_run(runs_root, name="hostile", rows=120, hostile=True)
