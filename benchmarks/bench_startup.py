"""How soon the command line answers. Target: `influence --help` within 0.5 s."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.pairing import Action, Pair, compare


def python(*arguments: str) -> Action:
    def action() -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    return action


def results() -> Iterator[Pair]:
    bare = python("-c", "pass")
    yield compare("influence --help", python("-m", "influence_core", "--help"), "python", bare)
    yield compare("influence runs", python("-m", "influence_core", "runs"), "python", bare)
    yield compare("import influence_core", python("-c", "import influence_core"), "python", bare)
