"""Two sides on the test rows that both were asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.comparing.bootstrap import Gap, gaps
from influence_core.comparing.sides import Side, other_texts
from influence_core.errors import RunError
from influence_core.pruning.evidence import DRAWS
from influence_core.selection.linking import joined

if TYPE_CHECKING:
    import pandas as pd

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """What two sides say of the same rows, and how sure their differences are.

    `only_first` and `only_second` count the test rows that one side alone has; `relabelled` those
    of both whose label is not the same. None of these is compared.
    """

    first: Side
    second: Side
    label_names: tuple[str, ...]
    rows: int
    only_first: int
    only_second: int
    relabelled: int
    gaps: list[Gap]

    @property
    def left_out(self) -> str:
        """How many test rows are not compared and why, in brackets; nothing where all are."""
        reasons = {
            "only in the first": self.only_first,
            "only in the second": self.only_second,
            "labelled otherwise": self.relabelled,
        }
        told = ", ".join(f"{rows:,} {reason}" for reason, rows in reasons.items() if rows)
        return f" (left out: {told})" if told else ""

    def overall(self) -> pd.DataFrame:
        """Return the metrics over all rows: metric, first, second, mean, low, high, verdict."""
        return self._table([one for one in self.gaps if one.label is None]).drop(columns="label")

    def by_class(self, metric: str) -> pd.DataFrame:
        """Return recall, precision or f1 of each class; columns as `overall`, label and rows.

        Classes without test rows are left out.
        """
        return self._table([one for one in self.gaps if one.metric == metric and one.rows])

    def certain(self, metric: str) -> tuple[int, int]:
        """Return how many classes the first side is certainly better and worse at."""
        verdicts = self.by_class(metric)["verdict"]
        return int((verdicts == "better").sum()), int((verdicts == "worse").sum())

    def _table(self, found: list[Gap]) -> pd.DataFrame:
        import pandas as pd

        columns = ["metric", "label", "rows", "first", "second", "mean", "low", "high", "verdict"]
        return pd.DataFrame([self._row(one) for one in found], columns=columns)

    def _row(self, one: Gap) -> tuple[object, ...]:
        label = None if one.label is None else self.label_names[one.label]
        told = one.difference
        return (
            *(one.metric, label, one.rows, one.first, one.second),
            *(told.mean, told.low, told.high, one.verdict),
        )


def compare(first: Side, second: Side, draws: int = DRAWS, seed: int = 0) -> Comparison:
    """Compare two sides on the test rows of both, found by their ids.

    Rows that belong together, by a run's group column or by equal texts, are drawn together. Models
    of experiments are paired by seed, and differences must be certain over seeds and rows.

    Raises:
        RunError: they share no test row, or rows of one id have different texts.
    """
    first, second = _paired(first, second)
    here, there = _shared(first, second)
    alike = first.truth[here] == second.truth[there]
    one, other = here[alike], there[alike]
    if not len(one):
        raise RunError(
            f"{first.title} and {second.title} share no test row of the same label: compare runs "
            "of the same data."
        )
    answers = (first.truth[one], first.predicted[:, one], second.predicted[:, other])
    names = np.unique(np.concatenate([each.ravel() for each in answers]))
    truth, mine, theirs = (np.searchsorted(names, each) for each in answers)
    return Comparison(
        first=first,
        second=second,
        label_names=tuple(names),
        rows=len(one),
        only_first=len(first.ids) - len(here),
        only_second=len(second.ids) - len(there),
        relabelled=int((~alike).sum()),
        gaps=gaps(
            truth, mine, theirs, _together(first.units[one], second.units[other]), draws, seed
        ),
    )


def _shared(first: Side, second: Side) -> tuple[Positions, Positions]:
    """Return the positions of the rows that both have, in the order of the first."""
    place = {id: at for at, id in enumerate(second.ids)}
    pairs = [(at, place[id]) for at, id in enumerate(first.ids) if id in place]
    here, there = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    differ = int((first.texts[here] != second.texts[there]).sum())
    if differ:
        raise other_texts(first.title, second.title, differ, len(here), "test")
    return here, there


def _together(first: Positions, second: Positions) -> Positions:
    """Return units such that rows together in one side's units are together."""
    _, group = np.unique(first, return_inverse=True)
    _, lead, unit = np.unique(second, return_index=True, return_inverse=True)
    return joined(group, group, group[lead[unit]])


def _paired(first: Side, second: Side) -> tuple[Side, Side]:
    """Keep the models of the seeds that both sides have, where both are of experiments."""
    seeds = sorted(set(first.seeds) & set(second.seeds))
    return (first.only(seeds), second.only(seeds)) if seeds else (first, second)
