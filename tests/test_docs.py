"""What the documentation shows works: README blocks run, and so do examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import re
import shlex
from pathlib import Path

import pytest

from influence_core.cli.commands import COMMANDS, load

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WITH_EXAMPLES = sorted(
    path
    for folder in ("influence_core", "ui")
    for path in (ROOT / folder).rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def influence_lines(text: str) -> list[list[str]]:
    """Return the `influence` commands in the shell blocks, as words without comments."""
    shell = [line for language in ("bash", "sh", "shell") for line in blocks(text, language)]
    lines = "\n".join(shell).replace("\\\n", " ").splitlines()
    words = (shlex.split(line.removeprefix("$ "), comments=True) for line in lines)
    return [line for line in words if line and line[0] == "influence"]


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=dotted)
def test_examples_in_docstrings_hold(path: Path) -> None:
    outcome = doctest.testmod(importlib.import_module(dotted(path)))
    assert outcome.attempted > 0
    assert outcome.failed == 0


@pytest.mark.slow
@pytest.mark.skipif(not blocks(README, "python"), reason="README.md shows no Python yet")
def test_python_in_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs_root: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, block in enumerate(blocks(README, "python")):
        exec(compile(block, f"README.md, block {number + 1}", "exec"), names)


@pytest.mark.parametrize("words", influence_lines(README), ids=shlex.join)
def test_commands_in_the_readme_are_understood(words: list[str]) -> None:
    if words[1:] in ([], ["--help"]):
        return
    assert words[1] in COMMANDS
    command = load(words[1])
    if "--help" not in words:
        command.make_context(words[1], list(words[2:]))


def test_blocks_and_commands_are_found() -> None:
    text = "```bash\n$ influence run a.csv --label b  # note\nls\n```\n```python\nx = 1\n```\n"
    assert influence_lines(text) == [["influence", "run", "a.csv", "--label", "b"]]
    assert blocks(text, "python") == ["x = 1\n"]
