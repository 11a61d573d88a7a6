from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from influence_core.config import DataSettings, RunSettings
from influence_core.data import load
from influence_core.errors import DataError
from influence_core.progress import silent
from influence_core.store.run import DatasetSummary, Finding, Run, create_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run("probe", RunSettings(), tmp_path / "runs")


@pytest.fixture
def loaded(run: Run) -> Callable[..., DatasetSummary]:
    """Load a source into `run` with settings given as keywords."""

    def call(source: object, **settings: Any) -> DatasetSummary:
        return load(DataSettings(source=str(source), **settings), run, silent())

    return call


@pytest.fixture
def refused(run: Run) -> Callable[..., tuple[str, dict[str, Finding]]]:
    """Load a source that must fail: return the message and the errors by check."""

    def call(source: object, **settings: Any) -> tuple[str, dict[str, Finding]]:
        with pytest.raises(DataError) as caught:
            load(DataSettings(source=str(source), **settings), run, silent())
        assert not run.examples_file.exists()
        assert not run.private_folder.joinpath("data").exists()
        errors = [finding for finding in caught.value.findings if finding.level == "error"]
        return str(caught.value), {finding.check: finding for finding in errors}

    return call


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """Write text to a CSV file."""

    def write(text: str, name: str = "data.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(encoding))
        return path

    return write


def rows_of(count: int, classes: int = 2, header: str = "id,text,label") -> str:
    """Return CSV of distinct texts over some classes."""
    lines = [f"r{row},sentence number {row},c{row % classes}" for row in range(count)]
    return "\n".join([header, *lines]) + "\n"
