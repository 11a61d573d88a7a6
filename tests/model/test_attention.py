"""Attention of bfloat16 models is computed in float32, and nothing else changes."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from influence_core.model.attention import quick_attention

CPU = torch.device("cpu")


@pytest.fixture
def parts() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(2, 3, 7, 8, generator=generator).bfloat16().requires_grad_() for _ in range(3)
    ]


def mask(dtype: torch.dtype) -> torch.Tensor:
    seen = torch.arange(7) < torch.tensor([7, 4]).view(2, 1, 1, 1)
    return seen if dtype == torch.bool else torch.zeros(seen.shape, dtype=dtype).where(seen, -1e9)


@pytest.mark.parametrize("dtype", [torch.bool, torch.bfloat16])
def test_outputs_and_gradients_are_those_of_float32_rounded_once(parts, dtype) -> None:
    with quick_attention(CPU, torch.bfloat16):
        found = scaled_dot_product_attention(*parts, attn_mask=mask(dtype), scale=0.3)
    wide = [part.detach().float().requires_grad_() for part in parts]
    widened = mask(dtype) if dtype == torch.bool else mask(dtype).float()
    right = scaled_dot_product_attention(*wide, attn_mask=widened, scale=0.3)
    assert torch.equal(found, right.bfloat16())
    weights = torch.linspace(-1, 1, found.numel()).view(found.shape).bfloat16()
    gradients = torch.autograd.grad(found, parts, weights)
    expected = torch.autograd.grad(right, wide, weights.float())
    for gradient, one in zip(gradients, expected, strict=True):
        assert torch.equal(gradient, one.bfloat16())


def test_arguments_may_be_named(parts) -> None:
    with quick_attention(CPU, torch.bfloat16):
        placed = scaled_dot_product_attention(*parts, is_causal=True)
        query, key, value = parts
        named = scaled_dot_product_attention(query=query, key=key, value=value, is_causal=True)
    assert torch.equal(placed, named)


@pytest.mark.parametrize(
    ("device", "dtype"), [("cpu", torch.float32), ("cuda", torch.bfloat16), ("mps", torch.bfloat16)]
)
def test_elsewhere_attention_is_left_alone(parts, device, dtype) -> None:
    plain = scaled_dot_product_attention(*parts)
    with quick_attention(torch.device(device), dtype):
        found = scaled_dot_product_attention(*parts)
    assert torch.equal(found, plain)
    with quick_attention(CPU, torch.bfloat16):
        assert not torch.equal(scaled_dot_product_attention(*parts), plain)
