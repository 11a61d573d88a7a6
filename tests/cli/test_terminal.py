"""What the terminal shows."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from influence_core.cli import terminal
from influence_core.cli.terminal import plain, print_json
from influence_core.progress import Progress


def test_bars_show_figures_and_messages_letter_by_letter() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, markup=False, highlight=False)
    with terminal.bars_on(console) as bars:
        progress = Progress(terminal.Bars(bars), interval=0)
        progress.begin("training", 4, "steps")
        progress.advance(3, loss=0.25)
        progress.message("[red]3 rows[/red] \x1b[2J")
        progress.end()
        [task] = bars.tasks
        assert (task.completed, task.total, task.fields["figures"]) == (4, 4, "loss 0.25")
    assert "[red]3 rows[/red] \\x1b[2J" in screen.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("שלום 😀\n", "שלום 😀\n"),
        ("\u202e", "\\u202e"),
    ],
)
def test_plain_spells_control_characters_out(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_json_knows_no_number_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"σ": float("nan"), "curves": (1.5, float("inf"))})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "σ": None,
        "curves": [1.5, None],
    }
