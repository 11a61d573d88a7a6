"""The head at a checkpoint as plain arrays: what it does to features, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """Linear layers with ReLU between them, as `model.head.build_head` stacks them.

    `weights` are (out, in) and `biases` (out,), both float32, first layer first. The last layer
    may have no parameter for its bias, which then is 0: `biased` says so.
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    biased: bool = True

    @property
    def width(self) -> int:
        """Width of the input h of the last layer."""
        return int(self.weights[-1].shape[1])

    @property
    def classes(self) -> int:
        """Number of logits."""
        return int(self.weights[-1].shape[0])

    def inputs(self, features: npt.NDArray[np.floating]) -> Floats:
        """Return what the last layer is given: features (B, D) → h (B, W)."""
        values = features.astype(np.float32)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            values = np.maximum(values @ weight.T + bias, 0)
        return values

    def logits(self, inputs: npt.NDArray[np.floating]) -> Floats:
        """Apply the last layer: h (B, W) → logits (B, C)."""
        logits: Floats = inputs.astype(np.float32, copy=False) @ self.weights[-1].T
        logits += self.biases[-1]
        return logits


def read_head(path: Path) -> Head:
    """Read a file of `heads/`."""
    from safetensors.numpy import load_file

    return head_of(load_file(path))


def head_of(state: Mapping[str, Floats]) -> Head:
    """Make a head of its layers' weights and biases, by their names in `build_head`'s."""
    numbers = sorted({int(name.split(".")[0]) for name in state})
    return Head(
        weights=tuple(state[f"{number}.weight"] for number in numbers),
        biases=tuple(_bias(state, number) for number in numbers),
        biased=f"{numbers[-1]}.bias" in state,
    )


def _bias(state: Mapping[str, Floats], number: int) -> Floats:
    absent = np.zeros(len(state[f"{number}.weight"]), np.float32)
    return state.get(f"{number}.bias", absent)
