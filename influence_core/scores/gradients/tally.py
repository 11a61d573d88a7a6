"""What the checkpoints of a trace add up to, for the rows of one shard."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from influence_core.scores.gradients.moments import Moments, Statistic


class Tally:
    """Running sums of a shard's rows, whose tokens lie end to end: `lengths` (rows,)."""

    def __init__(self, lengths: npt.NDArray[np.int64], device: torch.device) -> None:
        self._lengths = lengths
        self._offsets = np.concatenate([[0], np.cumsum(lengths)])
        self._device = device
        self._moments: Moments | None = None
        self._tracin: Tensor | None = None
        self._grand: Tensor | None = None

    def add_gradients(self, gradients: Tensor, start: int) -> None:
        """Add the next checkpoint's gradients (tokens, width) of the rows from `start` on."""
        if self._moments is None:
            self._moments = Moments(int(self._offsets[-1]), gradients.shape[1], self._device)
        self._moments.add(gradients, int(self._offsets[start]))

    def add_influence(self, influence: Tensor, start: int) -> None:
        """Add the next checkpoint's term of TracIn = Σ over checkpoints of lr · ‖∂ loss / ∂ θ‖².

        In nats, in [0, ∞); high is hard and suspicious.

        Args:
            influence: lr · ‖∂ loss / ∂ θ‖² of some rows (B,), each part of θ with its own rate.
            start: the first of these rows.

        Cost: a forward pass for every row and checkpoint, and a backward pass to the layers of θ.

        Source: Pruthi et al., arXiv:2002.08484.
        """
        if self._tracin is None:
            self._tracin = self._zeros()
        self._tracin[start : start + len(influence)] += influence

    def set_norms(self, norms: Tensor, start: int) -> None:
        """Keep GraNd = ‖∂ loss / ∂ θ‖₂ of the one checkpoint at which it is read.

        In nats per unit of θ, in [0, ∞); high is hard and suspicious.

        Args:
            norms: ‖∂ loss / ∂ θ‖₂ of some rows (B,), θ all parameters.
            start: the first of these rows.

        Cost: a forward and a whole backward pass for every row at one checkpoint.

        Source: Paul, Ganguli, Dziugaite, arXiv:2107.07075.
        """
        if self._grand is None:
            self._grand = self._zeros()
        self._grand[start : start + len(norms)] = norms

    def table(self, rows: npt.NDArray[np.int64], statistic: Statistic) -> Any:
        """Return `row` and, of what was added, `vog`, `token_vog`, `tracin` and `grand`."""
        import pyarrow as pa

        columns: dict[str, Any] = {"row": rows}
        if self._moments is not None:
            by_token = self._moments.spread(statistic).cpu().numpy()
            summed = np.add.reduceat(by_token.astype(np.float64), self._offsets[:-1])
            columns["vog"] = summed / self._lengths
            columns["token_vog"] = pa.ListArray.from_arrays(
                pa.array(self._offsets, pa.int32()), pa.array(by_token)
            )
        for name, values in (("tracin", self._tracin), ("grand", self._grand)):
            if values is not None:
                columns[name] = values.cpu().numpy().astype(np.float64)
        return pa.table(columns)

    def _zeros(self) -> Tensor:
        return torch.zeros(len(self._lengths), device=self._device)
