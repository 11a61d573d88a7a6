"""What a report tells of wrong labels: how many there seem to be, where, and what people found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from influence_core.noise.detectors import DETECTORS, Witness
from influence_core.noise.earlier import earlier_review
from influence_core.noise.reviewed import Precision, precision
from influence_core.noise.share import WrongShare
from influence_core.noise.table import LOUD, NoiseReport, read_noise
from influence_core.report.drawing import Scale, ticks
from influence_core.report.wording import DECIDED, between, count, counted, percent
from influence_core.store.review import Decision, Reviews
from influence_core.store.rows import texts
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd


_WITNESSES: dict[Witness, str] = {
    "training": "how it was learnt",
    "early training": "how early it was learnt",
    "held out": "models that never saw the row",
    "neighbours": "the most similar texts",
}
"""What detectors look at, for readers who do not know their names."""


@dataclass(frozen=True)
class Suspect:
    """A row whose label looks wrong, what it may be instead, and how many detectors flag it."""

    id: str
    text: str | None
    text_pair: str | None
    label: str
    suggested: str | None
    confidence: float | None
    flagged: int
    decision: str | None


@dataclass(frozen=True)
class ClassSuspects:
    """A class, how many of its rows are suspects, and their share of its rows."""

    label: str
    suspects: int
    rows: int

    @property
    def share(self) -> float:
        """Share of its rows that are suspects."""
        return self.suspects / self.rows


@dataclass(frozen=True)
class NoiseFacts:
    """What is known of the labels; `suspected` counts the rows that the estimate speaks of."""

    rows: int
    wrong: WrongShare | None
    suspected: int
    detectors: int
    witnesses: tuple[str, ...]
    classes: tuple[ClassSuspects, ...]
    suspects: tuple[Suspect, ...]
    stale: bool

    @property
    def answer(self) -> str:
        """How many labels look wrong, in one sentence."""
        if self.wrong is None:
            return "The rows are ranked by how wrong their label looks; how many are wrong is open."
        share = between(self.wrong.low, self.wrong.high)
        return (
            f"About {percent(self.wrong.share)} of the labels look wrong ({share}): some "
            f"{count(self.suspected)} of {count(self.rows)}."
        )

    @property
    def in_short(self) -> str:
        """The same, after its figure was told."""
        if self.wrong is None:
            return self.answer
        share = between(self.wrong.low, self.wrong.high)
        return f"look wrong ({share}): some {count(self.suspected)} of {count(self.rows)}."


@dataclass(frozen=True)
class ReviewFacts:
    """What people decided so far, and how often the labels that they looked at were wrong."""

    decided: dict[str, int]
    reviewers: int
    found: Precision

    @property
    def answer(self) -> str:
        """What the review came to, in one sentence."""
        if not self.found.reviewed:
            return "Nobody has yet decided about a label."
        return (
            f"People decided about {counted(self.found.reviewed, 'row')}: "
            f"{counted(self.found.wrong, 'label')} turned out wrong "
            f"({percent(self.found.share, 0)}, {between(self.found.low, self.found.high, 0)})."
        )


@dataclass(frozen=True)
class Span:
    """The estimated share of wrong labels on an axis: pixels of the estimate and of its ends."""

    low: float
    mean: float
    high: float
    ticks: tuple[tuple[float, str], ...]


def spanned(wrong: WrongShare, width: float = 750.0) -> Span:
    """Draw the estimated share of wrong labels on an axis that begins at 0."""
    across = Scale(0.0, max(1.25 * wrong.high, 0.01), 0.0, width - 24.0)
    places = ticks(0.0, across.high, 6)
    digits = 0 if places[1] >= 0.01 else 1
    words = [percent(one, digits) for one in places]
    low, mean, high = map(across, (wrong.low, wrong.share, wrong.high))
    return Span(low, mean, high, tuple(zip(map(across, places), words, strict=True)))


def about_noise(run: Run, examples: int) -> NoiseFacts | None:
    """Read how wrong the labels of a run look; None where that was not computed."""
    if not run.noise_file.exists():
        return None
    report = read_noise(run)
    wrong, rows = report.facts.wrong, len(report.table)
    suspected = round((wrong.share if wrong else LOUD) * rows)
    voices = [DETECTORS[key] for key in report.facts.detectors if key in DETECTORS]
    return NoiseFacts(
        rows=rows,
        wrong=wrong,
        suspected=suspected,
        detectors=len(report.facts.detectors),
        witnesses=tuple(dict.fromkeys(_WITNESSES[one.witness] for one in voices)),
        classes=_classes(report.table, suspected),
        suspects=_suspects(run, report, min(examples, rows)),
        stale=report.facts.content != run.manifest().content_version,
    )


def about_review(run: Run) -> ReviewFacts | None:
    """Read what people decided about the labels of a run; None where nobody did."""
    if not run.review_file.exists():
        return None
    standing = list(Reviews(run).standing().values())
    if not standing:
        return None
    return ReviewFacts(
        decided=dict(Counter(DECIDED[one.action] for one in standing)),
        reviewers=len({one.reviewer for one in standing}),
        found=precision(standing),
    )


def _classes(table: pd.DataFrame, suspected: int) -> tuple[ClassSuspects, ...]:
    sizes = Counter(table["label"].astype(str))
    among = Counter(table.loc[table["rank"] <= suspected, "label"].astype(str))
    found = [ClassSuspects(label, rows, sizes[label]) for label, rows in among.items()]
    return tuple(sorted(found, key=lambda one: (-one.suspects, -one.share, one.label)))


def _suspects(run: Run, report: NoiseReport, size: int) -> tuple[Suspect, ...]:
    rows = [int(row) for row in report.table["row"].iloc[:size]]
    decided = Reviews(run).standing() if run.review_file.exists() else {}
    earlier = earlier_review(run)
    kept = earlier.kept if earlier else frozenset()
    told = report.table.iloc[:size].to_dict("records")
    return tuple(
        Suspect(
            id=text.id,
            text=text.text,
            text_pair=text.text_pair,
            label=text.label,
            suggested=one["suggested"] if isinstance(one["suggested"], str) else None,
            confidence=float(one["confidence"]) if one["confidence"] == one["confidence"] else None,
            flagged=len(report.why(place)),
            decision=_decision(decided.get(text.id), text.id in kept),
        )
        for place, (one, text) in enumerate(zip(told, texts(run, rows), strict=True))
    )


def _decision(one: Decision | None, kept_before: bool) -> str | None:
    if one is None:
        return "kept in an earlier review" if kept_before else None
    told = DECIDED[one.action]
    return f"{told}: {one.new_label}" if one.new_label is not None else told
