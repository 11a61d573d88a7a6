"""How many of the rows in a list have a label that looks wrong: an end of a score can be full."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from influence_core.noise.table import suspected
from influence_core.report.wording import count, sentence
from influence_core.store.columns import catalogue
from influence_core.store.query import Order
from influence_core.store.rows import columns_of
from influence_core.store.run import Run

MANY, FEWEST = 0.25, 3
"""Share of the listed rows, and rows, from which on their wrong labels are worth a word."""


@dataclass(frozen=True)
class Doubted:
    """How many of some rows have a label in doubt: by the noise report, where it `judged` them.

    Where there is none, a label is in doubt that the final model contradicts.
    """

    rows: int
    doubted: int
    judged: bool

    def said(self, order: Order, score: str) -> str:
        """Say it of rows at an end of a score; nothing where few labels are in doubt."""
        if self.doubted < max(MANY * self.rows, FEWEST):
            return ""
        of = "" if self.doubted == self.rows else f"{count(self.doubted)} of "
        labels = f"{of}these {count(self.rows)} labels"
        told = f"{labels} are likely wrong" if self.judged else f"the model contradicts {labels}"
        found = f"{sentence(told)}."
        then = "mend or drop wrong labels first" if self.judged else "look for wrong labels first"
        if order == "easiest":
            return f"{found} Easy by {score} need not mean learnt or right: {then}."
        return f"{found} A wrong label alone can make a row hard: {then}."


def doubted(run: Run, rows: Sequence[int]) -> Doubted:
    """Count the rows of which the label is in doubt."""
    last = suspected(run)
    if last:
        ranks = columns_of(run, rows, ["noise_rank"])["noise_rank"]
        return Doubted(len(rows), int((ranks <= last).sum()), judged=True)
    if "predicted" not in catalogue(run):
        return Doubted(len(rows), 0, judged=False)
    found = columns_of(run, rows, ["label", "predicted"]).dropna()
    labels, predicted = found["label"].astype(str), found["predicted"].astype(str)
    return Doubted(len(rows), int((labels != predicted).sum()), judged=False)
