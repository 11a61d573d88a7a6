"""Squared gradient norms of a classifier's parameters, exact for every architecture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from influence_core.errors import ModelError
from influence_core.scores.gradients import trial
from influence_core.scores.gradients.ghost import GradientTap
from influence_core.scores.gradients.trial import Inputs

_TOLERANCE, _FLOOR = 1e-3, 1e-10
"""Agreement asked of a rule: of a parameter's own ‖g‖², and of that of all parameters."""


class Influence:
    """‖∂ loss / ∂ parameters‖² of every example, for parts of a model.

    Parameters in `alone` are differentiated row by row, all others in one pass over the batch. A
    parameter counts for the first part that holds it.
    """

    def __init__(
        self, model: PreTrainedModel, parts: Sequence[nn.Module], alone: Sequence[nn.Parameter]
    ) -> None:
        self._model = model
        self._tap = GradientTap(model, parts, alone)
        part_of = {p: at for at, part in reversed([*enumerate(parts)]) for p in part.parameters()}
        self._alone = {parameter: part_of[parameter] for parameter in alone if parameter in part_of}

    def watching(self, examples: int) -> AbstractContextManager[None]:
        """Record a forward pass over so many examples."""
        return self._tap.watching(examples)

    def squared_norms(
        self, logits: Tensor, labels: Tensor, inputs: Inputs, retain_graph: bool = False
    ) -> Tensor:
        """Return ‖g‖² (parts, B), float32, of the cross-entropy of logits (B, C)."""
        loss = cross_entropy(logits, labels, reduction="sum")
        found = self._tap.squared_norms(loss, retain_graph)
        if self._alone:
            by_row = norms_alone(self._model, list(self._alone), inputs, labels)
            parts = torch.tensor(list(self._alone.values()), device=found.device)
            found.index_add_(0, parts, torch.stack(list(by_row), dim=1))
        return found


def without_rule(
    model: PreTrainedModel, parts: Sequence[nn.Module], shares_batches: bool
) -> dict[str, nn.Parameter]:
    """Try the rules on a few short texts, and return the parameters for which they are wrong.

    The oracle is plain autograd over one text at a time without padding, which is always right.
    A parameter fails where it is used outside the layer that holds it, or in a layer that sees
    something else than examples, such as DeBERTa's table of relative positions.

    Raises:
        ModelError: the model cannot be differentiated at all.
    """
    held = {parameter for part in parts for parameter in part.parameters()}
    named = {name: part for name, part in model.named_parameters() if part in held}
    with trial.frozen(model):
        inputs, labels = trial.texts(model, shares_batches)
        try:
            by_text = list(norms_alone(model, list(named.values()), inputs, labels))
        except trial.REFUSALS as error:
            raise ModelError(
                f"{type(model).__name__} cannot be differentiated: {error}. "
                "Leave out the scores of the trace."
            ) from error
        found = _by_rules(model, parts, inputs, labels)
    right = torch.stack(by_text, dim=1)
    slack = _TOLERANCE * right + _FLOOR * right.sum(dim=0)
    missing = torch.full_like(right[0], torch.nan)
    return {
        name: parameter
        for (name, parameter), norms, allowed in zip(named.items(), right, slack, strict=True)
        if not ((found.get(parameter, missing) - norms).abs() <= allowed).all()
    }


def norms_alone(
    model: PreTrainedModel, parameters: Sequence[nn.Parameter], inputs: Inputs, labels: Tensor
) -> Iterator[Tensor]:
    """Yield, text by text without its padding, ‖g‖² (parameters,) by plain autograd."""
    for text, label in zip(trial.alone(inputs), labels, strict=True):
        with _differentiable(parameters):
            loss = cross_entropy(model(**text).logits.float(), label.unsqueeze(0))
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        yield torch.stack([_square(gradient, loss) for gradient in gradients])


def _by_rules(
    model: PreTrainedModel, parts: Sequence[nn.Module], inputs: Inputs, labels: Tensor
) -> dict[nn.Parameter, Tensor]:
    """Return ‖g‖² (B,) of every parameter that the rules give one for."""
    tap = GradientTap(model, parts)
    found: dict[nn.Parameter, Tensor] = {}
    try:
        with tap.watching(len(labels)):
            logits = model(**inputs).logits.float()
        loss = cross_entropy(logits, labels, reduction="sum")
        for norms in tap.by_layer(loss, errors=trial.REFUSALS):
            found |= norms
    except trial.REFUSALS:
        return {}
    return {parameter: norms for parameter, norms in found.items() if norms.shape == labels.shape}


@contextmanager
def _differentiable(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    for parameter in parameters:
        parameter.requires_grad_()
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(False)


def _square(gradient: Tensor | None, loss: Tensor) -> Tensor:
    return loss.new_zeros(()) if gradient is None else gradient.float().square().sum()
