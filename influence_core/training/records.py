"""What was seen of single rows, batch by batch: record files of every process, and their merging.

A record is one row in one batch: its number, the optimisation step, the epoch, and the columns of a
snapshot. Every process writes its own files, and a training that is resumed drops what it repeats.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch import Tensor

from influence_core.errors import RunError
from influence_core.store.files import discard, write_json, write_parquet
from influence_core.training.dynamics import COLUMNS, Observation, write_snapshot

FLUSH_STEPS = 500
"""Most optimisation steps whose records stay in memory."""

_EPOCHS = "epochs.json"

Rows = npt.NDArray[np.int64]


class RecordWriter:
    """Collects the records of one process on its device, and writes them when asked to."""

    def __init__(self, folder: Path, rank: int) -> None:
        self._folder = folder / f"rank-{rank:05d}"
        self._batches: list[tuple[Tensor, Tensor, int, int]] = []

    def add(self, rows: Tensor, seen: dict[str, Tensor], step: int, epoch: int) -> None:
        """Take what was seen of the rows (B,) of one batch; nothing leaves the device yet."""
        values = torch.stack([seen[name].float() for name in COLUMNS])
        self._batches.append((rows, values, step, epoch))

    def flush(self) -> None:
        """Write what was collected as one file, named by its last step."""
        if not self._batches:
            return
        rows, values, steps, epochs = zip(*self._batches, strict=True)
        counts = [len(part) for part in rows]
        columns: dict[str, Any] = {
            "row": torch.cat(rows).cpu().numpy(),
            "step": np.repeat(np.array(steps, np.int64), counts),
            "epoch": np.repeat(np.array(epochs, np.int64), counts),
        }
        columns |= dict(zip(COLUMNS, torch.cat(values, dim=1).cpu().numpy(), strict=True))
        write_parquet(self._folder / f"step-{steps[-1]:06d}.parquet", pa.table(columns))
        self._batches.clear()


def note_epoch(folder: Path, number: int, epoch: float, step: int) -> None:
    """Note that an epoch, counted from 0, ended after `step`: whole, or cut short at `epoch`."""
    ends = [end for end in _ends(folder) if end["number"] < number]
    write_json(folder / _EPOCHS, [*ends, {"number": number, "epoch": epoch, "step": step}])


def rewind(folder: Path, step: int) -> None:
    """Forget everything after `step`, from which a training is resumed."""
    for path in folder.glob("rank-*/step-*.parquet"):
        table = pq.read_table(path)
        kept = table.filter(pc.less_equal(table["step"], step))
        if not kept.num_rows:
            discard(path)
        elif kept.num_rows < table.num_rows:
            write_parquet(path, kept)
    if folder.exists():
        write_json(folder / _EPOCHS, [end for end in _ends(folder) if end["step"] <= step])


def merge(folder: Path, rows: int, dynamics: Path) -> int:
    """Write a snapshot for every epoch: what was first seen of each row in it.

    A row that no batch of an epoch held, because incomplete batches are dropped or the last epoch
    was cut short, keeps what was seen before, and in the beginning what is seen first.

    Returns:
        How many times a row was not seen in an epoch.

    Raises:
        RunError: some rows were never seen.
    """
    ends = _ends(folder)
    columns = _first_sight(folder, rows, ends)
    missing = 0
    discard(dynamics)
    for end in ends:
        seen, values = _epoch(folder, end["number"])
        for name in COLUMNS:
            columns[name][seen] = values[name]
        missing += rows - len(seen)
        snapshot = {**columns, "correct": columns["correct"].astype(np.bool_)}
        write_snapshot(dynamics, end["step"], end["epoch"], snapshot)
    return missing


def _first_sight(folder: Path, rows: int, ends: list[dict[str, Any]]) -> Observation:
    known = np.zeros(rows, bool)
    columns: Observation = {name: np.zeros(rows, np.float32) for name in COLUMNS}
    for end in ends:
        if known.all():
            break
        seen, values = _epoch(folder, end["number"])
        fresh = ~known[seen]
        for name in COLUMNS:
            columns[name][seen[fresh]] = values[name][fresh]
        known[seen] = True
    if not known.all():
        raise RunError(
            f"{int((~known).sum()):,} of {rows:,} training rows were in no batch, so they have no "
            "dynamics: train one epoch at least, or record with snapshots=True."
        )
    return columns


def _epoch(folder: Path, number: int) -> tuple[Rows, Observation]:
    """Return the rows seen in an epoch, ascending, and what was seen of each at first."""
    table = pq.read_table(
        sorted(map(str, folder.glob("rank-*/step-*.parquet"))),
        filters=[("epoch", "=", number)],
    ).sort_by([("row", "ascending"), ("step", "ascending")])
    rows, first = np.unique(table["row"].to_numpy(), return_index=True)
    return rows, {name: table[name].to_numpy()[first] for name in COLUMNS}


def _ends(folder: Path) -> list[dict[str, Any]]:
    path = folder / _EPOCHS
    ends: list[dict[str, Any]] = []
    if path.exists():
        ends = json.loads(path.read_text(encoding="utf-8"))
    return ends
