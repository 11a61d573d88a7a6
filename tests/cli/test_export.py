"""`influence export`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from influence_core.selection.select import SelectionSettings, select
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from tests.cli.conftest import Influence
from tests.reviewer import review_some


class TestExport:
    def test_the_subset_is_what_the_selection_says(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        options = ("--fraction", "0.4", "--strategy", "cutoff", "--prune", "hard", "--score", "pvi")
        facts = influence("export", "small", str(tmp_path / "out"), *options, "--json").json
        assert isinstance(facts, dict)
        settings = SelectionSettings(fraction=0.4, prune="hard", score="pvi")
        kept = select(small_run, settings).kept
        assert sum(facts["train_after"].values()) == len(kept)
        ids = small_run.examples(["id", "split"])
        lines = (tmp_path / "out" / "kept.jsonl").read_text().splitlines()
        exported = {row["id"] for row in map(json.loads, lines) if row["split"] == "train"}
        assert exported == set(ids["id"].iloc[kept])

    def test_its_own_command_repeats_it(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        first = tmp_path / "first"
        options = ("--fraction", "0.2", "--per-class", "--floor", "3", "--seed", "5")
        facts = influence("export", "small", str(first), *options, "--json").json
        assert isinstance(facts, dict)
        words = shlex.split(facts["command"])
        again = influence(*words[1:], "--overwrite", "--json").json
        assert isinstance(again, dict)
        assert again["files"] == facts["files"]

    def test_reviews_are_applied_and_the_command_repeats_them(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        review_some(small_run)
        options = ("--fraction", "0", "--reviews", "--json")
        facts = influence("export", "small", str(tmp_path / "out"), *options).json
        assert isinstance(facts, dict)
        assert facts["reviews"]["version"] == 4
        assert facts["rows_before"] - facts["rows_after"] == 2
        Reviews(small_run).undo("Ben")
        again = influence(*shlex.split(facts["command"])[1:], "--overwrite", "--json").json
        assert isinstance(again, dict)
        assert again["files"] == facts["files"]
        shown = influence("export", "small", str(tmp_path / "people"), "--reviews").out
        assert "Reviews, version 5: keep 2, relabel 2, drop 2; by Ada 4, Ben 2" in shown

    def test_people_see_the_classes_that_lose_most(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        answer = influence("export", "small", str(tmp_path / "out"), "--format", "csv")
        assert answer.code == 0
        assert "training rows kept" in answer.out
        assert str(tmp_path / "out") in answer.out

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--fraction", "2"], "'fraction' must be less than 1"),
            (["--prune", "both", "--strategy", "softmax"], "'strategy' must be 'cutoff'"),
            (["--score", "correctness"], "'score' must be one of"),
            (["--format", "xlsx"], "'--format'"),
        ],
    )
    def test_impossible_subsets_write_nothing(
        self,
        influence: Influence,
        small_run: Run,
        tmp_path: Path,
        options: list[str],
        message: str,
    ) -> None:
        answer = influence("export", "small", str(tmp_path / "out"), *options)
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err
        assert not (tmp_path / "out").exists()
