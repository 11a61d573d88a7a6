"""`influence run --queue` and `influence cancel`, with real processes that wait."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from influence_core.config import RunSettings
from influence_core.store.journal import JobRecord
from influence_core.store.run import Run, create_run, open_run
from tests.background import kill_stragglers, wait_for
from tests.cli.conftest import Influence


@pytest.fixture
def holding(runs_root: Path) -> Iterator[Run]:
    """A run at which this very process seems to work."""
    run = create_run("holding", RunSettings(), runs_root)
    run.update(status="running")
    JobRecord.of(os.getpid()).write(run)
    yield run
    kill_stragglers(runs_root)


def test_a_queued_run_waits_and_can_be_cancelled_and_queued_again(
    influence: Influence, holding: Run
) -> None:
    answer = influence("run", "voice-assistant", "--name", "later", "--epochs", "3", "--queue")
    assert answer.code == 0
    assert answer.out.startswith("later: queued, after Run 'holding'. `influence runs`")
    later = open_run("later")
    assert later.manifest().settings.training.epochs == 3
    assert any(
        row["name"] == "later" and row["state"] == "queued"
        for row in influence("runs", "--json").json
    )
    assert "asked to stop" in influence("cancel", "later").out
    wait_for(later, "cancelled")

    told = influence("run", "--resume", "--name", "later", "--workers", "2", "--queue", "--json")
    assert told.json["ahead"] == ["Run 'holding'"]
    assert later.manifest().settings.compute.workers == 2
    influence("cancel", "later")
    wait_for(later, "cancelled")
    assert later.manifest().stages == {}


@pytest.mark.parametrize("name", ["small", "holding"])
def test_what_is_complete_or_works_is_not_touched_by_queueing_it_again(
    influence: Influence, small_run: Run, holding: Run, name: str
) -> None:
    before = open_run(name).manifest_file.read_bytes()
    answer = influence("run", "--resume", "--name", name, "--workers", "2", "--queue")
    assert answer.code == 2
    assert {"small": "is complete", "holding": "another process"}[name] in answer.err
    assert open_run(name).manifest_file.read_bytes() == before


def test_nothing_can_be_cancelled_where_nothing_works(influence: Influence, small_run: Run) -> None:
    answer = influence("cancel", "small")
    assert answer.code == 2
    assert "Nothing works on run 'small'; its state is 'finished'." in answer.err


def test_settings_are_refused_before_there_is_a_run(influence: Influence, runs_root: Path) -> None:
    answer = influence("run", "voice-assistant", "--scores", "nonsense", "--queue")
    assert answer.code == 2
    assert not list(runs_root.iterdir())
