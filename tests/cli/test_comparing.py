"""The command that compares two sides."""

from __future__ import annotations

import pytest

from influence_core.store.run import Run
from tests.cli.conftest import Influence

GRID = ("--strategies", "random", "--fractions", "0.8", "--seeds", "1", "--epochs", "2")


def test_a_run_is_compared_with_models_of_an_experiment(influence: Influence, probed: Run) -> None:
    assert influence("prune", probed.name, *GRID).code == 0
    sides = (probed.name, f"{probed.name}/pruning/random@0.8")
    answer = influence("compare", *sides)
    assert answer.code == 0, answer.err
    assert "first    Run" in answer.out
    assert "balanced_accuracy" in answer.out
    facts = influence("compare", *sides, "--json").json
    told = {one["metric"]: one for one in facts["overall"]}
    tested = probed.manifest().metrics["test"]
    assert told["accuracy"]["first"] == pytest.approx(tested["accuracy"])
    assert facts["rows"] == tested["rows"]
    assert len(facts["by_class"]["recall"]) <= len(probed.manifest().dataset.label_names)


def test_what_cannot_be_compared_is_said(influence: Influence, probed: Run) -> None:
    answer = influence("compare", probed.name, "ghost")
    assert answer.code == 2
    assert "ghost" in answer.err
    assert influence("compare", probed.name, "a/b").code != 0
