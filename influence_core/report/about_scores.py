"""What a report tells of a score: how it is spread, where the hard rows are, and which they are."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from sys import float_info
from typing import TYPE_CHECKING, Any

import numpy as np

from influence_core.noise.reviewed import wilson
from influence_core.report.doubted import doubted
from influence_core.report.drawing import Box, Scale, box
from influence_core.report.score_picture import Histogram, histogram
from influence_core.report.wording import count, counted, figures, percent, short
from influence_core.scores.registry import ScoreSpec, spec_of
from influence_core.store import statistics
from influence_core.store.columns import rank_column
from influence_core.store.query import Between, ExampleQuery, Order
from influence_core.store.rows import page
from influence_core.store.run import Manifest, Run

if TYPE_CHECKING:
    import pandas as pd

LEAST = -float_info.max
"""The least number there is: a range from it on leaves out missing values alone."""

HARDEST = 0.1
"""Share of the rows that counts as the hardest."""

BOX_WIDTH = 200.0

_ENDS: tuple[Order, ...] = ("hardest", "easiest")


@dataclass(frozen=True)
class ClassHardness:
    """A class: its scored rows, how many of them are among the hardest, and its score's spread."""

    label: str
    rows: int
    hardest: int
    box: Box

    @property
    def share(self) -> float:
        """Share of its rows that are among the hardest of all."""
        return self.hardest / self.rows

    @property
    def certain(self) -> float:
        """Lower end of the share's 95% interval: a single hard row makes no hard class."""
        low, _ = wilson(np.array([self.hardest]), np.array([self.rows]))
        return float(low[0])


@dataclass(frozen=True)
class Reading:
    """An example as a reader sees it; `value` is its score, worded."""

    id: str
    text: str | None
    text_pair: str | None
    label: str
    predicted: str | None
    value: str


@dataclass(frozen=True)
class ScoreFacts:
    """What one score says of the training rows; classes come with the hardest first.

    `doubts` say of either end where many labels of the rows shown look wrong.
    """

    spec: ScoreSpec
    scored: int
    hardest_rows: int
    never_learnt: int | None
    histogram: Histogram
    classes: tuple[ClassHardness, ...]
    hardest: tuple[Reading, ...]
    easiest: tuple[Reading, ...]
    doubts: dict[Order, str]

    @property
    def meaning(self) -> str:
        """What a hard row is by this score, in one sentence."""
        _, end, said = self.spec.summary.rpartition(f"{self.spec.hard.capitalize()}: ")
        return f"{end}{said}"

    @property
    def concentration(self) -> int:
        """Fewest classes that hold half of the hardest rows."""
        sizes = sorted((one.hardest for one in self.classes), reverse=True)
        reached = enumerate(accumulate(sizes), start=1)
        return next((place for place, total in reached if 2 * total >= sum(sizes)), 0)

    @property
    def answer(self) -> str:
        """Where the hard rows are, in two sentences."""
        many = counted(len(self.classes), "class", "classes")
        return (
            f"At least half of the hardest {count(self.hardest_rows)} rows lie in "
            f"{self.concentration} of {many}. {self.foremost}"
        )

    @property
    def in_short(self) -> str:
        """The same, after its figure was told."""
        verb = "holds" if self.concentration == 1 else "hold"
        hardest = counted(self.hardest_rows, "row")
        return f"{verb} at least half of the hardest {hardest}. {self.foremost}"

    @property
    def foremost(self) -> str:
        """Which class is the hardest, in one sentence."""
        first = self.classes[0]
        return (
            f"The hardest is “{short(first.label, 40)}”: {percent(first.share, 0)} of its rows are "
            f"among them, where {percent(HARDEST, 0)} would be usual."
        )


def about_score(run: Run, manifest: Manifest, key: str, examples: int) -> ScoreFacts:
    """Read what a score of a run says; `examples` of each end are shown."""
    known = spec_of(manifest, key)
    finite = Between(column=key, minimum=LEAST)
    sizes = _rows_by_label(run, ExampleQuery(scored_only=True, filters=(finite,)))
    scored = sum(sizes.values())
    hardest = max(round(HARDEST * scored), 1)
    shown = {order: _examples(run, key, order, examples) for order in _ENDS}
    return ScoreFacts(
        spec=known,
        scored=scored,
        hardest_rows=hardest,
        never_learnt=_never_learnt(run),
        histogram=histogram(run, manifest, key),
        classes=_classes(run, key, sizes, hardest),
        hardest=readings(shown["hardest"], key),
        easiest=readings(shown["easiest"], key),
        doubts={
            order: doubted(run, found["row"].tolist()).said(order, known.label)
            for order, found in shown.items()
        },
    )


def _rows_by_label(run: Run, query: ExampleQuery) -> dict[str, int]:
    found = statistics.value_counts(run, "label", query=query)
    return {
        str(label): int(rows) for label, rows in zip(found["value"], found["rows"], strict=True)
    }


def _classes(run: Run, key: str, sizes: dict[str, int], hardest: int) -> tuple[ClassHardness, ...]:
    first = Between(column=rank_column(key), maximum=hardest)
    among = _rows_by_label(run, ExampleQuery(scored_only=True, filters=(first,)))
    found = statistics.box(run, key, by="label", groups=len(sizes))
    across = _box_scale(run, key)
    boxes = {str(one["group"]): _box(across, one) for one in found.to_dict("records")}
    classes = [
        ClassHardness(label, rows, among.get(label, 0), boxes[label])
        for label, rows in sizes.items()
        if label in boxes
    ]
    return tuple(sorted(classes, key=lambda one: (-one.certain, -one.rows, one.label)))


def _box_scale(run: Run, key: str) -> Scale:
    """Return where boxes lie: between the quantiles that a histogram is drawn between."""
    ends = statistics.quantiles(run, key, points=201)["value"]
    low, high = float(ends.iloc[1]), float(ends.iloc[-2])
    return Scale(low, high if high > low else low + 1.0, 2.0, BOX_WIDTH - 2.0)


def _box(across: Scale, one: Mapping[Hashable, Any]) -> Box:
    names = ("lower_fence", "q1", "median", "q3", "upper_fence")
    return box(across, [float(one[name]) for name in names])


def _never_learnt(run: Run) -> int | None:
    """Count the rows that the model never got right, where training was watched."""
    import pyarrow.parquet as pq

    if "never_learnt" not in pq.read_schema(run.scores_file).names:
        return None
    flags = pq.read_table(run.scores_file, columns=["never_learnt"])["never_learnt"]
    return sum(bool(flag) for flag in flags.to_pylist())


def _examples(run: Run, key: str, order: Order, size: int) -> pd.DataFrame:
    return page(run, ExampleQuery(score=key, order=order, scored_only=True), size=size)


def readings(found: pd.DataFrame, key: str) -> tuple[Reading, ...]:
    """Return rows of a page of examples as a reader sees them."""
    values: Sequence[str] = figures(found[key])
    records = found.to_dict("records")
    return tuple(
        Reading(
            id=str(one["id"]),
            text=str(one["text"]),
            text_pair=one["text_pair"] if isinstance(one["text_pair"], str) else None,
            label=str(one["label"]),
            predicted=one["predicted"] if isinstance(one.get("predicted"), str) else None,
            value=value,
        )
        for one, value in zip(records, values, strict=True)
    )
