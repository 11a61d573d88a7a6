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
        """Add the next value of rows `start` to `start + len(values)`."""
        span = slice(start, start + len(values))
        self._count[span] += 1
        deviation = values.float() - self._mean[span]
        self._mean[span].addcdiv_(deviation, self._count[span])
        self._squares[span].addcmul_(deviation, values.float() - self._mean[span])

    def spread(self, statistic: Statistic) -> Tensor:
        """Return the population variance or standard deviation, averaged over width: (rows,)."""
        variance = self._squares / self._count.clamp(min=1)
        return (variance.sqrt() if statistic == "std" else variance).mean(dim=1)
