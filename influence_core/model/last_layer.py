"""The last linear layer of any classifier: its weights in a checkpoint, and what it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from torch import Tensor, nn
from transformers import PreTrainedModel

from influence_core.model.checkpoints import WEIGHTS
from influence_core.model.classifier import TextClassifier, head_linear


class HeadTap:
    """Catches h (B, W), the input of the last linear layer, of every batch that goes through.

    Use as a context manager around forward passes. Decoders apply that layer to every token and
    answer with one of them: h is that of the token whose logits the model returned. `answers` says
    whether all that the model returned so far came out of that layer; if not, h explains nothing.
    """

    h: Tensor

    def __init__(self, model: PreTrainedModel) -> None:
        self._model, self._layer = model, head_linear(model)
        self.answers = True

    def __enter__(self) -> Self:
        self._hooks = (
            self._layer.register_forward_hook(self._see),
            self._model.register_forward_hook(self._compare),
        )
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def take(self, h: Tensor) -> None:
        """Keep h of a batch."""
        self.h = h

    def _see(self, layer: nn.Module, given: tuple[Tensor, ...], said: Tensor) -> None:
        self._given, self._said = given[0].detach(), said.detach()
        if said.ndim == 2:
            self.take(self._given)

    def _compare(self, model: nn.Module, given: Any, answer: Any) -> None:
        logits, given_tokens = answer.logits.detach(), self._said.ndim == 3
        said = self._said if given_tokens else self._said.unsqueeze(1)
        same = (said == logits.unsqueeze(1)).all(dim=2)
        self.answers &= bool(same.any(dim=1).all())
        if given_tokens:
            rows = torch.arange(len(logits), device=logits.device)
            self.take(self._given[rows, same.int().argmax(dim=1)])


def head_weights(model: PreTrainedModel, folder: Path) -> dict[str, Tensor]:
    """Read the head out of a checkpoint of `model`, float32, named as `heads/` names it.

    Of this package's classifier it is all layers from pooled features to logits; of any other the
    last linear layer alone, with its bias where it has one.
    """
    last = head_linear(model)
    ours = isinstance(model, TextClassifier)
    name = "head" if ours else next(name for name, one in model.named_modules() if one is last)
    number = "" if ours else "0."
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        return {
            number + key.removeprefix(f"{name}."): file.get_tensor(key).float()
            for key in file.keys()  # noqa: SIM118
            if key.startswith(f"{name}.")
        }


def holds(folder: Path, weight: npt.NDArray[np.float32]) -> bool:
    """Say whether one of the weights in a model folder is this one."""
    with safe_open(folder / WEIGHTS, framework="pt") as file:
        return any(
            np.array_equal(file.get_tensor(key).float().numpy(), weight)
            for key in file.keys()  # noqa: SIM118
            if tuple(file.get_slice(key).get_shape()) == weight.shape
        )
