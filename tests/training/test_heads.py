"""Heads trained side by side against heads trained alone."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from influence_core.config import TrainingSettings
from influence_core.model.classifier import build_head
from influence_core.progress import silent
from influence_core.training.heads import train_heads

ROWS, WIDTH, CLASSES, HEADS = 60, 8, 3, 4
SETTINGS = TrainingSettings(epochs=3, batch_size=15, head_lr=1e-2)


def problem(dropout: float = 0.0):
    torch.manual_seed(0)
    heads = [build_head(WIDTH, (6, 5), CLASSES, dropout) for _ in range(HEADS)]
    features = torch.randn(ROWS + 5, WIDTH).numpy().astype(np.float16)
    labels = np.arange(ROWS + 5) % CLASSES
    fold = np.arange(ROWS) % HEADS
    return heads, features, labels, fold != np.arange(HEADS)[:, None]


def alone(head: nn.Module, features, labels, rows, sees, seed: int) -> nn.Module:
    """Train one head over the same batches, a step a batch of what it sees."""
    optimizer = torch.optim.Adam(head.parameters(), lr=SETTINGS.head_lr)
    generator = np.random.default_rng(seed)
    for _ in range(SETTINGS.epochs):
        order = generator.permutation(ROWS)
        for start in range(0, ROWS, 20):
            places = order[start : start + 20]
            taken = rows[places[sees[places]]]
            logits = head(torch.from_numpy(features[taken].astype(np.float32)))
            loss = nn.functional.cross_entropy(logits, torch.from_numpy(labels[taken]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return head


def test_side_by_side_is_as_alone() -> None:
    heads, features, labels, seen = problem()
    rows = np.arange(ROWS) + 5
    expected = [
        alone(copy.deepcopy(head), features, labels, rows, sees, seed=7)
        for head, sees in zip(heads, seen, strict=True)
    ]
    train_heads(heads, features, rows, labels, seen, SETTINGS, 7, silent())
    for head, reference in zip(heads, expected, strict=True):
        for name, weight in reference.state_dict().items():
            np.testing.assert_allclose(head.state_dict()[name], weight, rtol=1e-4, atol=1e-6)


def test_a_head_does_not_feel_what_it_does_not_see() -> None:
    trained = []
    for turn in range(2):
        heads, features, labels, seen = problem(dropout=0.3)
        hidden = np.flatnonzero(~seen[0])
        features[hidden] += np.float16(turn)
        labels[hidden] = (labels[hidden] + turn) % CLASSES
        train_heads(heads, features, np.arange(ROWS), labels, seen, SETTINGS, 0, silent())
        trained.append(heads)
    first, second = ([head.state_dict()["0.weight"] for head in heads] for heads in trained)
    np.testing.assert_array_equal(first[0], second[0])
    assert not np.array_equal(first[1], second[1])


def test_the_global_generator_is_left_alone() -> None:
    heads, features, labels, seen = problem(dropout=0.3)
    before = torch.random.get_rng_state()
    train_heads(heads, features, np.arange(ROWS), labels, seen, SETTINGS, 0, silent())
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not heads[0].training
