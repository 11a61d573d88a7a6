"""`scores.parquet` from columns of raw scores, one score in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from influence_core.exchange.examples import TrainRows
from influence_core.scores.normalise import id_order, score_columns
from influence_core.scores.registry import End
from influence_core.store.columns import NEVER_LEARNT
from influence_core.store.files import ROW_GROUP, atomic
from influence_core.store.run import Run

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Columns = Mapping[str, Path]


def write_scores(
    run: Run,
    train: TrainRows,
    scores: Iterable[tuple[str, End, Floats]],
    folder: Path,
    finished: Callable[[], None],
    never_learnt: Bools | None = None,
) -> None:
    """Write raw scores (key, hard end, values (n,)), normalised and ranked.

    The columns of each score go to memory-mapped files in `folder` before the next is taken.
    Missing values are NaN and rank last; what was never learnt ranks hardest by forgetting.
    """
    by_id = id_order(train.ids)
    columns: dict[str, Path] = {}
    for key, hard, raw in scores:
        unlearnt = never_learnt if key == "forgetting" else None
        for name, values in score_columns(key, raw, hard, train.labels, by_id, unlearnt):
            columns[name] = folder / f"{len(columns):04d}.npy"
            np.save(columns[name], values)
        finished()
    if never_learnt is not None:
        columns[NEVER_LEARNT] = folder / "never_learnt.npy"
        np.save(columns[NEVER_LEARNT], never_learnt)
    _assemble(run.scores_file, train, columns)


def _assemble(path: Path, train: TrainRows, columns: Columns) -> None:
    """Bring row, id and the saved columns together, a row group at a time."""
    saved = {name: np.load(file, mmap_mode="r") for name, file in columns.items()}
    kinds = [(name, pa.from_numpy_dtype(values.dtype)) for name, values in saved.items()]
    schema = pa.schema([("row", pa.int64()), ("id", pa.string()), *kinds])
    with atomic(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for start in range(0, max(len(train.rows), 1), ROW_GROUP):
            group = slice(start, start + ROW_GROUP)
            ids = train.ids.slice(start, ROW_GROUP)
            piece = {"row": train.rows[group], "id": ids}
            piece |= {name: np.asarray(values[group]) for name, values in saved.items()}
            writer.write_table(pa.table(piece, schema=schema))
