"""For each kind of layer: what its inputs and output gradients say about its own parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vjp, vmap
from torch.utils._pytree import tree_flatten, tree_unflatten
from transformers.pytorch_utils import Conv1D

from influence_core.scores.gradients.factors import Dense, Factor, Lookup, Outer

WRITTEN_OUT = 2**24
"""Most numbers that the gradients of a layer without a rule may take at once."""


@dataclass(frozen=True)
class Call:
    """One use of a layer: what it was given, and the gradients of its tensor outputs."""

    given: tuple[Any, ...]
    named: dict[str, Any]
    deltas: tuple[Tensor, ...]

    @property
    def input(self) -> Tensor:
        """The input of a layer with a rule."""
        found = next(iter((*self.given, *self.named.values())))
        return torch.as_tensor(found).detach()

    @property
    def delta(self) -> Tensor:
        """The gradient of the one output of a layer with a rule, float32."""
        return self.deltas[0].float()


Rule = Callable[[Any, Call], dict[str, Factor]]
"""Gives, for each parameter that a layer holds itself, the gradient of every example."""


def linear(layer: nn.Linear, call: Call) -> dict[str, Factor]:
    """W (O, I): Σₜ δₜ xₜᵀ, b: Σₜ δₜ, of inputs (B, …, I) and output gradients (B, …, O)."""
    given, delta = _positions(call.input.float()), _positions(call.delta)
    return {"weight": Outer(delta, given), "bias": Dense(delta.sum(dim=1))}


def conv1d(layer: Conv1D, call: Call) -> dict[str, Factor]:
    """The linear layer of GPT-2, whose weight (I, O) is transposed."""
    given, delta = _positions(call.input.float()), _positions(call.delta)
    return {"weight": Outer(given, delta), "bias": Dense(delta.sum(dim=1))}


def layer_norm(layer: nn.LayerNorm, call: Call) -> dict[str, Factor]:
    """Scale: Σₜ δₜ ∘ x̂ₜ, shift: Σₜ δₜ, with x̂ the input normalised per position."""
    normalised = nn.functional.layer_norm(
        call.input.float(), list(layer.normalized_shape), eps=layer.eps
    )
    return _scale_and_shift(normalised, call.delta, len(layer.normalized_shape))


def rms_norm(layer: nn.Module, call: Call) -> dict[str, Factor]:
    """Scale: Σₜ δₜ ∘ xₜ / √(mean xₜ² + ε); the same where the layer multiplies by 1 + weight."""
    given = call.input.float()
    epsilon = getattr(layer, "variance_epsilon", getattr(layer, "eps", None))
    normalised = nn.functional.rms_norm(given, given.shape[-1:], eps=epsilon)
    return {"weight": _scale_and_shift(normalised, call.delta, 1)["weight"]}


def embedding(layer: nn.Embedding, call: Call) -> dict[str, Factor]:
    """Row idsₜ: Σ δₜ over its occurrences; torch gives the row of `padding_idx` no gradient."""
    delta = call.delta * getattr(layer, "embed_scale", 1.0)
    ids = call.input.expand(delta.shape[:-1])
    if layer.padding_idx is not None:
        delta = delta * (ids != layer.padding_idx).unsqueeze(-1)
    return {"weight": Lookup(ids.flatten(1), _positions(delta))}


def any_layer(layer: nn.Module, call: Call) -> dict[str, Factor]:
    """Run the layer again under `torch.func`, example by example in one go (vmap of vjp).

    Writes out the gradients of the parameters that the layer holds itself. Tensors of another
    leading size than the batch are shared by all examples.
    """
    own = {name: part.detach() for name, part in layer.named_parameters(recurse=False)}
    flat, spec = tree_flatten((call.given, call.named))
    examples = len(call.deltas[0])
    batched = [isinstance(item, Tensor) and item.shape[:1] == (examples,) for item in flat]
    taken = [item.detach() for item, goes in zip(flat, batched, strict=True) if goes]

    def gradients(inputs: list[Tensor], deltas: tuple[Tensor, ...]) -> dict[str, Tensor]:
        rest = iter(inputs)
        items = [
            next(rest).unsqueeze(0) if goes else item
            for item, goes in zip(flat, batched, strict=True)
        ]

        def outputs(parameters: dict[str, Tensor]) -> tuple[Tensor, ...]:
            given, named = tree_unflatten(items, spec)
            return tuple(differentiable(functional_call(layer, parameters, given, named)))

        pull_back = vjp(outputs, own)[1]
        found: dict[str, Tensor] = pull_back(tuple(delta.unsqueeze(0) for delta in deltas))[0]
        return found

    size = max(1, WRITTEN_OUT // sum(part.numel() for part in own.values()))
    found = vmap(gradients, chunk_size=size)(taken, call.deltas)
    return {name: Dense(gradient.float()) for name, gradient in found.items()}


def differentiable(output: Any) -> list[Tensor]:
    """Return the tensors of an output that can have a gradient, in a fixed order."""
    flat, _ = tree_flatten(output)
    return [item for item in flat if isinstance(item, Tensor) and item.is_floating_point()]


def rule_of(layer: nn.Module) -> Rule:
    """Return the rule for a layer; one that computes in its own way is run again instead."""
    if _is_rms_norm(layer):
        return rms_norm
    if isinstance(layer, nn.Embedding) and hasattr(layer, "embed_scale"):
        return embedding
    return _RULES.get(type(layer).forward, any_layer)


_RULES: dict[Callable[..., Any], Rule] = {
    nn.Linear.forward: linear,
    Conv1D.forward: conv1d,
    nn.LayerNorm.forward: layer_norm,
    nn.Embedding.forward: embedding,
}


def _is_rms_norm(layer: nn.Module) -> bool:
    """Tell by name and structure: every family has its own class."""
    name = type(layer).__name__
    shapes = {key: part.ndim for key, part in layer.named_parameters(recurse=False)}
    named = name.endswith(("RMSNorm", "T5LayerNorm")) and "Gated" not in name
    return named and shapes == {"weight": 1}


def _scale_and_shift(normalised: Tensor, delta: Tensor, dimensions: int) -> dict[str, Factor]:
    places = tuple(range(1, delta.ndim - dimensions))
    return {"weight": Dense(_sum(delta * normalised, places)), "bias": Dense(_sum(delta, places))}


def _sum(values: Tensor, places: tuple[int, ...]) -> Tensor:
    return values.sum(dim=places) if places else values


def _positions(values: Tensor) -> Tensor:
    """Bring (B, D) or (B, …, D) to (B, T, D)."""
    return values.reshape(len(values), -1, values.shape[-1])
