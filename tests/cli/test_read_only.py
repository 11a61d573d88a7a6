"""Commands in a read-only demonstration: those that would write refuse as they refuse anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from influence_core.access import READ_ONLY
from influence_core.store.run import Run
from tests.cli.conftest import Influence
from tests.factory import make_run
from tests.untouched import contents

WRITING = (
    ("run", "voice-assistant", "--name", "new"),
    ("run", "--resume", "--name", "bare"),
    ("demo",),
    ("import", "voice-assistant", "--from", "small/scores.parquet"),
    ("noise", "small"),
    ("map", "small"),
    ("prune", "small"),
    ("export", "small", "out", "--fraction", "0.3"),
    ("report", "small"),
    ("flip", "small", "flipped.parquet"),
    ("reviewed", "small", "reviewed.parquet"),
    ("delete", "small", "--yes"),
)

READING = (("runs",), ("show", "small"), ("retention", "small"), ("scores",))


@pytest.fixture
def demonstration(small_run: Run, runs_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a finished run and of one that could be resumed, where nothing is written."""
    make_run(runs_root, "bare", scored=False)
    monkeypatch.chdir(runs_root)
    monkeypatch.setenv(READ_ONLY, "1")
    return runs_root


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
def test_what_writes_is_refused(
    demonstration: Path, influence: Influence, command: tuple[str, ...]
) -> None:
    before = contents(demonstration)
    answer = influence(*command)
    assert (answer.code, READ_ONLY in answer.err) == (2, True), answer.err
    assert contents(demonstration) == before


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_what_reads_goes_on(
    demonstration: Path, influence: Influence, command: tuple[str, ...]
) -> None:
    before = contents(demonstration)
    assert influence(*command).code == 0
    assert contents(demonstration) == before
