"""The trace of a probe against autograd over one row at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from influence_core.config import ScoringSettings
from influence_core.model.classifier import build_head
from influence_core.progress import silent
from influence_core.scores.gradients import probe_trace
from influence_core.scores.gradients.trace import Plan, read_trace
from influence_core.training.probe import save_head

ROWS, WIDTH, CLASSES, RATE = 23, 8, 4, 1e-3
GRAND = 1


@pytest.fixture
def probe(tmp_path):
    torch.manual_seed(0)
    heads = []
    for step in range(3):
        head = build_head(WIDTH, (6, 5), CLASSES, 0.1).eval()
        heads.append(head)
        save_head(head, tmp_path / f"step-{step}.safetensors")
    features = torch.randn(ROWS, WIDTH).numpy().astype(np.float16)
    labels = np.arange(ROWS) % CLASSES
    return heads, sorted(tmp_path.glob("*.safetensors")), features, labels


def expected(heads, features, labels, statistic, layer):
    vog, tracin, grand = [], [], []
    for row in range(ROWS):
        feature = torch.from_numpy(features[row].astype(np.float32)).requires_grad_()
        gradients, influence = [], 0.0
        for head in heads:
            logits = head(feature)
            (gradient,) = torch.autograd.grad(logits[labels[row]], feature, retain_graph=True)
            gradients.append(gradient)
            loss = -logits.log_softmax(0)[labels[row]]
            parts = torch.autograd.grad(loss, list(head.parameters()))
            squares = [part.square().sum().item() for part in parts]
            influence += RATE * sum(squares if layer == "full" else squares[-2:])
            if head is heads[GRAND]:
                grand.append(sum(squares) ** 0.5)
        stacked = torch.stack(gradients)
        spread = (
            stacked.std(0, correction=0) if statistic == "std" else stacked.var(0, correction=0)
        )
        vog.append(spread.mean().item())
        tracin.append(influence)
    return {"vog": np.array(vog), "tracin": np.array(tracin), "grand": np.array(grand)}


@pytest.mark.parametrize("statistic", ["variance", "std"])
@pytest.mark.parametrize("layer", ["head", "encoder", "full"])
@pytest.mark.parametrize("shard_rows", [5, 1000])
def test_equals_autograd_by_row(probe, tmp_path, monkeypatch, statistic, layer, shard_rows):
    heads, paths, features, labels = probe
    monkeypatch.setattr(probe_trace, "SHARD_ROWS", shard_rows)
    rows = np.array([row for row in range(ROWS) if row % 5])
    probe_trace.trace_probe(
        head=build_head(WIDTH, (6, 5), CLASSES, 0.1),
        heads=paths,
        features=features,
        rows=rows,
        labels=labels,
        folder=tmp_path / "traces",
        plan=Plan(vog=True, tracin=True, learning_rate=RATE, grand=GRAND),
        settings=ScoringSettings(vog_statistic=statistic, tracin_layer=layer),
        progress=silent(),
    )
    for column, right in expected(heads, features, labels, statistic, layer).items():
        found = read_trace(tmp_path / "traces", rows, column)
        np.testing.assert_allclose(found, right[rows], rtol=1e-4, err_msg=column)


def test_grand_alone_looks_at_one_checkpoint(probe, tmp_path):
    heads, paths, features, labels = probe
    rows, settings = np.arange(ROWS), ScoringSettings()
    plan = Plan(vog=False, tracin=False, learning_rate=RATE, grand=GRAND)
    head, folder = build_head(WIDTH, (6, 5), CLASSES, 0.1), tmp_path / "traces"
    probe_trace.trace_probe(head, paths, features, rows, labels, folder, plan, settings, silent())
    right = expected(heads, features, labels, "variance", "full")["grand"]
    np.testing.assert_allclose(read_trace(folder, rows, "grand"), right, rtol=1e-4)
