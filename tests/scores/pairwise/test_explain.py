"""Who spoke for and against: whole runs against autograd over one text at a time."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import influence_core
from influence_core.errors import ConfigError, DataError, RunError
from influence_core.model.classifier import head_linear, load_classifier
from influence_core.model.encoder import load_tokenizer
from influence_core.scores.pairwise.explain import Influences, explain
from influence_core.store.run import Run
from tests.test_architecture import loaded_by

EVERYTHING = 1000


def by_autograd(run: Run, row: int, label: str, checkpoints: int = 3) -> pd.Series:
    """Sum lr · gᵢ · g_q over the last checkpoints, one text at a time, for each training row."""
    examples = run.examples().reset_index(drop=True)
    names = run.manifest().dataset.label_names
    tokenizer = load_tokenizer(str(run.model_folder))
    train = examples.index[examples.split == "train"]
    total = pd.Series(0.0, index=train)
    for folder in sorted(run.checkpoints_folder.iterdir())[-checkpoints:]:
        model = load_classifier(folder)
        last = list(head_linear(model).parameters())

        def gradient(text: str, label: str) -> torch.Tensor:
            logits = model(**tokenizer(text, return_tensors="pt")).logits  # noqa: B023
            loss = -logits.log_softmax(dim=1)[0, names.index(label)]
            parts = torch.autograd.grad(loss, last)  # noqa: B023
            return torch.cat([part.flatten() for part in parts]).double()

        asked = gradient(examples.text[row], label)
        rate = run.manifest().settings.training.head_lr
        rows = [gradient(examples.text[at], examples.label[at]) for at in train]
        total += rate * (torch.stack(rows) @ asked).numpy()
    return total


def compare(found: Influences, expected: pd.Series) -> None:
    listed = {one.row: one.value for one in (*found.proponents, *found.opponents)}
    expected = expected.drop(index=[found.row], errors="ignore")
    mine = pd.Series(listed).reindex(expected.index, fill_value=0.0)
    np.testing.assert_allclose(mine, expected, rtol=5e-3, atol=1e-3 * expected.abs().max())
    values = [one.value for one in found.proponents]
    assert values == sorted(values, reverse=True)
    assert all(one.value < 0 for one in found.opponents)


def row_of(run: Run, split: str) -> int:
    return int(np.flatnonzero(run.examples(["split"]).split == split)[1])


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_fine_tuned_row_against_autograd(kept_whole: Run, split: str) -> None:
    row = row_of(kept_whole, split)
    found = explain(kept_whole, row=row, count=EVERYTHING)
    assert (found.row, found.checkpoints, found.kept) == (row, 3, 3)
    assert found.label == kept_whole.examples().label[row]
    assert row not in {one.row for one in found.proponents}
    compare(found, by_autograd(kept_whole, row, found.label))


def test_another_label_is_spoken_for_by_others(kept_whole: Run) -> None:
    row = row_of(kept_whole, "test")
    found = explain(kept_whole, row=row, label="music", count=EVERYTHING)
    assert found.label == "music"
    compare(found, by_autograd(kept_whole, row, "music"))


def alike(one: Influences, other: Influences) -> None:
    assert (one.predicted, one.text) == (other.predicted, other.text)
    values = [
        pd.Series({each.id: each.value for each in (*found.proponents, *found.opponents)})
        for found in (one, other)
    ]
    mine, theirs = values[0].align(values[1], fill_value=0.0)
    np.testing.assert_allclose(mine, theirs, rtol=1e-2, atol=1e-3 * theirs.abs().max())


@pytest.mark.parametrize("name", ["probed", "kept_whole"])
def test_a_typed_text_is_a_row_of_the_same_words(name: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(name)
    row = row_of(run, "validation")
    asked = explain(run, row=row, label="music", count=EVERYTHING)
    typed = explain(run, text=asked.text, label="music", count=EVERYTHING)
    assert (typed.row, typed.id, typed.checkpoints) == (None, None, 3)
    alike(typed, asked)


@pytest.fixture
def usual(kept_whole: Run, tmp_path: Path) -> Run:
    """The same fine-tuning as it is without special wishes: no checkpoints, training rows only."""
    run = Run(shutil.copytree(kept_whole.path, tmp_path / "usual"))
    shutil.rmtree(run.checkpoints_folder)
    shutil.rmtree(run.activations_folder / "held_out")
    return run


def test_the_last_checkpoint_alone_answers_where_earlier_ones_are_gone(
    usual: Run, kept_whole: Run
) -> None:
    row = row_of(usual, "test")
    asked = explain(usual, row=row, label="music", count=EVERYTHING)
    assert (asked.checkpoints, asked.kept) == (1, 3)
    compare(asked, by_autograd(kept_whole, row, "music", checkpoints=1))
    typed = explain(usual, text=asked.text, label="music", count=EVERYTHING)
    assert (typed.checkpoints, typed.kept) == (1, 3)
    alike(typed, asked)
    assert explain(usual, row=row_of(usual, "train")).checkpoints == 3


@pytest.mark.parametrize("name", ["probed", "kept_whole"])
def test_the_predicted_label_is_that_of_the_final_model(
    name: str, request: pytest.FixtureRequest
) -> None:
    run: Run = request.getfixturevalue(name)
    final = pd.read_parquet(run.predictions_file)
    for row in (row_of(run, split) for split in ("train", "validation", "test")):
        found = explain(run, row=row)
        assert found.predicted == final.predicted[row]
        assert found.confidence == pytest.approx(final.confidence[row], abs=0.01)
    typed = explain(run, text="jazz radio")
    assert typed.label == typed.predicted


def test_a_row_by_id_and_by_number_and_fewer_rows(probed: Run) -> None:
    examples = probed.examples()
    whole = influence_core.explain(probed, row=3, count=EVERYTHING)
    by_id = influence_core.explain(probed, row=examples.id[3], count=2)
    assert by_id.proponents == whole.proponents[:2]
    assert by_id.opponents == whole.opponents[:2]
    for one in by_id.proponents:
        assert (one.id, one.text, one.label) == tuple(
            examples.loc[one.row, ["id", "text", "label"]]
        )


def test_a_row_is_explained_without_a_model(probed: Run) -> None:
    asking = "import influence_core as ic; ic.explain(ic.open_run('probe'), row=0)"
    assert not loaded_by(asking, probed.path.parent) & {"torch", "transformers"}


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({}, ConfigError, "'row' must be given, or 'text', and not both"),
        ({"row": 1, "text": "jazz"}, ConfigError, "not both"),
        ({"row": 1, "count": 0}, ConfigError, "'count' must be at least 1"),
        ({"row": "nobody"}, DataError, "'id' must be one of run 'probe'; got 'nobody'"),
        ({"row": 90}, DataError, "'row' must be one of run 'probe'; got 90"),
        ({"row": -1}, DataError, "'row' must be one of"),
        ({"row": 1, "label": ""}, DataError, "'label' must be one of 'lights', 'music'"),
        ({"text": " \n"}, DataError, "'text' must hold more than white space"),
        ({"text": "jazz \udc80"}, DataError, "'text' must be valid Unicode"),
        ({"text": "jazz", "text_pair": "radio"}, DataError, "'text_pair' must be left out"),
    ],
)
def test_what_cannot_be_asked(
    probed: Run, asked: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        explain(probed, **asked)


def test_hostile_texts_are_read_as_texts(probed: Run) -> None:
    for text in ("\u202e 👩‍👩‍👧 \x00", "jazz " * 20_000, "[SEP] [MASK]", "<b>'; DROP TABLE"):
        assert explain(probed, text=text).text == text


def test_a_run_without_activations_says_what_to_do(small_run: Run) -> None:
    with pytest.raises(RunError, match=r"no 'activations/'.*--keep-activations"):
        explain(small_run, row=0)
