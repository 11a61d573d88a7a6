"""`influence understand`: a sentence followed through a stack from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from influence_core.nlu.measure import train_stacks
from influence_core.nlu.settings import StackSettings
from influence_core.store.run import Run
from tests.cli.conftest import Influence
from tests.nlu.sentences import scored

SAID = "switch on the lamp in the kitchen"
ALONE = StackSettings(techniques=(), seeds=1, epochs=25, min_rows=5)


@pytest.fixture
def assistant(runs_root: Path) -> Run:
    """A run whose labels are the domains of invented sentences, with a stack that was kept."""
    run = scored(runs_root, "assistant")
    train_stacks(run, ALONE, name="kept")
    return run


def test_people_see_every_step_with_the_rows_that_spoke(
    influence: Influence, assistant: Run
) -> None:
    answer = influence("understand", "assistant", "--text", SAID, "--count", "2")
    assert answer.code == 0, answer.err
    steps = [line for line in answer.out.splitlines() if line.startswith(("domain", "in", "slot"))]
    assert [line.split(",")[0] for line in steps] == [
        "domain home",
        "intent light_on",
        "slot room: kitchen",
    ]
    for side in ("for", "against"):
        spoke = [line for line in answer.out.splitlines() if line.startswith(f"{side} ")]
        assert len(spoke) == 3 * 2
    one_intent = influence("understand", "assistant", "--text", "what weather is coming to riga")
    assert "have one intent: none was weighed." in one_intent.out


def test_scripts_get_json(influence: Influence, assistant: Run) -> None:
    asked = ("understand", "assistant", "--text", SAID, "--stack", "kept", "--count", "1", "--json")
    facts = influence(*asked).json
    assert isinstance(facts, dict)
    assert facts["domain"]["chosen"] == "home"
    assert [one["name"] for one in facts["intent"]["options"]] == ["light_on", "light_off"]
    (slot,) = facts["slots"]
    place = {name: slot[name] for name in ("start", "end", "name", "value")}
    assert place == {"start": 26, "end": 33, "name": "room", "value": "kitchen"}
    (loudest,) = slot["voices"]["proponents"]
    assert loudest["value"] > 0
    assert loudest["label"].startswith("room: ")


def test_the_newest_stack_that_was_kept_is_asked(influence: Influence, assistant: Run) -> None:
    train_stacks(assistant, ALONE.model_copy(update={"keep_stack": False}), name="later")
    assert influence("understand", "assistant", "--text", SAID).code == 0
    answer = influence("understand", "assistant", "--text", SAID, "--stack", "later")
    assert answer.code == 2
    assert "kept no stack. A new experiment keeps one: `influence nlu assistant`" in answer.err


def test_what_cannot_be_asked_is_refused(influence: Influence, assistant: Run) -> None:
    answer = influence("understand", "assistant", "--text", " ")
    assert answer.code == 2
    assert "'text' must hold more than white space" in answer.err


def test_a_run_without_experiments_says_so(influence: Influence, small_run: Run) -> None:
    answer = influence("understand", "small", "--text", SAID)
    assert answer.code == 2
    assert "Run 'small' has no stack experiment 'stack'; it has none." in answer.err
