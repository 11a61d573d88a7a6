"""What a selection keeps and loses, by class or by any other column, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.errors import RunError, rule
from influence_core.store import laid
from influence_core.store.columns import Column, catalogue
from influence_core.store.corrections import Corrections
from influence_core.store.lookup import training
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

LENGTH = "length"
"""Name of the grouping by how many words a text has, both texts of a pair together."""

BANDS = ((1, 3), (4, 6), (7, 10), (11, 20))
"""First and last count of words in each band of lengths; longer texts are a band of their own."""


def retention(
    values: npt.ArrayLike | pd.Series,
    kept: npt.NDArray[np.bool_],
    after: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Count what is kept and lost by value, the largest group first.

    The columns are value, before, kept, lost, kept_share (of the group), share_before and
    share_after (of all rows), and share_change, the relative change of the group's share.

    `after` are the values that the rows have afterwards, where some change. A group may then keep
    more than it had, and lose less than nothing; one that is new has no share kept.
    """
    import pandas as pd

    before = pd.Series(np.asarray(values, dtype=object)).value_counts(dropna=False, sort=False)
    left = np.asarray(values if after is None else after, dtype=object)[kept]
    stays = pd.Series(left).value_counts(dropna=False)
    groups = before.index.union(stays.index, sort=False) if after is not None else before.index
    table = pd.DataFrame({"value": groups})
    table["before"] = before.reindex(groups, fill_value=0).to_numpy()
    table["kept"] = stays.reindex(groups, fill_value=0).to_numpy()
    table["lost"] = table["before"] - table["kept"]
    table["kept_share"] = table["kept"] / table["before"].where(table["before"] > 0)
    table["share_before"] = table["before"] / max(table["before"].sum(), 1)
    table["share_after"] = table["kept"] / max(table["kept"].sum(), 1)
    table["share_change"] = (
        table["share_after"] / table["share_before"].where(table["before"] > 0) - 1
    )
    return table.sort_values(
        ["before", "value"], ascending=[False, True], key=_sortable, ignore_index=True
    )


def retention_of(
    run: Run, kept_rows: npt.ArrayLike, column: str = "label", decided: Corrections | None = None
) -> pd.DataFrame:
    """Return the retention of a run's training rows by one of its groupings.

    With `decided`, rows that reviewers dropped leave too, and labels are those they want.

    Raises:
        RunError: rows cannot be grouped by that.
    """
    _require_grouping(run, column)
    train = np.flatnonzero(training(run))
    values, kept = _groups(run, column)[train], np.isin(train, kept_rows)
    if decided is None:
        return retention(values, kept)
    told = run.examples(["id", "label"]).iloc[train]
    dropped, labels = decided.outcome(told["id"].to_numpy(object), told["label"].to_numpy(object))
    return retention(values, kept & ~dropped, labels if column == "label" else None)


def groupings(run: Run) -> list[str]:
    """List what rows can be grouped by: the label, other input columns, and bands of length."""
    inputs = [column.name for column in catalogue(run).columns if _groups_inputs(column)]
    return list(dict.fromkeys([*inputs, LENGTH]))


def length_bands(words: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """Return the band of each count of words, as '4–6'; a text without any is in the first.

    >>> length_bands([1, 4, 99]).tolist()
    ['1–3', '4–6', '21+']
    """
    names = [*(f"{first}–{last}" for first, last in BANDS), f"{BANDS[-1][1] + 1}+"]
    ends = [last for _, last in BANDS]
    return np.array(names, dtype=object)[np.searchsorted(ends, words)]


def class_entropy(counts: npt.ArrayLike) -> float:
    """Return the Shannon entropy of a class distribution, in bits.

    H = −Σ q log₂ q, from 0 (one class) to log₂ of the number of classes (balance).
    """
    sizes = np.asarray(counts, dtype=np.float64)
    shares = sizes[sizes > 0] / max(sizes.sum(), 1.0)
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def _require_grouping(run: Run, name: str) -> None:
    allowed = groupings(run)
    if name not in allowed:
        raise RunError(rule("column", f"be one of {', '.join(map(repr, allowed))}", name))


def _groups_inputs(column: Column) -> bool:
    """Whether it is an input column with few values, likely; all of these rows are of one split."""
    return column.table == "examples" and column.groupable and column.name != "split"


def _groups(run: Run, name: str) -> npt.NDArray[np.object_]:
    """Return the group of every example: an input column of the name goes before a computed one."""
    if name not in catalogue(run):
        return length_bands(_words(run))
    codes, names = laid.coded(run.examples_file, catalogue(run).get(name).stored)
    return np.array([*names.to_pylist(), np.nan], dtype=object)[codes]


def _words(run: Run) -> npt.NDArray[np.int64]:
    """Count the words of every example, both texts of a pair together."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    texts = pq.read_table(run.examples_file, columns=["text", "text_pair"])
    counts = [
        pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(column)))
        for column in texts.columns
    ]
    first, second = (pc.fill_null(count, 0).to_numpy().astype(np.int64) for count in counts)
    words: npt.NDArray[np.int64] = first + second
    return words


def _sortable(column: pd.Series) -> pd.Series:
    return column.astype(str) if column.name == "value" else column
