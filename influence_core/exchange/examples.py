"""The training rows of a run, and the input rows its examples stand for, read in batches."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from influence_core.store.run import DatasetSummary, Run

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainRows:
    """The training rows: their positions in the examples (n,), class indices (n,) and ids (n)."""

    rows: Positions
    labels: Positions
    ids: pa.ChunkedArray


def train_rows(run: Run, dataset: DatasetSummary) -> TrainRows:
    """Read the training rows; memory holds what they return, and a batch."""
    names = pa.array(dataset.label_names, pa.string())
    rows, labels, ids, start = [], [], [], 0
    with pq.ParquetFile(run.examples_file) as file:
        for batch in file.iter_batches(columns=["id", "label", "split"]):
            train = pc.equal(batch["split"], "train")
            kept = batch.filter(train)
            rows.append(start + np.flatnonzero(train.to_numpy(zero_copy_only=False)))
            labels.append(pc.index_in(kept["label"], value_set=names).to_numpy())
            ids.append(kept["id"])
            start += len(batch)
    return TrainRows(
        np.concatenate(rows).astype(np.int64),
        np.concatenate(labels).astype(np.int64),
        pa.chunked_array(ids, pa.string()),
    )


def input_rows(run: Run, dataset: DatasetSummary) -> Positions | None:
    """Return which input row, counted from 0, each example was; None where it cannot be told.

    Rows that were left out are known by their number in their file, so several files do not tell.
    """
    if not dataset.rejected:
        return np.arange(dataset.rows)
    lines = run.rejected_file.read_text(encoding="utf-8").splitlines()
    rejected = [json.loads(line) for line in lines]
    if len({line["file"] for line in rejected}) > 1:
        return None
    left_out = np.array([line["row"] for line in rejected], dtype=np.int64) - 1
    every = np.arange(dataset.rows + dataset.rejected)
    kept = np.setdiff1d(every, left_out)
    return kept if len(kept) == dataset.rows else None
