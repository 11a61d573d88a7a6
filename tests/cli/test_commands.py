"""The table of commands and the way they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from influence_core.cli.commands import COMMANDS, HIDDEN, load
from tests.cli.conftest import Influence


def test_no_command_shows_the_help_and_no_complaint(influence: Influence) -> None:
    answer = influence()
    assert answer.code == 2
    assert "Usage" in answer.out + answer.err
    assert "tells more" not in answer.err


@pytest.mark.parametrize("name", [*COMMANDS, *HIDDEN])
def test_the_table_of_commands_tells_what_the_commands_say(name: str) -> None:
    assert load(name).help.splitlines()[0] == {**COMMANDS, **HIDDEN}[name].summary


def test_a_traceback_reaches_stderr_of_a_real_process(tmp_path: Path) -> None:
    program = (
        "import sys, types\n"
        "module = types.ModuleType('influence_core.pipeline')\n"
        "module.run = lambda **_: 1 / 0\n"
        "sys.modules['influence_core.pipeline'] = module\n"
        "from influence_core.cli import main\n"
        "main(['run', 'x.csv'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "INFLUENCE_RUNS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "bug in Influence Scope" in done.stderr
    assert "ZeroDivisionError" in done.stderr


def test_a_wrong_choice_is_told_without_the_words_of_the_parser(influence: Influence) -> None:
    answer = influence("run", "data.csv", "--vog-statistic", "nope")
    assert answer.code == 2
    assert "'--vog-statistic': 'nope' is not one of 'variance', 'std'" in answer.err
    assert "Value error" not in answer.err
