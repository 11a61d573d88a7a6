"""Out-of-fold probabilities: what heads say of rows that they never learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from influence_core.config import ModelSettings, RunSettings
from influence_core.data.splits import dominant
from influence_core.errors import RunError, ScoreError, rule
from influence_core.model.head import build_head
from influence_core.progress import Progress
from influence_core.store.files import atomic, new_array, write_parquet
from influence_core.store.run import Run
from influence_core.training.heads import train_heads
from influence_core.training.outlook import Examples
from influence_core.training.probe import head_logits

Integers = npt.NDArray[np.int64]

_PROBABILITIES, _ROWS = "probabilities.npy", "rows.parquet"


@dataclass(frozen=True)
class OutOfFold:
    """What is known of every training row (n,) from the models that did not learn from it.

    `probabilities` (n, classes) float32 is a memory map, `loss` is −ln of the label's probability
    in nats, and `fold` the fold that a row lies in.
    """

    rows: Integers
    fold: Integers
    loss: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.float32]


def out_of_fold_folder(replicate: Run) -> Path:
    """Return where the out-of-fold probabilities of a replicate lie: `out_of_fold/`."""
    return replicate.path / "out_of_fold"


def write_out_of_fold(
    features: npt.NDArray[np.float16],
    examples: Examples,
    units: Integers,
    classes: int,
    settings: RunSettings,
    seed: int,
    replicate: Run,
    progress: Progress,
) -> None:
    """Divide the training rows into folds, and let a head speak of each that learnt from the rest.

    Heads and their training are those of a probe, drawn from `seed`. `features` (examples, D) must
    come from an encoder that was not tuned on these labels, or the probabilities know the labels
    that they are meant to judge. `units` (training rows,) are those of `store.units.read_units`.

    Cost: about that of training two probes.

    Raises:
        ScoreError: all training rows belong together, so that none can be left out.
    """
    rows, folds = examples.train_rows, settings.scoring.folds
    labels = examples.labels[rows]
    fold = deal_folds(labels, units, folds, np.random.default_rng(seed))
    if len(np.unique(fold)) < 2:
        raise ScoreError(rule("group", "divide the training rows into two or more groups", 1))
    heads = _new_heads(folds, features.shape[1], classes, settings.model, seed)
    seen = fold != np.arange(folds)[:, None]
    train_heads(heads, features, rows, examples.labels, seen, settings.training, seed, progress)
    with atomic(out_of_fold_folder(replicate)) as partial:
        partial.mkdir()
        _write(partial, heads, features, rows, labels, fold, classes)


def read_out_of_fold(replicate: Run) -> OutOfFold:
    """Open the out-of-fold probabilities of a replicate.

    Raises:
        RunError: they are not there.
    """
    import pyarrow.parquet as pq

    folder = out_of_fold_folder(replicate)
    if not folder.is_dir():
        raise RunError(f"There are no out-of-fold probabilities in {str(folder)!r}.")
    table = pq.read_table(folder / _ROWS)
    return OutOfFold(
        rows=table.column("row").to_numpy(),
        fold=table.column("fold").to_numpy().astype(np.int64),
        loss=table.column("loss").to_numpy(),
        probabilities=np.load(folder / _PROBABILITIES, mmap_mode="r"),
    )


def deal_folds(
    labels: Integers, units: Integers, folds: int, generator: np.random.Generator
) -> Integers:
    """Return the fold of each row (n,), 0 … folds − 1.

    Rows of a unit stay together. The units of one class after the other (a unit belongs to its
    most frequent class) are dealt out like cards, the largest first and equals at random: where
    every unit is one row, folds differ by at most one row, in every class and over all.
    """
    _, unit = np.unique(units, return_inverse=True)
    sizes, chance = np.bincount(unit), generator.permutation(int(unit.max()) + 1)
    order = np.lexsort((chance, -sizes, dominant(unit, labels)))
    fold = np.empty(len(sizes), dtype=np.int64)
    fold[order] = np.arange(len(sizes)) % folds
    return np.asarray(fold[unit], dtype=np.int64)


def _new_heads(
    count: int, width: int, classes: int, model: ModelSettings, seed: int
) -> list[nn.Sequential]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return [build_head(width, model.head_widths, classes, model.dropout) for _ in range(count)]


def _write(
    folder: Path,
    heads: Sequence[nn.Sequential],
    features: npt.NDArray[np.float16],
    rows: Integers,
    labels: Integers,
    fold: Integers,
    classes: int,
) -> None:
    import pyarrow as pa

    probabilities = new_array(folder / _PROBABILITIES, np.float32, (len(rows), classes))
    loss = np.empty(len(rows), np.float32)
    place = np.empty(int(rows.max()) + 1, np.int64)
    place[rows] = np.arange(len(rows))
    for index, head in enumerate(heads):
        for block, logits in head_logits(head, features, rows[fold == index]):
            places, log_p = place[block], logits.log_softmax(dim=1).numpy()
            probabilities[places] = np.exp(log_p)
            loss[places] = -log_p[np.arange(len(block)), labels[places]]
    probabilities.flush()
    write_parquet(
        folder / _ROWS, pa.table({"row": rows, "fold": fold.astype(np.int8), "loss": loss})
    )
