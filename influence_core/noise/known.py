"""Where it is known which labels are wrong: what scores and detectors find of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, overload

import numpy as np
import numpy.typing as npt

from influence_core.errors import RunError, rule
from influence_core.noise.evidence import Evidence
from influence_core.noise.flipping import FLIPPED
from influence_core.noise.measure import Detection, detection
from influence_core.noise.table import NoiseReport, find_noise, suspicion_column
from influence_core.scores.registry import specs_of
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Flags = npt.NDArray[np.bool_]

LABEL_IS_WRONG = "label_is_wrong"
TRUTHS = (FLIPPED, LABEL_IS_WRONG)
"""Columns that say whether a label is wrong: of flipped data, and of the built-in set."""


@overload
def known_wrong(run: Run, column: str) -> Flags: ...


@overload
def known_wrong(run: Run, column: str | None = None) -> Flags | None: ...


def known_wrong(run: Run, column: str | None = None) -> Flags | None:
    """Return which training labels are known to be wrong (training rows,).

    Args:
        run: a run that has read its data.
        column: an input column that says so; by default those that this package writes, all of
            them that there are and say yes or no, and None where there is none.

    Raises:
        RunError: there is no such column, or it does not say yes or no.
    """
    import pyarrow.parquet as pq

    stored = pq.read_schema(run.examples_file).names
    if column is not None and column not in stored:
        raise RunError(rule("truth", f"be one of {', '.join(stored)}", column))
    columns = [name for name in TRUTHS if name in stored] if column is None else [column]
    table = pq.read_table(run.examples_file, columns=[*columns, "split"])
    told = [_flags(table, name) for name in columns]
    known = [flags for flags in told if flags is not None]
    if not known:
        if column is None:
            return None
        raise RunError(rule("truth", "name a column of true and false", column))
    train = table["split"].to_numpy() == "train"
    wrong: Flags = np.any([flags[train] for flags in known], axis=0)
    return wrong


def detections(
    run: Run, wrong: Flags, k: int | None = None, report: NoiseReport | None = None
) -> Iterator[tuple[str, Detection]]:
    """Measure every score of a run, every detector, and the consensus, by name.

    Scores that do not tell wrong labels are measured at their hard end. `report` is that of
    `find_noise`, which makes it where none is given.

    Raises:
        DataError: no label is wrong, or `k` is out of range.
    """
    report = report or find_noise(run)
    evidence = Evidence(run, report.facts.seed)
    manifest = run.manifest()
    for key, spec in specs_of(manifest).items():
        values = evidence.score(key)
        end = spec.suspicious or spec.hard
        if values is not None:
            yield key, detection(values, wrong, evidence.by_id, k, end)
    table = report.table.set_index("row").loc[evidence.rows]
    detectors = [key for key in report.facts.detectors if key not in manifest.scores]
    for name, column in [(key, suspicion_column(key)) for key in detectors] + [
        ("consensus", "consensus")
    ]:
        yield name, detection(table[column], wrong, evidence.by_id, k)


def found_by_rank(report: NoiseReport, wrong: Flags, end: int | None = None) -> pd.DataFrame:
    """Return what is known of the first rows of the ranking, for every number of them.

    Args:
        report: the rows in the order of suspicion.
        wrong: which training labels are wrong, as `known_wrong` returns it (training rows,).
        end: the largest number of rows; all of them by default.

    Returns:
        Columns k, precision, recall: of the first `k` rows the share that is wrong, and the share
        of all wrong labels that is among them. Recall is missing where no label is wrong.
    """
    import pandas as pd

    rows = report.table["row"].to_numpy()
    found = np.cumsum(wrong[np.searchsorted(np.sort(rows), rows)])[:end]
    k = np.arange(1, len(found) + 1)
    recall = found / wrong.sum() if wrong.any() else np.full(len(k), np.nan)
    return pd.DataFrame({"k": k, "precision": found / k, "recall": recall})


def _flags(table: pa.Table, column: str) -> Flags | None:
    """Read a column of true and false, which may be spelled; what is missing says no."""
    import pyarrow as pa

    try:
        said = table[column].cast(pa.string()).cast(pa.bool_())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    flags: Flags = said.fill_null(False).to_numpy()
    return flags
