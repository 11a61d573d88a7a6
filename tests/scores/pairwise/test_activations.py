"""What the head was given: against the models themselves, and through losses and reruns."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification

from influence_core import InfluenceRecorder, score_checkpoints
from influence_core.errors import RunError
from influence_core.model.classifier import build_head, load_classifier
from influence_core.model.encoder import load_tokenizer
from influence_core.model.tokens import TokenStore, open_tokens, tokenize
from influence_core.progress import silent
from influence_core.scores.gradients.trace import Plan, trace
from influence_core.scores.pairwise import activations
from influence_core.scores.pairwise.head import read_head
from influence_core.scores.pairwise.kernel import self_influence
from influence_core.store.run import Run
from influence_core.training.outlook import Examples, read_examples
from influence_core.training.probe import save_head
from tests.plain_classifier import save_checkpoints
from tests.requests import TOPICS, write_requests
from tests.training.test_recorder import trainer

HALF = {"rtol": 1e-3, "atol": 1e-5}
"""Float16 keeps eleven bits."""


def examples_of(run: Run) -> Examples:
    dataset = run.manifest().dataset
    assert dataset is not None
    return read_examples(run, dataset.label_names)


@pytest.fixture
def tokens(kept_whole: Run, tmp_path: Path) -> TokenStore:
    tokenizer = load_tokenizer(str(kept_whole.model_folder))
    tokenize(kept_whole.examples_file, tokenizer, 128, tmp_path / "tokens", silent())
    return open_tokens(tmp_path / "tokens")


@pytest.mark.parametrize("widths", [(), (6,), (6, 5)])
def test_a_head_of_arrays_is_the_head_of_torch(tmp_path: Path, widths: tuple[int, ...]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = build_head(8, widths, 4, 0.1).eval()
        features = torch.randn(5, 8)
    save_head(head, tmp_path / "head.safetensors")
    read = read_head(tmp_path / "head.safetensors")
    inputs = read.inputs(features.numpy())
    assert (read.width, read.classes) == (inputs.shape[1], 4)
    with torch.inference_mode():
        np.testing.assert_allclose(inputs, head[:-1](features), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(read.logits(inputs), head(features), rtol=1e-5, atol=1e-6)


def test_a_probe_keeps_what_its_heads_are_given(probed: Run) -> None:
    rows = examples_of(probed).train_rows
    features = torch.from_numpy(np.load(probed.embeddings_file)[rows].astype(np.float32))
    kept = activations.open_checkpoints(probed)
    assert len(kept) == 3
    for checkpoint in kept:
        assert checkpoint.inputs.dtype == np.float16
        assert checkpoint.held_out is None
        given = features
        layers = list(zip(checkpoint.head.weights, checkpoint.head.biases, strict=True))
        for weight, bias in layers[:-1]:
            given = (given @ torch.from_numpy(weight).T + torch.from_numpy(bias)).relu()
        np.testing.assert_allclose(checkpoint.inputs, given, **HALF)


def test_a_fine_tuning_keeps_what_its_heads_are_given(kept_whole: Run, tokens: TokenStore) -> None:
    examples = examples_of(kept_whole)
    held_out = np.flatnonzero(examples.splits != "train")
    for checkpoint in activations.open_checkpoints(kept_whole):
        model = load_classifier(kept_whole.checkpoints_folder / f"step-{checkpoint.step:06d}")
        assert checkpoint.held_out is not None
        for rows, stored in (
            (examples.train_rows, checkpoint.inputs),
            (held_out, checkpoint.held_out),
        ):
            with torch.inference_mode():
                given = [model.head[:-1](model.features(**tokens.batch([row]))) for row in rows]
            np.testing.assert_allclose(stored, torch.cat(given), **HALF)


@pytest.mark.parametrize("name", ["probed", "kept_whole"])
def test_self_influence_is_the_score_of_the_run(name: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(name)
    examples = examples_of(run)
    labels = examples.labels[examples.train_rows]
    rate = run.manifest().settings.training.head_lr
    found = sum(
        rate * self_influence(one.head, one.inputs, labels)
        for one in activations.open_checkpoints(run)
    )
    np.testing.assert_allclose(found, run.scores().tracin, rtol=1e-3)


def test_only_the_gathered_files_stay(kept_whole: Run) -> None:
    kept = {path.name for path in kept_whole.activations_folder.glob("*.npy")}
    heads = {path.stem for path in kept_whole.heads_folder.iterdir()}
    assert kept == {f"{head}.npy" for head in heads}
    assert not list(kept_whole.traces_folder.glob("*.npy"))


def without_one(run: Run, folder: Path) -> tuple[Run, Path, bytes]:
    """Copy a run, and take one file of its activations away."""
    copy = Run(shutil.copytree(run.path, folder / run.name))
    lost = sorted(copy.activations_folder.glob("*.npy"))[1]
    held = lost.read_bytes()
    lost.unlink()
    return copy, lost, held


def test_a_lost_file_of_a_probe_comes_back_with_the_same_bytes(
    probed: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, lost, held = without_one(probed, tmp_path)
    features = np.load(copy.embeddings_file, mmap_mode="r")
    activations.keep_probed(copy, features, examples_of(copy).train_rows, silent())
    assert lost.read_bytes() == held
    lost.unlink()
    monkeypatch.setattr(activations, "BLOCK", 7)
    activations.keep_probed(copy, features, examples_of(copy).train_rows, silent())
    np.testing.assert_allclose(np.load(lost), np.load(probed.activations_folder / lost.name))


def test_a_lost_file_of_a_fine_tuning_comes_back_with_the_same_bytes(
    kept_whole: Run, tokens: TokenStore, tmp_path: Path
) -> None:
    copy, lost, held = without_one(kept_whole, tmp_path)
    examples = examples_of(copy)
    shutil.rmtree(copy.traces_folder)
    trace(
        checkpoints=sorted(copy.checkpoints_folder.iterdir()),
        tokens=tokens,
        rows=examples.train_rows,
        labels=examples.labels,
        folder=copy.traces_folder,
        plan=Plan(vog=False, tracin=True, learning_rate=1.0, head_inputs=True),
        settings=copy.manifest().settings.scoring,
        precision="fp32",
        progress=silent(),
    )
    assert len(list(copy.traces_folder.glob("shard-*.npy"))) > 1
    activations.keep_traced(copy, examples.train_rows, silent())
    assert lost.read_bytes() == held


@pytest.mark.parametrize("split", ["train", "other"])
def test_a_pass_of_its_own_gives_what_the_trace_caught(
    kept_whole: Run, tokens: TokenStore, tmp_path: Path, split: str
) -> None:
    examples = examples_of(kept_whole)
    rows = np.flatnonzero((examples.splits == "train") == (split == "train"))
    activations.keep_passed(kept_whole, tokens, rows, tmp_path / "passed", "fp32", silent())
    for checkpoint in activations.open_checkpoints(kept_whole):
        stored = checkpoint.inputs if split == "train" else checkpoint.held_out
        passed = np.load(tmp_path / "passed" / f"step-{checkpoint.step:06d}.npy")
        np.testing.assert_allclose(passed, stored, **HALF)


def test_a_trace_that_caught_nothing_leaves_nothing(kept_whole: Run, tmp_path: Path) -> None:
    copy = Run(shutil.copytree(kept_whole.path, tmp_path / "copy"))
    shutil.rmtree(copy.activations_folder)
    activations.keep_traced(copy, examples_of(copy).train_rows, silent())
    with pytest.raises(RunError, match=r"no 'activations/'.*--keep-activations all"):
        activations.open_checkpoints(copy)


@pytest.fixture
def scaled_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let classifiers do something to what their last linear layer says."""
    forward = BertForSequenceClassification.forward

    @wraps(forward)
    def scaled(self: BertForSequenceClassification, *given: object, **named: object):
        answer = forward(self, *given, **named)
        answer.logits = answer.logits * 2
        return answer

    monkeypatch.setattr(BertForSequenceClassification, "forward", scaled)


@pytest.mark.usefixtures("scaled_answers", "runs_root")
@pytest.mark.parametrize("origin", ["checkpoints", "recorder"])
def test_answers_that_are_not_the_last_layers_are_told(
    tmp_path: Path, tiny_encoder: Path, origin: str
) -> None:
    if origin == "checkpoints":
        folder = save_checkpoints(tmp_path / "plain", tiny_encoder, tuple(TOPICS), steps=(10, 20))
        run = score_checkpoints(folder, str(write_requests(tmp_path / "requests.csv", rows=30)))
    else:
        made = trainer(tiny_encoder, tmp_path / "recorded", num_train_epochs=1)
        recorder = InfluenceRecorder(checkpoints=2, scores=["tracin"])
        recorder.attach(made)
        made.train()
        assert recorder.run is not None
        run = recorder.run
    assert (run.manifest().status, run.manifest().settings.origin) == ("complete", origin)
    with pytest.raises(RunError, match="do not come from its last linear layer alone"):
        activations.open_checkpoints(run)


def test_a_recording_without_a_trace_is_told_to_record_again(
    tmp_path: Path, tiny_encoder: Path, runs_root: Path
) -> None:
    made = trainer(tiny_encoder, tmp_path / "recorded", num_train_epochs=1)
    InfluenceRecorder(checkpoints=0).attach(made)
    made.train()
    with pytest.raises(RunError, match="record again with checkpoints"):
        activations.open_checkpoints(Run(runs_root / "recorded"))


def test_an_unfinished_run_is_not_opened(probed: Run, tmp_path: Path) -> None:
    copy, _, _ = without_one(probed, tmp_path)
    copy.update(status="cancelled")
    with pytest.raises(RunError, match=r"no 'activations/'.*'cancelled': resume it"):
        activations.open_checkpoints(copy)


def test_what_float16_cannot_hold_becomes_its_largest_number() -> None:
    halve: Callable[..., np.ndarray] = activations.halved
    np.testing.assert_array_equal(halve(np.array([1e6, -1e6, 1.5])), [65504, -65504, 1.5])
