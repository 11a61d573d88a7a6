"""How the work is cut changes no score: batches, padding, order of rows, shards.

That the number of workers changes no byte is in `test_workers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from influence_core.config import ModelSettings, ScoringSettings
from influence_core.model.classifier import (
    TextClassifier,
    build_classifier,
    build_head,
    load_classifier,
)
from influence_core.model.tokens import TokenStore
from influence_core.progress import silent
from influence_core.scores.gradients import probe_trace
from influence_core.scores.gradients import trace as traces
from influence_core.scores.gradients.trace import Plan, read_trace
from influence_core.training import passes, replay
from influence_core.training.dynamics import COLUMNS as OF_A_SNAPSHOT
from influence_core.training.dynamics import collect
from influence_core.training.passes import Observer
from influence_core.training.probe import save_head
from influence_core.training.replay import Replayer
from tests.plain_decoder import plain_decoder
from tests.scores.row_by_row import invented_tokens, save_checkpoints

LABELS = ("a", "b", "c")
LENGTHS = [3, 12, 5, 5, 9, 4, 20, 3, 8, 6]
COLUMNS = ("vog", "tracin", "grand")
PLAN = Plan(vog=True, tracin=True, learning_rate=0.1, head_learning_rate=1.0, grand=1)
WHOLE_ORDER = list(range(len(LENGTHS)))
orders = st.permutations(WHOLE_ORDER)


@dataclass(frozen=True)
class WidelyPadded(TokenStore):
    """Texts that are padded by more columns than the longest of a batch needs."""

    extra: int = 0

    def batch(self, rows):
        widen = {"input_ids": self.pad_id, "attention_mask": 0}
        return {
            name: torch.nn.functional.pad(part, (0, self.extra), value=widen[name])
            for name, part in super().batch(rows).items()
        }


@pytest.fixture(scope="module", params=["encoder", "plain decoder"])
def work(request, tmp_path_factory, tiny_encoder):
    if request.param == "encoder":
        model = build_classifier(ModelSettings(encoder=str(tiny_encoder)), LABELS, seed=0)
    else:
        model = plain_decoder("Qwen2", vocabulary=30, classes=LABELS, pads=True)
    checkpoints = save_checkpoints(model.eval(), tmp_path_factory.mktemp("checkpoints"))
    tokens = invented_tokens(LENGTHS, vocabulary=30, pad_id=0)
    return checkpoints, tokens


@pytest.fixture(scope="module")
def plainly(work):
    """The scores as a single shard in batches of one row."""
    checkpoints, tokens = work
    return {
        layer: scores(checkpoints, tokens, layer, WHOLE_ORDER, 1, 10_000)
        for layer in ("encoder", "full")
    }


def scores(checkpoints, tokens, layer, rows, batch_tokens, shard_tokens) -> np.ndarray:
    """Return VoG, TracIn and GraNd (3, texts) in the order of the texts."""
    chosen = ScoringSettings(tracin_layer=layer)
    # Smaller than a user may ask for, so that ten texts make several shards.
    chosen = chosen.model_copy(update={"shard_tokens": shard_tokens})
    labels = np.arange(len(LENGTHS)) % 3
    with TemporaryDirectory() as name, patch.object(traces, "BATCH_TOKENS", batch_tokens):
        folder = traces.Path(name)
        order = np.array(rows)
        traces.trace(checkpoints, tokens, order, labels, folder, PLAN, chosen, "fp32", silent())
        return in_order(folder)


def in_order(folder) -> np.ndarray:
    return np.stack([read_trace(folder, np.array(WHOLE_ORDER), column) for column in COLUMNS])


@settings(max_examples=10)
@given(
    layer=st.sampled_from(["encoder", "full"]),
    order=orders,
    batch_tokens=st.integers(1, 200),
    shard_tokens=st.integers(1, 100),
    extra=st.integers(0, 9),
)
def test_the_trace(work, plainly, layer, order, batch_tokens, shard_tokens, extra):
    checkpoints, tokens = work
    wide = WidelyPadded(tokens.ids, None, tokens.offsets, tokens.pad_id, extra)
    found = scores(checkpoints, wide, layer, order, batch_tokens, shard_tokens)
    np.testing.assert_allclose(found, plainly[layer], rtol=1e-5, atol=1e-6)


def by_observer(checkpoint, tokens, rows):
    """Look as a fine-tuning does at its snapshots."""
    return Observer(load_classifier(checkpoint), "fp32").logits(tokens, rows)


def by_replayer(checkpoint, tokens, rows):
    """Look as runs over checkpoints do."""
    return Replayer(checkpoint, tokens, "fp32").logits(rows)


def snapshot(look, checkpoint, tokens, rows, batch_tokens, most_rows) -> np.ndarray:
    """Return all columns of a snapshot (columns, texts) in the order of the texts."""
    order, labels = np.array(rows), np.arange(len(LENGTHS)) % 3
    with (
        patch.object(passes, "BATCH_TOKENS", batch_tokens),
        patch.object(replay, "BATCH_TOKENS", batch_tokens),
        patch.object(replay, "MOST_ROWS", most_rows),
    ):
        columns = collect(look(checkpoint, tokens, order), order, labels)
    return np.stack([columns[name][np.argsort(order)] for name in OF_A_SNAPSHOT])


@settings(max_examples=10)
@given(
    order=orders,
    batch_tokens=st.integers(1, 200),
    most_rows=st.integers(1, 10),
    extra=st.integers(0, 9),
)
def test_the_dynamics(work, order, batch_tokens, most_rows, extra):
    checkpoints, tokens = work
    wide = WidelyPadded(tokens.ids, None, tokens.offsets, tokens.pad_id, extra)
    ours = isinstance(load_classifier(checkpoints[0]), TextClassifier)
    for look in (by_replayer, by_observer) if ours else (by_replayer,):
        plainly = snapshot(look, checkpoints[0], tokens, WHOLE_ORDER, 1, 1)
        found = snapshot(look, checkpoints[0], wide, order, batch_tokens, most_rows)
        np.testing.assert_allclose(found, plainly, rtol=1e-5, atol=1e-6)


@settings(max_examples=10)
@given(order=orders, shard_rows=st.integers(1, 12), layer=st.sampled_from(["encoder", "full"]))
def test_the_trace_of_a_probe(order, shard_rows, layer):
    generator = np.random.default_rng(0)
    features = generator.normal(size=(len(LENGTHS), 8)).astype(np.float16)
    with TemporaryDirectory() as name:
        folder = traces.Path(name)
        heads = _heads(folder)
        plainly = _probed(folder / "plain", heads, features, WHOLE_ORDER, layer)
        with patch.object(probe_trace, "SHARD_ROWS", shard_rows):
            found = _probed(folder / "cut", heads, features, order, layer)
    np.testing.assert_allclose(found, plainly, rtol=1e-5, atol=1e-6)


def _heads(folder) -> list:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for step in range(2):
            save_head(build_head(8, (6, 5), 3, 0.1), folder / f"step-{step}.safetensors")
    return sorted(folder.glob("*.safetensors"))


def _probed(folder, heads, features, rows, layer) -> np.ndarray:
    labels = np.arange(len(LENGTHS)) % 3
    chosen = ScoringSettings(tracin_layer=layer)
    head, order = build_head(8, (6, 5), 3, 0.1), np.array(rows)
    probe_trace.trace_probe(head, heads, features, order, labels, folder, PLAN, chosen, silent())
    return in_order(folder)
