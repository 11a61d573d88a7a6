"""Mean and variance of a stream of gradients, one checkpoint after the other (Welford)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Statistic = Literal["variance", "std"]


class Moments:
    """Running mean and sum of squared deviations of (rows, width) arrays, updated in place.

    Welford's update loses no digits where the variance is small against the mean. `rows` are
    tokens in fine-tuning and examples in probing.
    """

    def __init__(self, rows: int, width: int, device: torch.device) -> None:
        self._mean = torch.zeros(rows, width, device=device)
        self._squares = torch.zeros(rows, width, device=device)
        self._count = torch.zeros(rows, 1, device=device)

    def add(self, values: Tensor, start: int) -> None:
        """Add the next checkpoint's gradients.

        Args:
            values: ∂ logit_y / ∂ embedding, or ∂ feature, of some rows (B, width).
            start: the first of these rows.
        """
        span = slice(start, start + len(values))
        self._count[span] += 1
        deviation = values.float() - self._mean[span]
        self._mean[span].addcdiv_(deviation, self._count[span])
        self._squares[span].addcmul_(deviation, values.float() - self._mean[span])

    def spread(self, statistic: Statistic) -> Tensor:
        """Compute VoG: the spread of the gradients over checkpoints, averaged over width.

        VoG = mean over width of Var over checkpoints of ∂ logit_y / ∂ embedding, the population's
        variance; that of a text is the mean over its tokens. High is hard, neither end suspicious.

        Args:
            statistic: "variance", or "std" for the standard deviation instead of Var.

        Returns:
            VoG (rows,), in [0, ∞): squared logits per squared embedding unit, or with "std" logits
            per embedding unit.

        Cost: a forward and a backward pass to the embeddings for every text and checkpoint; two
        float32 arrays (rows, width) in memory.

        Source: Agarwal, D'souza, Hooker, arXiv:2008.11600.
        """
        variance = self._squares / self._count.clamp(min=1)
        return (variance.sqrt() if statistic == "std" else variance).mean(dim=1)
