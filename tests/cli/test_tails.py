"""`influence tails`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from influence_core.store.run import Run
from influence_core.store.tails import TailSettings, tails, tails_command
from tests.cli.conftest import Influence


class TestTails:
    def test_the_options_are_those_of_the_table(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        path = tmp_path / "ends.jsonl"
        options = ("--score", "el2n", "--normalise", "class", "--end", "hardest", "--number", "2")
        answer = influence("tails", "small", str(path), *options, "--per-class")
        assert (answer.code, str(path) in answer.out) == (0, True)
        settings = TailSettings(
            score="el2n", normalise="class", end="hardest", number=2, per_class=True
        )
        command = tails_command(small_run, path, settings)
        assert shlex.split(command) == [
            *("influence", "tails", "small", str(path), *options, "--per-class")
        ]
        written = [json.loads(line)["id"] for line in path.read_text().splitlines()]
        assert written == tails(small_run, settings)["id"].tolist()

    def test_a_file_is_never_overwritten(
        self, influence: Influence, small_run: Run, tmp_path: Path
    ) -> None:
        path = tmp_path / "ends.csv"
        path.write_text("mine")
        answer = influence("tails", "small", str(path))
        assert (answer.code, "must be a new file" in answer.err) == (2, True)
        assert path.read_text() == "mine"
        assert (
            "'number' must be greater"
            in influence("tails", "small", str(tmp_path / "a.csv"), "--number", "0").err
        )
