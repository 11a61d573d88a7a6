"""Per-example squared gradient norms of layers, without per-example gradients.

A layer's weight gradient for one example is a sum over positions of outer products; its norm
follows from the Gram matrices of inputs and output gradients ("ghost norms": Goodfellow,
arXiv:1510.01799; Li et al., arXiv:2110.05679).
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn

from influence_core.errors import ModelError


class GradientTap:
    """Remember inputs and outputs of the layers below `root` that hold weights.

    Use as a context manager around the forward pass; `squared_norms(loss)` then gives, for each
    example, ‖∂ loss / ∂ weights of root‖².

    Raises:
        ModelError: a layer with weights is of a kind whose norm has no rule here.
    """

    def __init__(self, root: nn.Module) -> None:
        self._layers = [module for module in root.modules() if _holds_weights(module)]
        for layer in self._layers:
            if _rule_of(layer) is None:
                raise ModelError(
                    f"TracIn has no exact rule for layers of type {type(layer).__name__}; "
                    "choose tracin_layer='head'."
                )
        self._records: list[tuple[nn.Module, Tensor, Tensor]] = []
        self._handles: list[Any] = []

    def __enter__(self) -> GradientTap:
        self._records.clear()
        self._handles = [layer.register_forward_hook(self._record) for layer in self._layers]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    @property
    def differentiable(self) -> bool:
        """Say whether what the layers gave can be differentiated by."""
        return all(output.requires_grad for _, _, output in self._records)

    def squared_norms(self, loss: Tensor, retain_graph: bool = False) -> Tensor:
        """Return ‖g‖² of every example (B,), float32; `loss` is the sum of the examples' losses."""
        outputs = [output for _, _, output in self._records]
        deltas = torch.autograd.grad(loss, outputs, retain_graph=retain_graph)
        total = torch.zeros(len(outputs[0]), device=outputs[0].device)
        for (layer, given, _), delta in zip(self._records, deltas, strict=True):
            rule = _rule_of(layer)
            if rule is not None:
                total += rule(layer, given.detach().float(), delta.float())
        return total

    def _record(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if any(layer is seen for seen, _, _ in self._records):
            raise ModelError(
                f"TracIn has no exact rule for encoders that use one {type(layer).__name__} layer "
                "several times; choose tracin_layer='head'."
            )
        self._records.append((layer, inputs[0], output))


def linear_norms(layer: nn.Module, given: Tensor, delta: Tensor) -> Tensor:
    """‖Σₜ δₜ xₜᵀ‖² + ‖Σₜ δₜ‖² with bias: inputs (B, …, I), output gradients (B, …, O) → (B,)."""
    given, delta = _positions(given), _positions(delta)
    gram = (given @ given.mT) * (delta @ delta.mT)
    norms = gram.sum(dim=(1, 2))
    if getattr(layer, "bias", None) is not None:
        norms = norms + delta.sum(dim=1).square().sum(dim=1)
    return norms


def layer_norm_norms(layer: nn.Module, given: Tensor, delta: Tensor) -> Tensor:
    """Norms of scale and shift: Σₜ δₜ ∘ x̂ₜ and Σₜ δₜ, with x̂ the input normalised per position."""
    given, delta = _positions(given), _positions(delta)
    centred = nn.functional.layer_norm(given, given.shape[-1:], eps=float(layer.eps))  # type: ignore[arg-type]
    norms = (delta * centred).sum(dim=1).square().sum(dim=1)
    if getattr(layer, "bias", None) is not None:
        norms = norms + delta.sum(dim=1).square().sum(dim=1)
    return norms


def _positions(values: Tensor) -> Tensor:
    """Bring (B, D) or (B, …, D) to (B, T, D)."""
    return values.reshape(len(values), -1, values.shape[-1])


_RULES: dict[type[nn.Module], Callable[[nn.Module, Tensor, Tensor], Tensor]] = {
    nn.Linear: linear_norms,
    nn.LayerNorm: layer_norm_norms,
}


def _rule_of(layer: nn.Module) -> Callable[[nn.Module, Tensor, Tensor], Tensor] | None:
    if type(layer).__name__ == "Conv1D":
        return linear_norms
    return next((rule for kind, rule in _RULES.items() if isinstance(layer, kind)), None)


def _holds_weights(module: nn.Module) -> bool:
    return next(module.parameters(recurse=False), None) is not None
