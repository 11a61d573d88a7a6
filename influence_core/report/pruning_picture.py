"""The picture of a pruning experiment: accuracy against the share that went, a line a way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from influence_core.pruning.evidence import Difference
from influence_core.report.about_pruning import PruningFacts, Way
from influence_core.report.drawing import Band, Scale, band, padded, ticks
from influence_core.report.wording import percent, sentence

if TYPE_CHECKING:
    import pandas as pd

WIDTH, HEIGHT = 750.0, 280.0
LEFT, RIGHT = 46.0, 20.0
"""Pixels for the words of the upright axis, and for half of the last word of the other."""

LINES = 5
"""Ways that are drawn, besides the one at random: more cannot be told apart on paper."""

INTERVAL_WIDTH = 150.0

Ticks = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Line:
    """A way with its line; `style` is its place among the styles, None for the one at random."""

    phrase: str
    band: Band
    style: int | None


@dataclass(frozen=True)
class Picture:
    """Lines with their axes; `whole` is the pixel of the unpruned models, with their name."""

    width: float
    height: float
    left: float
    across: Ticks
    upright: Ticks
    lines: tuple[Line, ...]
    whole: float | None
    described: str


@dataclass(frozen=True)
class Reach:
    """An interval beside others: the pixels of its ends and its mean, and of 0."""

    low: float
    mean: float
    high: float
    zero: float
    limit: float


def picture(facts: PruningFacts) -> Picture | None:
    """Draw an experiment; None where it tried fewer than two shares, which is no curve."""
    drawn = _drawn(facts)
    shown = facts.points[facts.points["curve"].isin([way.curve for way in drawn])]
    if shown["fraction"].nunique() < 2:
        return None
    across = Scale(0.0, float(shown["fraction"].max()), LEFT, WIDTH - RIGHT)
    upright = Scale(*_range(shown, facts), HEIGHT, 8.0)
    return Picture(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        across=tuple((across(one), percent(one, 0)) for one in ticks(0.0, across.high, 6)),
        upright=_percents(upright),
        lines=tuple(_lines(shown, drawn, across, upright)),
        whole=upright(facts.whole) if facts.whole == facts.whole else None,
        described=_described(facts, drawn),
    )


def reaches(ways: tuple[Way, ...], tolerance: float) -> list[Reach]:
    """Draw the intervals of what each way costs on one scale, with 0 and what is tolerated."""
    ends = [end for way in ways for end in (way.loss.low, way.loss.high)]
    across = Scale(*padded([*ends, 0.0, -tolerance]), 2.0, INTERVAL_WIDTH - 2.0)
    return [_reach(way.loss, across, tolerance) for way in ways]


def _reach(loss: Difference, across: Scale, tolerance: float) -> Reach:
    low, mean, high = map(across.within, (loss.low, loss.mean, loss.high))
    return Reach(low, mean, high, across(0.0), across(-tolerance))


def _drawn(facts: PruningFacts) -> list[Way]:
    """Return the best ways by a score, and those at random for comparison."""
    scored = [way for way in facts.ways if way.scored][:LINES]
    return [*scored, *(way for way in facts.ways if not way.scored)]


def _range(shown: pd.DataFrame, facts: PruningFacts) -> tuple[float, float]:
    spread = shown["accuracy_std"].fillna(0.0)
    ends = [*(shown["accuracy"] - spread), *(shown["accuracy"] + spread), facts.whole]
    low, high = padded(ends)
    return max(low, 0.0), min(high, 1.005)


def _percents(upright: Scale) -> Ticks:
    places = [one for one in ticks(upright.low, upright.high, 5) if one <= 1.0]
    fine = len(places) > 1 and places[1] - places[0] < 0.0099
    return tuple((upright(one), percent(one, 1 if fine else 0)) for one in places)


def _lines(shown: pd.DataFrame, drawn: list[Way], across: Scale, upright: Scale) -> list[Line]:
    made = []
    for style, way in enumerate(drawn):
        part = shown[shown["curve"] == way.curve].sort_values("fraction")
        marks = list(zip(part["fraction"], part["accuracy"], strict=True))
        drawn_band = band(across, upright, marks, list(part["accuracy_std"]))
        made.append(Line(way.phrase, drawn_band, style if way.scored else None))
    return made


def _described(facts: PruningFacts, drawn: list[Way]) -> str:
    """Say in words what the lines show, for those who do not see them."""
    told = [f"Unpruned {percent(facts.whole)}."]
    for way in drawn:
        part = facts.points[facts.points["curve"] == way.curve].sort_values("fraction")
        ends = zip(part["accuracy"].iloc[[0, -1]], part["fraction"].iloc[[0, -1]], strict=True)
        first, last = (f"{percent(one)} without {percent(share, 0)}" for one, share in ends)
        told.append(f"{sentence(way.phrase)}: from {first} to {last}.")
    return " ".join(told)
