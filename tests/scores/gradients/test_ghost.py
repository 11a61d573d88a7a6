"""Per-example norms from one backward pass against autograd, for layers used in every way."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm, GemmaTextScaledWordEmbedding
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.t5.modeling_t5 import T5LayerNorm
from transformers.pytorch_utils import Conv1D

from influence_core.scores.gradients.factors import Dense, Lookup, Outer, squared_norm
from influence_core.scores.gradients.ghost import GradientTap
from influence_core.scores.gradients.layer_rules import any_layer, rule_of

WIDTH, WORDS, LENGTH = 6, 11, 5
IDS = torch.tensor([[1, 2, 2, 0, 1], [3, 3, 3, 4, 0], [5, 6, 7, 8, 9]])
LABELS = torch.tensor([1, 0, 4])


class Shift(nn.Module):
    """Holds a parameter of its own, takes two inputs, gives two outputs: there is no rule."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.randn(WIDTH))
        self.mix = nn.Linear(WIDTH, WIDTH)

    def forward(self, states, gate):
        moved = self.mix(states) + self.shift * gate
        return moved, moved.square().mean(dim=1)


class Reader(nn.Module):
    """Word, scaled and position embeddings, norms of all kinds, a layer used twice, a tied head."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH, padding_idx=0)
        self.scaled = GemmaTextScaledWordEmbedding(WORDS, WIDTH, 0, embed_scale=2.5)
        self.places = nn.Embedding(LENGTH, WIDTH)
        self.norms = nn.ModuleList(
            [
                nn.LayerNorm(WIDTH),
                nn.RMSNorm(WIDTH),
                LlamaRMSNorm(WIDTH),
                GemmaRMSNorm(WIDTH),
                T5LayerNorm(WIDTH),
            ]
        )
        self.twice = nn.Linear(WIDTH, WIDTH)
        self.turned = Conv1D(WIDTH, WIDTH)
        self.shift = Shift()
        self.head = nn.Linear(WIDTH, WORDS)
        self.head.weight = self.words.weight

    def forward(self, ids):
        states = self.words(ids) + self.scaled(ids) + self.places(torch.arange(LENGTH)[None])
        for norm in self.norms:
            states = norm(states).tanh() + states
        states = self.twice(self.twice(states).relu()) + self.turned(states)
        states, pooled = self.shift(states, gate=states.sigmoid())
        return self.head(states.mean(dim=1) + pooled)


@pytest.fixture
def reader():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Reader()
        for parameter in model.parameters():
            nn.init.normal_(parameter, std=0.5)
    return model.requires_grad_(False)


def alone(model: nn.Module) -> dict[nn.Parameter, torch.Tensor]:
    """Return ‖g‖² (B,) of every parameter, one text at a time."""
    parameters = list(model.requires_grad_(True).parameters())
    rows = [
        torch.autograd.grad(cross_entropy(model(IDS[row, None]), LABELS[row, None]), parameters)
        for row in range(len(IDS))
    ]
    model.requires_grad_(False)
    return {
        parameter: torch.stack([row[place].double().square().sum() for row in rows])
        for place, parameter in enumerate(parameters)
    }


def tapped(model: nn.Module, tap: GradientTap) -> torch.Tensor:
    with tap.watching(len(IDS)):
        logits = model(IDS)
    return cross_entropy(logits, LABELS, reduction="sum")


def test_every_parameter_of_a_model_that_does_everything(reader):
    right = alone(reader)
    tap = GradientTap(reader, [reader])
    found: dict[nn.Parameter, torch.Tensor] = {}
    for norms in tap.by_layer(tapped(reader, tap)):
        found |= norms
    assert set(found) == set(right)
    for name, parameter in reader.named_parameters():
        torch.testing.assert_close(
            found[parameter].double(), right[parameter], rtol=1e-4, atol=1e-8, msg=name
        )


def test_a_parameter_counts_for_the_first_part_that_holds_it(reader):
    right = alone(reader)
    left_out = [reader.twice.weight]
    tap = GradientTap(reader, [reader.norms, reader], left_out)
    found = tap.squared_norms(tapped(reader, tap)).double()
    of_norms = sum(right[parameter] for parameter in reader.norms.parameters())
    torch.testing.assert_close(found[0], of_norms, rtol=1e-4, atol=0)
    everything = sum(right.values()) - right[reader.twice.weight]
    torch.testing.assert_close(found.sum(dim=0), everything, rtol=1e-4, atol=0)


def test_after_the_pass_the_model_is_as_before(reader):
    before = reader(IDS)
    tap = GradientTap(reader, [reader])
    tap.squared_norms(tapped(reader, tap))
    assert torch.equal(reader(IDS), before)
    assert not any(module._forward_hooks for module in reader.modules())
    assert not any(parameter.requires_grad for parameter in reader.parameters())


def test_only_layers_that_compute_in_their_own_way_have_no_rule(reader):
    without = {
        type(module).__name__
        for module in reader.modules()
        if any(True for _ in module.parameters(recurse=False)) and rule_of(module) is any_layer
    }
    assert without == {"Shift"}


@given(seed=st.integers(0, 1000), kinds=st.lists(st.sampled_from("olod"), min_size=1, max_size=4))
def test_norms_by_gram_matrices_equal_those_written_out(seed, kinds):
    generator = torch.Generator().manual_seed(seed)
    shape = torch.Size((9, 7))
    parts = [_factor(kind, shape, generator) for kind in kinds]
    whole = sum(part.written_out(shape) for part in parts)
    right = whole.square().sum(dim=(1, 2))
    torch.testing.assert_close(squared_norm(parts, shape), right, rtol=1e-4, atol=1e-3)


def test_written_out_by_hand():
    shape = torch.Size((3, 2))
    left, right = torch.tensor([[[1.0, 0, 2]]]), torch.tensor([[[3.0, 4]]])
    assert Outer(left, right).written_out(shape).tolist() == [[[3, 4], [0, 0], [6, 8]]]
    ids, rows = torch.tensor([[2, 0, 2]]), torch.tensor([[[1.0, 0], [5, 5], [0, 1]]])
    assert Lookup(ids, rows).written_out(shape).tolist() == [[[5, 5], [0, 0], [1, 1]]]
    assert squared_norm([Lookup(ids, rows)], shape).tolist() == [52]


def _factor(kind: str, shape: torch.Size, generator: torch.Generator) -> Outer | Lookup | Dense:
    positions = int(torch.randint(1, 6, (1,), generator=generator))
    right = torch.randn(2, positions, shape[1], generator=generator)
    if kind == "l":
        return Lookup(torch.randint(0, shape[0], (2, positions), generator=generator), right)
    if kind == "d":
        return Dense(torch.randn(2, *shape, generator=generator))
    return Outer(torch.randn(2, positions, shape[0], generator=generator), right)
