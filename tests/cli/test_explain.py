"""The command that asks why."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from influence_core.scores.pairwise.activations import HELD_OUT
from influence_core.store.run import Run
from tests.cli.conftest import Influence

WIDTH = 4


def give_activations(run: Run) -> Run:
    """Write heads and their inputs at random: enough to be explained, but for typed texts."""
    generator = np.random.default_rng(0)
    dataset = run.manifest().dataset
    assert dataset is not None
    train = dataset.splits["train"]
    shape = (len(dataset.label_names), WIDTH)
    for folder in (run.heads_folder, run.activations_folder / HELD_OUT):
        folder.mkdir(parents=True)
    for step in ("step-000010", "step-000020"):
        weights = {
            "0.weight": generator.normal(size=shape).astype(np.float32),
            "0.bias": np.zeros(shape[0], np.float32),
        }
        save_file(weights, run.heads_folder / f"{step}.safetensors")
        for folder, rows in ((".", train), (HELD_OUT, dataset.rows - train)):
            inputs = generator.normal(size=(rows, WIDTH)).astype(np.float16)
            np.save(run.activations_folder / folder / f"{step}.npy", inputs)
    return run


class TestExplain:
    def test_both_sides_are_shown(self, influence: Influence, small_run: Run) -> None:
        give_activations(small_run)
        answer = influence("explain", "small", "--row", "u00000003", "--count", "4", "--json")
        facts = answer.json
        assert isinstance(facts, dict)
        example = small_run.examples().loc[3]
        assert (facts["id"], facts["text"], facts["label"]) == tuple(
            example[["id", "text", "label"]]
        )
        assert (len(facts["proponents"]), len(facts["opponents"])) == (4, 4)
        assert facts["proponents"][0]["value"] > 0 > facts["opponents"][0]["value"]
        shown = influence("explain", "small", "--row", "u00000003", "--count", "4").out
        assert f"spoke for {example.label}" in shown
        assert f"spoke against {example.label}" in shown
        assert facts["opponents"][3]["id"] in shown
        assert "checkpoints" not in shown

    def test_a_label_is_asked_for(self, influence: Influence, small_run: Run) -> None:
        give_activations(small_run)
        dataset = small_run.manifest().dataset
        assert dataset is not None
        label = dataset.label_names[-1]
        asked = ("explain", "small", "--row", "u00000003", "--label", label)
        assert f"label {label}, predicted" in influence(*asked).out

    def test_hostile_texts_cannot_move_the_terminal(
        self, influence: Influence, hostile_run: Run
    ) -> None:
        give_activations(hostile_run)
        for row in ("u00000000", "u00000012"):
            answer = influence("explain", "hostile", "--row", row, "--count", "200")
            assert answer.code == 0
            assert all(letter.isprintable() or letter == "\n" for letter in answer.out)

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ((), "'row' must be given, or 'text', and not both; got None."),
            (("--row", "u00000003", "--text", "hello"), "not both"),
            (("--row", "\x1b[2J"), "'id' must be one of run 'small'; got '\\x1b[2J'."),
            (("--row", "u00000003", "--label", "nonsense"), "'label' must be one of"),
            (("--row", "u00000003", "--count", "0"), "'--count'"),
            (("--text", " "), "'text' must hold more than white space"),
        ],
    )
    def test_mistakes_are_told(
        self, influence: Influence, small_run: Run, asked: tuple[str, ...], message: str
    ) -> None:
        give_activations(small_run)
        answer = influence("explain", "small", *asked)
        assert (answer.code, answer.out) == (2, "")
        assert message in answer.err

    def test_a_run_without_activations_is_told(self, influence: Influence, small_run: Run) -> None:
        answer = influence("explain", "small", "--row", "u00000003")
        assert answer.code == 2
        assert "--keep-activations" in answer.err
