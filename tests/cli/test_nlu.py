"""`influence nlu`: stacks from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from influence_core.nlu.experiment import open_stacks
from influence_core.store.run import Run
from tests.cli.conftest import Influence
from tests.nlu.sentences import scored

GRID = ("--techniques", "random,vog-dataset", "--fractions", "0.4", "--seeds", "2", "--epochs", "3")


@pytest.fixture
def assistant(runs_root: Path) -> Run:
    """A run whose labels are the domains of invented sentences."""
    return scored(runs_root, "assistant")


def test_people_see_rates_changes_and_the_paper_s(influence: Influence, assistant: Run) -> None:
    answer = influence("nlu", "assistant", *GRID, "--domains", "--paper")
    assert answer.code == 0, answer.err
    assert "estimated with probe, equal steps" in answer.out
    assert answer.out.index("overall") < answer.out.index("weather")
    assert "nan" not in answer.out
    assert "the paper's figures" in answer.out
    assert "-11.7" in answer.out
    assert "Health & Fitness" in answer.out
    assert len(list(open_stacks(assistant, "stack").outcomes())) == 2 + 2 * 2


def test_scripts_get_json_and_it_is_resumed(influence: Influence, assistant: Run) -> None:
    facts = influence("nlu", "assistant", *GRID, "--name", "first", "--json").json
    assert isinstance(facts, dict)
    assert facts["status"] == "complete"
    assert facts["whole"][0]["domain"] is None
    assert {one["technique"] for one in facts["changes"]} == {"random", "vog-dataset"}
    again = influence("nlu", "assistant", "--name", "first", "--resume", "--json").json
    assert again["stacks"] == facts["stacks"]


def test_data_without_intents_are_refused(influence: Influence, assistant: Run) -> None:
    answer = influence("nlu", "assistant", "--intent", "purpose")
    assert answer.code == 2
    assert "'intent' must be a column of the data" in answer.err
    assert not (assistant.path / "nlu").exists()
