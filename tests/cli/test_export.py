"""`influence export`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from influence_core.selection.select import SelectionSettings, select
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from tests.cli.conftest import Influence
from tests.reviewer import review_some


def exported(folder: Path) -> set[str]:
    """Return the ids of the training rows that an export keeps."""
    lines = (folder / "kept.jsonl").read_text().splitlines()
    return {row["id"] for row in map(json.loads, lines) if row["split"] == "train"}


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
        assert exported(tmp_path / "out") == set(ids["id"].iloc[kept])

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

    def test_named_selections_go_first_and_the_command_repeats_them(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        easy = select(small_run, SelectionSettings(fraction=0.2)).dropped
        gold = Selections(small_run).create("gold", easy[:10])
        bad = Selections(small_run).create("bad", easy[10:15])
        options = ("--keep-selection", "gold", "--drop-selection", "bad", "--json")
        facts = influence("export", "small", str(tmp_path / "out"), *options).json
        assert isinstance(facts, dict)
        assert facts["selections"] == [
            {"use": "keep", "name": "gold", "version": gold.version, "rows": 10},
            {"use": "drop", "name": "bad", "version": bad.version, "rows": 5},
        ]
        kept = exported(tmp_path / "out")
        ids = small_run.examples(["id"])["id"]
        assert set(ids[easy[:10]]) <= kept
        assert not set(ids[easy[10:15]]) & kept
        again = influence(*shlex.split(facts["command"])[1:], "--overwrite", "--json").json
        assert isinstance(again, dict)
        assert again["files"] == facts["files"]
        Selections(small_run).add("gold", easy[15:16])
        changed = influence(*shlex.split(facts["command"])[1:], "--overwrite")
        assert (changed.code, "was changed since version" in changed.err) == (2, True)
        shown = influence("export", "small", str(tmp_path / "people"), *options[:2]).out
        assert "Kept at any rate, selection gold: 11 training rows" in shown

    def test_a_selection_alone_is_exported_whole_unless_a_fraction_is_given(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        rows = select(small_run, SelectionSettings(fraction=0.5)).kept
        Selections(small_run).create("mine", rows)
        only = ("--only-selection", "mine", "--json")
        facts = influence("export", "small", str(tmp_path / "whole"), *only).json
        assert isinstance(facts, dict)
        assert exported(tmp_path / "whole") == set(small_run.examples(["id"])["id"][rows])
        usual = influence("export", "small", str(tmp_path / "part"), *only, "--fraction", "0.3")
        assert isinstance(usual.json, dict)
        left = len(rows) - round(0.3 * len(rows))
        assert sum(usual.json["train_after"].values()) == left
        for command in (facts["command"], usual.json["command"]):
            again = influence(*shlex.split(command)[1:], "--overwrite", "--json").json
            assert isinstance(again, dict)
            assert again["train_after"] in (facts["train_after"], usual.json["train_after"])
            assert again["command"] == command

    def test_what_a_reviewer_drops_leaves_whatever_keeps_it(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        reviewed = list(review_some(small_run))
        ids = small_run.examples(["id"])["id"]
        Selections(small_run).create("gold", ids[ids.isin(reviewed)].index.tolist())
        options = ("--keep-selection", "gold", "--reviews", "--fraction", "0.9", "--json")
        assert influence("export", "small", str(tmp_path / "out"), *options).code == 0
        assert exported(tmp_path / "out") & set(reviewed) == {*reviewed[:4], *reviewed[6:]}

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
            (["--keep-selection", "ghost"], "has no selection 'ghost'"),
            (["--only-selection", "../up"], "'name' must be"),
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
