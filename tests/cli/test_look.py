"""The commands that look at runs and remove them."""

from __future__ import annotations

from pathlib import Path

import pytest

from influence_core.config import (
    RunSettings,
)
from influence_core.scores.agreement import write_agreement
from influence_core.scores.registry import SCORES
from influence_core.store.run import Run, create_run
from tests.cli.conftest import Influence
from tests.factory import make_run


class TestLook:
    def test_runs_are_listed_for_people_and_scripts(
        self, influence: Influence, runs_root: Path
    ) -> None:
        make_run(runs_root, "one")
        create_run("two", RunSettings(), runs_root)
        listed = influence("runs").out
        assert "one" in listed
        assert "finished" in listed
        facts = influence("runs", "--json").json
        assert isinstance(facts, list)
        assert {row["name"]: row["state"] for row in facts} == {"one": "finished", "two": "idle"}

    def test_a_run_that_cannot_be_read_does_not_hide_the_others(
        self, influence: Influence, runs_root: Path
    ) -> None:
        make_run(runs_root, "one")
        (runs_root / "broken").mkdir()
        (runs_root / "broken" / "run.json").write_text('{"format": 99}')
        facts = influence("runs", "--json").json
        assert isinstance(facts, list)
        assert {row["name"]: row["state"] for row in facts} == {
            "one": "finished",
            "broken": "unreadable",
        }
        assert influence("runs").code == 0

    def test_no_runs_tells_how_to_make_one(self, influence: Influence) -> None:
        answer = influence("runs")
        assert (answer.code, answer.out) == (0, "")
        assert "influence demo" in answer.err
        assert influence("runs", "--json").json == []

    def test_show_orders_examples_by_rank(self, influence: Influence, small_run: Run) -> None:
        facts = influence("show", "small", "--score", "pvi", "--top", "3", "--json").json
        assert isinstance(facts, dict)
        scores = small_run.scores(["id", "pvi", "pvi_rank"]).sort_values("pvi_rank")
        assert [row["id"] for row in facts["hardest"]] == list(scores["id"][:3])
        assert [row["id"] for row in facts["easiest"]] == list(scores["id"][::-1][:3])
        shown = influence("show", "small", "--score", "pvi").out
        assert "hardest by pvi" in shown
        assert "forgetting over snapshots" in shown

    def test_show_keeps_to_a_label(self, influence: Influence, small_run: Run) -> None:
        dataset = small_run.manifest().dataset
        assert dataset is not None
        label = dataset.label_names[1]
        facts = influence("show", "small", "--label", label, "--json").json
        assert isinstance(facts, dict)
        assert {row["label"] for row in facts["hardest"]} == {label}
        unknown = influence("show", "small", "--label", "nonsense")
        assert (unknown.code, "no label 'nonsense'" in unknown.err) == (2, True)

    def test_hostile_texts_cannot_move_the_terminal(
        self, influence: Influence, hostile_run: Run
    ) -> None:
        answer = influence("show", "hostile", "--top", "100")
        assert answer.code == 0
        assert not [letter for letter in answer.out if not (letter.isprintable() or letter == "\n")]

    def test_show_tells_how_far_scores_agree(self, influence: Influence, small_run: Run) -> None:
        assert influence("show", "small", "--json").json["agreement"] is None
        found = write_agreement(small_run, 0.1)
        assert found is not None
        shown = influence("show", "small").out
        assert "agreement: Spearman below the diagonal" in shown
        assert "hardest 10% have in common (Jaccard; by chance 0.05)" in shown
        (pair,) = (pair for pair in found.pairs if (pair.first, pair.second) == ("vog", "tracin"))
        (line,) = (line for line in shown.splitlines() if line.startswith("tracin "))
        assert f" {pair.spearman:.2f} " in line
        facts = influence("show", "small", "--json").json["agreement"]
        assert facts["pairs"] == [pair.model_dump() for pair in found.pairs]
        assert facts["chance"] == pytest.approx(0.1 / (2 - 0.1), abs=0.01)

    def test_scores_come_from_the_table(self, influence: Influence) -> None:
        facts = influence("scores", "--json").json
        assert isinstance(facts, list)
        assert [row["key"] for row in facts] == list(SCORES)
        assert [row["shape"] for row in facts] == [spec.shape for spec in SCORES.values()]
        shown = influence("scores").out
        for spec in SCORES.values():
            facts = (
                spec.summary,
                spec.formula,
                spec.shape,
                spec.unit,
                spec.cost,
                spec.reference,
            )
            assert all(fact in shown for fact in facts)

    def test_the_page_of_one_score(self, influence: Influence) -> None:
        shown = influence("scores", "el2n").out
        assert "probability, from 0 to 1.414" in shown
        assert "VoG" not in shown
        assert [row["key"] for row in influence("scores", "pvi", "--json").json] == ["pvi"]
        assert "no score 'nonsense'" in influence("scores", "nonsense").err

    def test_delete_needs_a_yes(
        self, influence: Influence, small_run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
        assert influence("delete", "small").code == 2
        assert small_run.path.is_dir()
        assert influence("delete", "small", "--yes").code == 0
        assert not small_run.path.exists()
