"""Per-example squared gradient norms from one batched backward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from influence_core.scores.gradients.factors import Factor, squared_norm
from influence_core.scores.gradients.layer_rules import Call, any_layer, differentiable, rule_of


@dataclass(frozen=True)
class _Record:
    """One use of a layer during the forward pass."""

    layer: nn.Module
    given: tuple[Any, ...]
    named: dict[str, Any]
    outputs: list[Tensor]


class GradientTap:
    """Listen to the layers that hold the parameters of `parts`, wherever in `model` they are used.

    `watching` is put around the forward pass; `squared_norms(loss)` then gives, for each part and
    example, ‖∂ loss / ∂ parameters‖². A parameter counts for the first part that holds it, and
    those in `left_out` count for none. A shared parameter, or a layer that is used several times,
    has one gradient: the sum over its uses.
    """

    def __init__(
        self,
        model: nn.Module,
        parts: Sequence[nn.Module],
        left_out: Collection[nn.Parameter] = (),
    ) -> None:
        self._parts = len(parts)
        self._part_of: dict[nn.Parameter, int] = {}
        for index, part in enumerate(parts):
            for parameter in part.parameters():
                self._part_of.setdefault(parameter, index)
        for parameter in left_out:
            self._part_of.pop(parameter, None)
        self._layers = [layer for layer in model.modules() if any(self._own(layer))]
        self._records: list[_Record] = []
        self._examples = 0

    @contextmanager
    def watching(self, examples: int) -> Iterator[None]:
        """Record every use of the layers by a forward pass over so many examples."""
        self._records.clear()
        self._examples = examples
        handles = [
            layer.register_forward_hook(self._record, with_kwargs=True) for layer in self._layers
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def squared_norms(self, loss: Tensor, retain_graph: bool = False) -> Tensor:
        """Return ‖g‖² (parts, B), float32; `loss` is the sum of the examples' losses."""
        total = torch.zeros(self._parts, self._examples, device=loss.device)
        for found in self.by_layer(loss, retain_graph):
            sums: dict[int, Tensor] = {}
            for parameter, norms in found.items():
                part = self._part_of[parameter]
                sums[part] = sums[part] + norms if part in sums else norms
            for part, norms in sums.items():
                total[part] += norms
        self._records.clear()
        return total

    def by_layer(
        self, loss: Tensor, retain_graph: bool = False, errors: tuple[type[Exception], ...] = ()
    ) -> Iterator[dict[nn.Parameter, Tensor]]:
        """Yield ‖g‖² (B,) of every parameter, layer by layer, as soon as its last use is seen.

        Parameters of layers whose rule raises one of `errors` are passed over.
        """
        waiting = Counter(p for record in self._records for _, p in self._own(record.layer))
        held: dict[nn.Parameter, list[Factor]] = {parameter: [] for parameter in waiting}
        for record, deltas in zip(self._records, self._deltas(loss, retain_graph), strict=True):
            try:
                factors = rule_of(record.layer)(
                    record.layer, Call(record.given, record.named, deltas)
                )
            except errors:
                continue
            finished = {}
            for name, parameter in self._own(record.layer):
                held[parameter].append(factors[name])
                waiting[parameter] -= 1
                if not waiting[parameter]:
                    finished[parameter] = squared_norm(held.pop(parameter), parameter.shape)
            yield finished

    def _deltas(self, loss: Tensor, retain_graph: bool) -> Iterator[tuple[Tensor, ...]]:
        """Differentiate by all recorded outputs at once; what does not matter gets zeros."""
        outputs = [output for record in self._records for output in record.outputs]
        if not outputs:
            return
        found = torch.autograd.grad(loss, outputs, retain_graph=retain_graph, allow_unused=True)
        deltas = iter(zip(found, outputs, strict=True))
        for record in self._records:
            taken = (next(deltas) for _ in record.outputs)
            yield tuple(
                torch.zeros_like(output) if delta is None else delta for delta, output in taken
            )

    def _own(self, layer: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield the parameters that a layer holds itself and that count."""
        for name, parameter in layer.named_parameters(recurse=False):
            if parameter in self._part_of:
                yield name, parameter

    def _record(
        self, layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any], output: Any
    ) -> Any:
        opened = tree_map(lambda item: self._open(item, layer), output)
        self._records.append(_Record(layer, given, named, differentiable(opened)))
        return tree_map(_writable, opened)

    def _open(self, item: Any, layer: nn.Module) -> Any:
        """Make a tensor one that can be differentiated by, example by example.

        Position embeddings are looked up once for all examples: every example gets its own view.
        """
        if not isinstance(item, Tensor) or not item.is_floating_point():
            return item
        if isinstance(layer, nn.Embedding) and item.shape[:1] == (1,):
            item = item.expand(self._examples, *item.shape[1:])
        if not item.requires_grad:
            return item.detach().requires_grad_()
        # Where one output of a layer is made from another, a view keeps their gradients apart.
        return item.view_as(item) if rule_of(layer) is any_layer else item


def _writable(item: Any) -> Any:
    """Copy a tensor at which the graph begins: models may write to what their layers give."""
    return item.clone() if isinstance(item, Tensor) and item.is_leaf else item
