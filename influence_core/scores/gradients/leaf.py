"""The place in a model at which VoG differentiates."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from influence_core.errors import ModelError, rule
from influence_core.scores.gradients import trial


class Leaf:
    """Keep a module's output to differentiate by, and build no graph before it."""

    output: Tensor

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self.output = torch.empty(0)

    def __enter__(self) -> None:
        self._handle = self._module.register_forward_hook(self._cut)

    def __exit__(self, *_: object) -> None:
        self._handle.remove()

    def _cut(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> Any:
        if isinstance(output, Tensor):
            # There is a graph already where TracIn looks at layers before this one.
            self.output = output = (
                output if output.requires_grad else output.detach().requires_grad_()
            )
        return output


def embedding_module(model: PreTrainedModel, name: str | None) -> nn.Module:
    """Return the module of that name, or the token embeddings.

    Raises:
        ModelError: there is no such module.
    """
    if name is None:
        module: nn.Module = model.get_input_embeddings()
        return module
    found: dict[str, nn.Module] = dict(model.named_modules())
    if not name or name not in found:
        raise ModelError(
            f"The model has no module {name!r}; its embedding modules are "
            f"{', '.join(key for key in found if 'embed' in key) or 'none'}."
        )
    return found[name]


def check_embedding(model: PreTrainedModel, name: str, shares_batches: bool) -> None:
    """Send a few short texts through the model, cut at the module of that name.

    Raises:
        ModelError: there is no such module, or it does not give one vector a token.
    """
    leaf = Leaf(embedding_module(model, name))
    with trial.frozen(model), leaf:
        inputs, _ = trial.texts(model, shares_batches)
        model(**inputs)
    if leaf.output.ndim != 3 or leaf.output.shape[:2] != inputs["input_ids"].shape:
        raise ModelError(rule("embedding_module", "give one vector a token", name))
