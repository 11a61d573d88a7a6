"""The data of a run as a report tells it: how much there is, and how it is divided."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from pathlib import Path

from influence_core.report.wording import count, counted
from influence_core.store.names import named
from influence_core.store.run import DatasetSummary, Run
from influence_core.store.state import dataset_of

SMALL_CLASS = 10
"""Training rows below which a class counts as small."""

EVEN = 1.5
"""Rows of the largest class for one of the smallest below which they count as equally large."""

OUTLINE = (750.0, 90.0)
"""Width and height of the outline of the classes, in pixels."""


@dataclass(frozen=True)
class ClassSize:
    """A class with its training rows; `length` is their share of those of the largest class."""

    label: str
    rows: int
    length: float


@dataclass(frozen=True)
class DataFacts:
    """What a dataset holds; `classes` come with the largest first."""

    source: str
    rows: int
    rejected: int
    splits: dict[str, int]
    pairs: bool
    classes: tuple[ClassSize, ...]
    warnings: tuple[tuple[str, str], ...]

    @property
    def train_rows(self) -> int:
        """Rows that a model learns from: those of which everything else speaks."""
        return sum(one.rows for one in self.classes)

    @property
    def small(self) -> int:
        """Classes of fewer than `SMALL_CLASS` training rows."""
        return sum(one.rows < SMALL_CLASS for one in self.classes)

    @property
    def imbalance(self) -> float:
        """Rows of the largest class for each row of the smallest that has any."""
        sizes = [one.rows for one in self.classes if one.rows]
        return sizes[0] / sizes[-1] if sizes else 1.0

    @property
    def evenness(self) -> float:
        """Entropy of the classes over that of equally large ones, in [0, 1]."""
        shares = [one.rows / self.train_rows for one in self.classes if one.rows]
        if len(self.classes) < 2:
            return 1.0
        return -sum(share * log(share) for share in shares) / log(len(self.classes))

    @property
    def answer(self) -> str:
        """The data in one sentence."""
        told = f"{count(self.train_rows)} labelled {'pairs of texts' if self.pairs else 'texts'}"
        return f"{told} {self.in_short}"

    @property
    def in_short(self) -> str:
        """The same, after its figure was told."""
        many = counted(len(self.classes), "class", "classes")
        if self.even:
            return f"to learn from, in {many} of about the same size."
        ratio = _times(self.imbalance)
        return f"to learn from, in {many}. The largest has {ratio} the rows of the smallest."

    @property
    def even(self) -> bool:
        """Whether the classes are about equally large."""
        return self.imbalance < EVEN

    @property
    def held_out(self) -> str:
        """The rows that no model learns from, in words."""
        others = {name: rows for name, rows in self.splits.items() if name != "train"}
        return ", ".join(f"{count(rows)} for {name}" for name, rows in others.items()) or "none"

    @property
    def outline(self) -> str:
        """The rows of all classes side by side, the largest first, as SVG path data."""
        width, height = OUTLINE
        step = width / len(self.classes)
        tops = [height * (1 - one.length) for one in self.classes]
        path = "".join(f"V{top:.1f}h{step:.2f}" for top in tops)
        return f"M0 {height:g}{path}V{height:g}Z"


def about_data(run: Run) -> DataFacts:
    """Read what the data of a run holds."""
    found = dataset_of(run)
    return DataFacts(
        source=name_of(found),
        rows=found.rows,
        rejected=found.rejected,
        splits=found.splits,
        pairs=_pairs(run),
        classes=_classes(found.class_counts),
        warnings=tuple((one.check, one.message) for one in found.findings if one.level != "info"),
    )


def _pairs(run: Run) -> bool:
    """Say whether any row has a second text."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    second = pq.read_table(run.examples_file, columns=["text_pair"])["text_pair"]
    return bool(pc.any(pc.not_equal(second, "")).as_py())


def name_of(dataset: DatasetSummary) -> str:
    """Return what a dataset is called: its file without the folders, which are nobody's matter."""
    parts = [Path(part).name or part for part in named(dataset.source)]
    return ", ".join(parts)


def _classes(counts: dict[str, int]) -> tuple[ClassSize, ...]:
    largest = max(counts.values(), default=0) or 1
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return tuple(ClassSize(label, rows, rows / largest) for label, rows in ordered)


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:,.0f} times"
