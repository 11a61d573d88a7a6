"""What a selection keeps and loses, by class or by any other column, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.store.columns import catalogue
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd


def retention(values: npt.ArrayLike | pd.Series, kept: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Count what is kept and lost by value, the largest group first.

    The columns are value, before, kept, lost, kept_share (of the group), share_before and
    share_after (of all rows), and share_change, the relative change of the group's share.
    """
    import pandas as pd

    before = pd.Series(np.asarray(values, dtype=object)).value_counts(dropna=False, sort=False)
    after = (
        pd.Series(np.asarray(values, dtype=object)[kept])
        .value_counts(dropna=False)
        .reindex(before.index, fill_value=0)
    )
    table = pd.DataFrame(
        {
            "value": before.index,
            "before": before.to_numpy(),
            "kept": after.to_numpy(),
            "lost": before.to_numpy() - after.to_numpy(),
        }
    )
    table["kept_share"] = table["kept"] / table["before"]
    table["share_before"] = table["before"] / max(table["before"].sum(), 1)
    table["share_after"] = table["kept"] / max(table["kept"].sum(), 1)
    table["share_change"] = table["share_after"] / table["share_before"] - 1
    return table.sort_values(
        ["before", "value"], ascending=[False, True], key=_sortable, ignore_index=True
    )


def retention_of(run: Run, kept_rows: npt.ArrayLike, column: str = "label") -> pd.DataFrame:
    """Return the retention of a run's training rows by one of its input columns.

    Raises:
        RunError: there is no such column.
    """
    stored = catalogue(run).get(column).stored
    examples = run.examples(list(dict.fromkeys([stored, "split"])))
    train = np.flatnonzero((examples["split"] == "train").to_numpy())
    return retention(examples[stored].iloc[train], np.isin(train, kept_rows))


def class_entropy(counts: npt.ArrayLike) -> float:
    """Return the Shannon entropy of a class distribution, in bits.

    H = −Σ q log₂ q, from 0 (one class) to log₂ of the number of classes (balance).
    """
    sizes = np.asarray(counts, dtype=np.float64)
    shares = sizes[sizes > 0] / max(sizes.sum(), 1.0)
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def _sortable(column: pd.Series) -> pd.Series:
    return column.astype(str) if column.name == "value" else column
