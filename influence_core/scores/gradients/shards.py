"""Shards: the rows of a trace, cut into pieces of which each has a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from influence_core.progress import Progress


@dataclass(frozen=True)
class Shard:
    """Rows that are traced together, and the file they go to."""

    rows: npt.NDArray[np.int64]
    path: Path

    def name(self) -> str:
        """Word the shard in an error."""
        return f"Shard {self.path.name!r} of {len(self.rows):,} rows"


def missing_shards(
    cut: Iterable[npt.NDArray[np.int64]], folder: Path, checkpoints: int, progress: Progress
) -> Iterator[Shard]:
    """Yield the shards that have no file yet; the others count as done."""
    for index, rows in enumerate(cut):
        shard = Shard(rows, folder / f"shard-{index:05d}.parquet")
        if shard.path.exists():
            progress.advance(len(rows) * checkpoints)
        else:
            yield shard
