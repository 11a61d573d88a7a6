"""One score of two runs on the training rows of both: how alike, and what each would keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from influence_core.comparing.sides import other_texts
from influence_core.errors import RunError, ScoreError, rule
from influence_core.selection.overlap import Overlap, overlap
from influence_core.store.columns import rank_column
from influence_core.store.database import Parameters, frame, quote
from influence_core.store.rows import texts
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

BINS = 24
"""Bins of either axis in the picture of two scores."""

TOLD_APART = 20
"""Rows listed of those that the two runs judge most differently."""


@dataclass(frozen=True)
class Together:
    """What two runs say of the rows that both have scored.

    `spearman` is the rank correlation of their hardness, −1 … 1, ties by id. `bins` counts rows by
    the share of easier rows in the first run and in the second (columns first, second, rows).
    `kept` compares what each would keep; `apart` lists the rows they judge most differently (id,
    text, label, first, second: the share of the rows that are easier, 0 … 1).
    """

    rows: int
    spearman: float
    bins: pd.DataFrame
    kept: Overlap
    apart: pd.DataFrame


def together(first: Run, second: Run, score: str, fraction: float) -> Together:
    """Compare a score of two runs, and the rows left when each drops its easiest `fraction`.

    Raises:
        ScoreError: one of them lacks the score.
        RunError: they share fewer than two scored rows, or rows of one id have different texts.
    """
    for run in (first, second):
        if score not in run.manifest().scores:
            raise ScoreError(rule("score", f"be one that {run.title} has", score))
    found = _ranked(first, second, score)
    if len(found) < 2:
        raise RunError(f"{first.title} and {second.title} share no scored rows to compare.")
    easier = 1 - (found[["first", "second"]] - 1) / (len(found) - 1)
    kept = [
        np.flatnonzero(found[side] <= round((1 - fraction) * len(found)))
        for side in ("first", "second")
    ]
    return Together(
        rows=len(found),
        spearman=float(np.corrcoef(found["first"], found["second"])[0, 1]),
        bins=_bins(easier),
        kept=overlap(len(found), *kept),
        apart=_apart(first, found["row"], easier),
    )


def _ranked(first: Run, second: Run, score: str) -> pd.DataFrame:
    """Return row of the first run, and hardness ranks among the shared rows in both."""
    parameters, rank, value = Parameters(), quote(rank_column(score)), quote(score)
    one, other = (parameters.parquet(run.scores_file) for run in (first, second))
    here, there = (parameters.parquet(run.examples_file) for run in (first, second))
    found = frame(
        f"""
        SELECT a.row AS row, e.text IS DISTINCT FROM f.text AS differs,
            row_number() OVER (ORDER BY a.{rank}, a.id) AS first,
            row_number() OVER (ORDER BY b.{rank}, b.id) AS second
        FROM {one} a JOIN {other} b ON a.id = b.id
        JOIN {here} e ON e.file_row_number = a.row JOIN {there} f ON f.file_row_number = b.row
        WHERE isfinite(a.{value}) AND isfinite(b.{value}) ORDER BY a.row
        """,
        parameters,
    )
    differ = int(found["differs"].sum())
    if differ:
        raise other_texts(first.title, second.title, differ, len(found), "training")
    return found


def _bins(easier: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    edges = np.linspace(0, 1, BINS + 1)
    counts, _, _ = np.histogram2d(easier["first"], easier["second"], bins=(edges, edges))
    middle = (edges[:-1] + edges[1:]) / 2
    first, second = (axis.ravel() for axis in np.meshgrid(middle, middle, indexing="ij"))
    return pd.DataFrame({"first": first, "second": second, "rows": counts.ravel().astype(int)})


def _apart(run: Run, rows: pd.Series[int], easier: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    order = np.argsort(-(easier["first"] - easier["second"]).abs(), kind="stable")[:TOLD_APART]
    listed = pd.DataFrame(texts(run, [int(row) for row in rows.iloc[order]]))
    shares = easier.iloc[order].reset_index(drop=True)
    return listed[["id", "text", "label"]].assign(first=shares["first"], second=shares["second"])
