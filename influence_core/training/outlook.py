"""What the final model says of every example, and how right it is by split."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.store.files import write_parquet
from influence_core.store.run import Run

if TYPE_CHECKING:
    import torch

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Examples:
    """The columns that training needs: `labels` (rows,) as indices of the sorted label names."""

    ids: npt.NDArray[np.object_]
    labels: npt.NDArray[np.int64]
    splits: npt.NDArray[np.object_]

    @property
    def train_rows(self) -> npt.NDArray[np.int64]:
        """Positions of the training rows in the examples, ascending."""
        return np.flatnonzero(self.splits == "train")


def read_examples(run: Run, label_names: tuple[str, ...]) -> Examples:
    """Read ids, labels and splits of a run's examples."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(run.examples_file, columns=["id", "label", "split"])
    labels = pc.index_in(table.column("label"), value_set=_as_array(label_names))
    return Examples(
        ids=table.column("id").to_numpy(),
        labels=labels.to_numpy().astype(np.int64),
        splits=table.column("split").to_numpy(),
    )


def write_predictions(
    run: Run,
    examples: Examples,
    label_names: tuple[str, ...],
    logits: Iterable[tuple[npt.NDArray[np.int64], torch.Tensor]],
    given: npt.NDArray[np.int64] | None = None,
) -> dict[str, dict[str, float]]:
    """Write `predictions.parquet` from batches of (rows, logits), and return the metrics.

    `given` are the rows that the batches cover, ascending; all by default.
    """
    import pyarrow as pa
    import torch

    count = len(examples.labels)
    predicted = np.zeros(count, np.int64)
    confidence, p_true = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for rows, batch in logits:
        probabilities = batch.softmax(dim=1)
        labels = torch.from_numpy(examples.labels[rows]).unsqueeze(1)
        highest, chosen = probabilities.max(dim=1)
        predicted[rows], confidence[rows] = chosen.numpy(), highest.numpy()
        p_true[rows] = probabilities.gather(1, labels).squeeze(1).numpy()
    table = pa.table(
        {
            "row": np.arange(count, dtype=np.int64),
            "id": pa.array(examples.ids),
            "split": pa.array(examples.splits),
            "predicted": _as_array(label_names).take(pa.array(predicted)),
            "p_true": p_true,
            "confidence": confidence,
            "correct": predicted == examples.labels,
        }
    )
    if given is not None:
        table, predicted = table.take(given), predicted[given]
        examples = Examples(examples.ids[given], examples.labels[given], examples.splits[given])
    write_parquet(run.predictions_file, table)
    return metrics(examples, predicted)


def metrics(examples: Examples, predicted: npt.NDArray[np.int64]) -> dict[str, dict[str, float]]:
    """Return rows, accuracy and macro-F1 over the classes present, of every split with rows."""
    from sklearn.metrics import accuracy_score, f1_score

    figures = {}
    for split in SPLITS:
        rows = examples.splits == split
        if rows.any():
            truth, guess = examples.labels[rows], predicted[rows]
            figures[split] = {
                "rows": float(rows.sum()),
                "accuracy": float(accuracy_score(truth, guess)),
                "macro_f1": float(
                    f1_score(
                        truth, guess, labels=np.unique(truth), average="macro", zero_division=0
                    )
                ),
            }
    return figures


def _as_array(names: tuple[str, ...]):  # type: ignore[no-untyped-def]
    import pyarrow as pa

    return pa.array(names, pa.string())
