"""Heads trained together, each on its own rows, against heads trained alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from influence_core.config import ModelSettings, TrainingSettings
from influence_core.progress import Progress, silent
from influence_core.pruning.batched import fresh_heads, predict, train_together
from influence_core.training.batches import shuffled_batches

ROWS, WIDTH, CLASSES, STEPS = 70, 8, 3, 17
MODEL = ModelSettings(head_widths=(6, 5), dropout=0.0)
SETTINGS = TrainingSettings(batch_size=16, head_lr=1e-2)
SUBSETS = (np.arange(70), np.arange(0, 70, 2), np.arange(5, 15))
SEEDS = (3, 3, 4)


@pytest.fixture
def features() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(ROWS, WIDTH, generator=generator).half()


LABELS = torch.arange(ROWS) % CLASSES


def alone(rows: np.ndarray, seed: int, features: torch.Tensor) -> nn.Sequential:
    """Train one head as a probe alone is trained, for as many steps."""
    (head,) = fresh_heads([seed], WIDTH, CLASSES, MODEL)
    optimizer = torch.optim.Adam(head.parameters(), lr=SETTINGS.head_lr)
    for step, batch in enumerate(shuffled_batches(rows, SETTINGS.batch_size, 100, seed)):
        if step == STEPS:
            break
        loss = nn.functional.cross_entropy(head(features[batch].float()), LABELS[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return head


def test_together_is_as_alone(features: torch.Tensor) -> None:
    heads = fresh_heads(SEEDS, WIDTH, CLASSES, MODEL)
    stack = train_together(heads, features, LABELS, SUBSETS, SEEDS, STEPS, SETTINGS, silent())
    stack.hand_back(heads)
    for head, rows, seed in zip(heads, SUBSETS, SEEDS, strict=True):
        for name, weight in alone(rows, seed, features).state_dict().items():
            np.testing.assert_allclose(head.state_dict()[name], weight, rtol=2e-4, atol=2e-6)


def test_predictions_are_those_of_each_head(features: torch.Tensor) -> None:
    heads = fresh_heads(SEEDS, WIDTH, CLASSES, MODEL)
    stack = train_together(heads, features, LABELS, SUBSETS, SEEDS, STEPS, SETTINGS, silent())
    rows = np.array([4, 8, 60])
    predicted = predict(stack, features, rows)
    for place, (subset, seed) in enumerate(zip(SUBSETS, SEEDS, strict=True)):
        logits = alone(subset, seed, features)(features[rows].float())
        np.testing.assert_array_equal(predicted[place], logits.argmax(dim=1))


def test_equal_seeds_begin_with_equal_weights() -> None:
    first, second, third = fresh_heads(SEEDS, WIDTH, CLASSES, MODEL)
    assert torch.equal(first[0].weight, second[0].weight)
    assert not torch.equal(first[0].weight, third[0].weight)


def test_every_head_counts_its_steps(features: torch.Tensor) -> None:
    told: list[int] = []
    progress = Progress(lambda event: told.append(event.done), interval=0.0)
    heads = fresh_heads(SEEDS, WIDTH, CLASSES, MODEL)
    train_together(heads, features, LABELS, SUBSETS, SEEDS, 2, SETTINGS, progress)
    assert told[-1] == 2 * len(SEEDS)


def test_heads_of_one_seed_are_the_same_in_any_company(features: torch.Tensor) -> None:
    model = MODEL.model_copy(update={"dropout": 0.5})
    found = []
    for subsets in (SUBSETS, SUBSETS[1:]):
        seeds = [3] * len(subsets)
        heads = fresh_heads(seeds, WIDTH, CLASSES, model)
        common = (features, LABELS, subsets, seeds, STEPS, SETTINGS, silent())
        train_together(heads, *common).hand_back(heads)
        found.append(heads[-1].state_dict())
    for name, weight in found[0].items():
        np.testing.assert_allclose(weight, found[1][name], rtol=2e-4, atol=2e-6)
