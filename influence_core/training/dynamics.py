"""Snapshots: what the model thinks of every training row at one step, and their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.errors import RunError
from influence_core.store.files import write_parquet

if TYPE_CHECKING:
    import torch

COLUMNS = ("p_true", "loss", "margin", "el2n", "entropy", "correct")
"""Columns of a snapshot, one row a training row, in the order of the examples."""

Observation = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class Snapshot:
    """One snapshot file: the step and the (fractional) epoch at whose end it was taken."""

    step: int
    epoch: float
    path: Path

    def column(self, name: str) -> npt.NDArray[np.generic]:
        """Read one column (rows,)."""
        import pyarrow.parquet as pq

        table = pq.read_table(self.path, columns=[name])
        column: npt.NDArray[np.generic] = table.column(name).to_numpy()
        return column


def observe(logits: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Compute what a snapshot holds: loss, margin, EL2N and entropy, and what other scores sum up.

    Args:
        logits: of one forward pass (rows, classes).
        labels: class indices (rows,).

    Returns:
        Each (rows,):
        p_true: softmax(logits)_y, a probability in [0, 1].
        loss: −ln p_true in nats, in [0, ∞), from log-softmax, so that it stays finite. High is
            hard and suspicious.
        margin: logit_y − max over others of logit, in logits, unbounded. Low is hard and
            suspicious.
        el2n: ‖softmax(logits) − onehot(y)‖₂, in probability, in [0, √2]. High is hard and
            suspicious. 1 − p_true is taken as the sum of the other probabilities, which keeps its
            digits when p_true is nearly 1.
        entropy: −Σ over classes of p ln p in nats, in [0, ln classes]. High is hard, neither end
            suspicious.
        correct: whether margin > 0; a tie counts as wrong.

    Cost: O(rows · classes), on top of the forward pass; nothing is differentiated.

    Source: Arpit et al., arXiv:1706.05394 (loss); Pleiss et al., arXiv:2001.10528, equation 1
    (margin); Paul, Ganguli, Dziugaite, arXiv:2107.07075 (EL2N); Lewis, Gale, arXiv:cmp-lg/9407020
    (entropy).
    """
    log_p = logits.log_softmax(dim=1)
    chosen = labels.unsqueeze(1)
    others = log_p.exp().scatter(1, chosen, 0.0)
    best_other = logits.scatter(1, chosen, -float("inf")).amax(dim=1)
    margin = logits.gather(1, chosen).squeeze(1) - best_other
    loss = -log_p.gather(1, chosen).squeeze(1)
    return {
        "p_true": (-loss).exp(),
        "loss": loss,
        "margin": margin,
        "el2n": (others.sum(dim=1).square() + others.square().sum(dim=1)).sqrt(),
        "entropy": -(log_p.exp() * log_p).sum(dim=1),
        "correct": margin > 0,
    }


def collect(
    batches: Iterable[tuple[npt.NDArray[np.int64], torch.Tensor]],
    rows: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
) -> Observation:
    """Observe batches of (rows, logits) and bring the columns into the order of `rows`.

    Memory holds the logits of one batch. `labels` (examples,) are indices of the classes.
    """
    import torch

    place = np.empty(int(rows.max()) + 1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    columns: Observation = {}
    for batch, logits in batches:
        for name, part in observe(logits, torch.from_numpy(labels[batch])).items():
            values = part.numpy()
            column = columns.setdefault(name, np.empty(len(rows), values.dtype))
            column[place[batch]] = values
    return columns


def write_snapshot(folder: Path, step: int, epoch: float, columns: Observation) -> None:
    """Write one snapshot as `step-000050.parquet`, atomically."""
    import pyarrow as pa

    table = pa.table({name: pa.array(columns[name]) for name in COLUMNS})
    facts = {"step": str(step), "epoch": f"{epoch:.6g}"}
    write_parquet(folder / f"step-{step:06d}.parquet", table.replace_schema_metadata(facts))


def read_snapshots(folder: Path) -> list[Snapshot]:
    """List the snapshots of a run in the order of training.

    Raises:
        RunError: there is none.
    """
    import pyarrow.parquet as pq

    snapshots = []
    for path in sorted(folder.glob("step-*.parquet")):
        facts = pq.read_schema(path).metadata
        snapshots.append(Snapshot(int(facts[b"step"]), float(facts[b"epoch"]), path))
    if not snapshots:
        raise RunError(f"There are no training dynamics in {str(folder)!r}; resume the run.")
    return sorted(snapshots, key=lambda snapshot: snapshot.step)


def stream(snapshots: list[Snapshot], column: str) -> Iterator[npt.NDArray[np.generic]]:
    """Yield one column of snapshot after snapshot: memory holds one at a time."""
    for snapshot in snapshots:
        yield snapshot.column(column)
