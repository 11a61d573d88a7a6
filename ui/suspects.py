"""Which rows are looked at, and in which order: the noise report as a queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from influence_core.noise.earlier import earlier_review
from influence_core.noise.table import noise_file, read_noise, suspicion_column
from influence_core.store.review import Decision
from influence_core.store.run import Run
from ui import queries

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Rows = Literal["open", "skipped", "decided"]

CONSENSUS = "consensus"


@dataclass(frozen=True)
class Wanted:
    """What a reviewer asks for.

    `rows` are those without a decision, the skipped ones, or those with another decision. They
    come in the order of `judge`, the consensus or a detector, as far as their suspicion is at least
    `least`. What an earlier review kept is not among those without a decision unless `kept` asks
    for it.
    """

    rows: Rows = "open"
    judge: str = CONSENSUS
    least: float = 0.0
    kept: bool = False


@dataclass(frozen=True)
class Suspect:
    """A row of the queue: what is said of its label; `place` counts from 0 by consensus."""

    place: int
    row: int
    id: str
    label: str
    suggested: str | None
    confidence: float
    suspicion: float


class Suspects:
    """All training rows by the suspicion of their label. Nobody changes it."""

    def __init__(self, run: Run) -> None:
        self.report = read_noise(run)
        self.facts = self.report.facts
        self._table = self.report.table
        self.rows = self._table["row"].to_numpy(np.int64)
        ids = self._table["id"].tolist()
        self._places = {id: place for place, id in enumerate(ids)}
        self.earlier = earlier_review(run)
        self._kept = self._table["id"].isin(self.earlier.kept if self.earlier else ()).to_numpy()

    def __len__(self) -> int:
        return len(self._table)

    @property
    def likely(self) -> int:
        """How many labels are estimated to be wrong; 0 where that is open."""
        wrong = self.facts.wrong
        return round(wrong.share * len(self)) if wrong else 0

    def queue(
        self, wanted: Wanted, standing: Mapping[str, Decision], view: Integers | None = None
    ) -> Integers:
        """Return the places of the rows that are asked for, the first to look at first.

        `view` holds the numbers of the rows in view, all if None.
        """
        fits = self._fits(wanted)
        if view is not None:
            fits &= np.isin(self.rows, view)
        if wanted.rows == "open":
            fits[[self._places[id] for id in standing if id in self._places]] = False
            if not wanted.kept:
                fits &= ~self._kept
            order = self._order(wanted.judge)
            return order[fits[order]]
        said = self._said(standing, skipped=wanted.rows == "skipped")
        return np.array([place for place in said if fits[place]], np.int64)

    def suspect(self, place: int, judge: str = CONSENSUS) -> Suspect:
        """Describe the row at a place; its suspicion is that of the judge."""
        told = self._table.iloc[place]
        known = isinstance(told["suggested"], str)
        return Suspect(
            place=int(place),
            row=int(told["row"]),
            id=told["id"],
            label=told["label"],
            suggested=told["suggested"] if known else None,
            confidence=float(told["confidence"]) if known else 0.0,
            suspicion=float(told[_column(judge)]),
        )

    def place(self, id: str | None) -> int | None:
        """Return the place of a row, or None where there is no such training row."""
        return None if id is None else self._places.get(id)

    def kept_before(self, place: int) -> bool:
        """Say whether an earlier review found the label of the row at a place right."""
        return bool(self._kept[place])

    def suspicions(self, place: int) -> dict[str, float]:
        """Return how suspicious each detector finds the row at a place."""
        told = self._table.iloc[place]
        return {key: float(told[suspicion_column(key)]) for key in self.facts.detectors}

    def _fits(self, wanted: Wanted) -> Flags:
        fits = np.ones(len(self), np.bool_)
        if wanted.least > 0:
            fits &= self._table[_column(wanted.judge)].to_numpy(np.float64) >= wanted.least
        return fits

    def _order(self, judge: str) -> Integers:
        if judge == CONSENSUS:
            return np.arange(len(self))
        return np.argsort(-self._table[_column(judge)].to_numpy(np.float64), kind="stable")

    def _said(self, standing: Mapping[str, Decision], skipped: bool) -> Iterator[int]:
        """Yield the places of the rows with a decision, the newest first."""
        for one in sorted(standing.values(), key=lambda one: -one.number):
            if (one.action == "skip") == skipped and one.id in self._places:
                yield self._places[one.id]


def judged(run: Run) -> Suspects | None:
    """Return the rows as they were judged; None where that was not done, or the run has changed."""
    if not noise_file(run).exists():
        return None
    found = queries.share(run, Suspects)
    return found if found.facts.content == queries.manifest(run).content_version else None


def _column(judge: str) -> str:
    return judge if judge == CONSENSUS else suspicion_column(judge)
