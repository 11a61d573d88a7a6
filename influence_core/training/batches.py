"""In which order rows are learnt from, where no DataLoader decides it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def shuffled_batches(rows: Integers, size: int, epochs: int, seed: int) -> Iterator[Integers]:
    """Yield `rows` (n,) in batches of `size`, in a new order every epoch.

    The last batch of an epoch is smaller where `size` does not divide n.
    """
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(rows)
        for start in range(0, len(order), size):
            yield order[start : start + size]
