"""Influence between examples against autograd over one example at a time, and against captum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from captum.influence import TracInCP, TracInCPFast
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from influence_core.model.classifier import build_head
from influence_core.scores.pairwise import kernel
from influence_core.scores.pairwise.head import Head, read_head

ROWS, QUERIES, WIDTH, CLASSES = 23, 4, 8, 5
RATES = (1e-3, 2e-3, 5e-4)
LAST = "6"
"""Name of the last of the three linear layers in the head."""


class Probe:
    """Three heads of one shape, features of rows and queries, and their labels."""

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / f"step-{step}.safetensors" for step in range(len(RATES))]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.model = build_head(WIDTH, (7, 6), CLASSES, 0.1).eval()
            for path in self.paths:
                weights = build_head(WIDTH, (7, 6), CLASSES, 0.1).state_dict()
                # Louder than torch begins, so that the heads disagree about the rows.
                save_file({name: 3 * value for name, value in weights.items()}, path)
            self.features = torch.randn(ROWS, WIDTH)
            self.queries = torch.randn(QUERIES, WIDTH)
        self.labels = torch.arange(ROWS) % CLASSES
        self.query_labels = torch.arange(QUERIES) % CLASSES

    @property
    def heads(self) -> list[Head]:
        return [read_head(path) for path in self.paths]

    def gradient(self, feature: Tensor, label: Tensor) -> Tensor:
        """One example's gradient of the last layer, weights and bias, by plain autograd."""
        loss = nn.functional.cross_entropy(self.model(feature[None]).double(), label[None])
        parts = torch.autograd.grad(loss, list(self.model[-1].parameters()))
        return torch.cat([part.flatten() for part in parts]).double()

    def by_autograd(self) -> np.ndarray:
        total = torch.zeros(QUERIES, ROWS, dtype=torch.float64)
        for path, rate in zip(self.paths, RATES, strict=True):
            self.model.load_state_dict(load_file(path))
            rows = [self.gradient(*one) for one in zip(self.features, self.labels, strict=True)]
            asked = zip(self.queries, self.query_labels, strict=True)
            queries = [self.gradient(*one) for one in asked]
            total += rate * torch.stack(queries) @ torch.stack(rows).T
        return total.numpy()

    def found(self) -> np.ndarray:
        total = np.zeros((QUERIES, ROWS))
        for head, rate in zip(self.heads, RATES, strict=True):
            inputs = head.inputs(self.features.numpy())
            for at, query in enumerate(head.inputs(self.queries.numpy())):
                delta = kernel.error(head, query, int(self.query_labels[at]))
                labels = self.labels.numpy()
                total[at] += rate * kernel.influence(head, inputs, labels, query, delta)
        return total


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    return Probe(tmp_path)


def close(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def test_equals_autograd_by_example(probe: Probe) -> None:
    expected = probe.by_autograd()
    assert (expected > 0).any()
    assert (expected < 0).any()
    close(probe.found(), expected)


@pytest.mark.parametrize("block", [1, 5, 4096])
def test_blocks_change_nothing(probe: Probe, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    expected = probe.found()
    monkeypatch.setattr(kernel, "BLOCK", block)
    np.testing.assert_allclose(probe.found(), expected, rtol=1e-5, atol=1e-9)


def test_influence_of_a_row_on_itself(probe: Probe) -> None:
    head, labels = probe.heads[0], probe.labels.numpy()
    inputs = head.inputs(probe.features.numpy())
    itself = [
        kernel.influence(head, inputs, labels, inputs[row], delta)[row]
        for row in range(ROWS)
        for delta in [kernel.error(head, inputs[row], int(labels[row]))]
    ]
    close(kernel.self_influence(head, inputs, labels), np.array(itself))


def test_digits_survive_where_the_model_is_nearly_sure() -> None:
    """Two classes, h = 1, logits ±z/2: δ = (−e, e) with e = 1 / (1 + eᶻ), here 2e-9."""
    weight = np.array([[10.0], [-10.0]], dtype=np.float32)
    head = Head((weight,), (np.zeros(2, np.float32),))
    given, labels = np.ones((1, 1), np.float32), np.zeros(1, np.int64)
    wrong = 1 / (1 + np.exp(20.0))
    delta = kernel.error(head, given[0], 0)
    np.testing.assert_allclose(delta, [-wrong, wrong], rtol=1e-6)
    found = kernel.influence(head, given, labels, given[0], delta)
    np.testing.assert_allclose(found, 2 * wrong**2 * 2, rtol=1e-6)
    np.testing.assert_allclose(kernel.self_influence(head, given, labels), found, rtol=1e-6)


def test_every_half_is_widened_exactly() -> None:
    halves = np.arange(2**16, dtype=np.uint32).astype(np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    singles = kernel.widened(halves)
    assert singles.dtype == np.float32
    np.testing.assert_array_equal(singles, halves.astype(np.float32))
    np.testing.assert_array_equal(np.signbit(singles), np.signbit(halves))
    np.testing.assert_array_equal(kernel.widened(singles), singles)


class TestCaptum:
    """captum computes the same from a data loader and the files of the checkpoints."""

    def _load(self, model: nn.Module, path: str) -> float:
        model.load_state_dict(load_file(path))
        return RATES[int(Path(path).stem.removeprefix("step-"))]

    def test_all_parameters_of_the_layer(self, probe: Probe) -> None:
        peer = TracInCP(
            probe.model,
            torch.utils.data.TensorDataset(probe.features, probe.labels),
            [str(path) for path in probe.paths],
            self._load,
            layers=[LAST],
            loss_fn=nn.CrossEntropyLoss(reduction="none"),
            batch_size=6,
        )
        asked = (probe.queries, probe.query_labels)
        close(probe.found(), peer.influence(asked).numpy())
        ids = np.array([f"{row:03d}" for row in range(ROWS)], dtype=object)
        for proponents, sign in ((True, 1), (False, -1)):
            places, values = peer.influence(asked, k=3, proponents=proponents)
            theirs = [
                [place for place, value in zip(*one, strict=True) if sign * value > 0]
                for one in zip(places.tolist(), values.tolist(), strict=True)
            ]
            assert [kernel.extremes(sign * one, ids, 3) for one in probe.found()] == theirs

    def test_the_fast_class_that_leaves_the_bias_out(self, probe: Probe) -> None:
        """Its h is given a 1 at the end, whose weight is the bias."""
        for number, head in enumerate(probe.heads):
            model = nn.Sequential(nn.Identity(), nn.Linear(7, CLASSES, bias=False)).eval()
            whole = np.concatenate([head.weights[-1], head.biases[-1][:, None]], axis=1)
            model[1].weight.data = torch.from_numpy(whole)
            peer = TracInCPFast(
                model,
                model[1],
                torch.utils.data.TensorDataset(self._longer(head, probe.features), probe.labels),
                [str(probe.paths[number])],
                lambda _model, _path: 1.0,
                loss_fn=nn.CrossEntropyLoss(reduction="sum"),
                batch_size=6,
            )
            asked = (self._longer(head, probe.queries), probe.query_labels)
            inputs, labels = head.inputs(probe.features.numpy()), probe.labels.numpy()
            queries = head.inputs(probe.queries.numpy())
            found = [
                kernel.influence(head, inputs, labels, query, kernel.error(head, query, at))
                for at, query in enumerate(queries)
            ]
            close(np.stack(found), peer.influence(asked).numpy())
            itself = kernel.self_influence(head, inputs, labels)
            close(itself, peer.self_influence().numpy())

    def _longer(self, head: Head, features: Tensor) -> Tensor:
        return nn.functional.pad(torch.from_numpy(head.inputs(features.numpy())), (0, 1), value=1)


class TestExtremes:
    """Hand-worked."""

    ids = np.array(["d", "c", "b", "a", "e"], dtype=object)

    def test_the_highest_come_first_and_ties_go_by_id(self) -> None:
        values = np.array([1.0, 3.0, 1.0, 1.0, -2.0])
        assert kernel.extremes(values, self.ids, 3) == [1, 3, 2]
        assert kernel.extremes(values, self.ids, 9) == [1, 3, 2, 0]

    def test_only_what_lies_above_zero_counts(self) -> None:
        values = np.array([0.0, -1.0, 0.5, 0.0, -3.0])
        assert kernel.extremes(values, self.ids, 3) == [2]
        assert kernel.extremes(-values, self.ids, 3) == [4, 1]
