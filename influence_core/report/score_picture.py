"""Pictures of how scores are spread over the training rows, coloured by hardness."""

from __future__ import annotations

from dataclasses import dataclass

from influence_core.report.drawing import Scale, ticks
from influence_core.report.palette import bin_colours
from influence_core.scores.registry import ScoreSpec, spec_of, specs_of
from influence_core.store import statistics
from influence_core.store.columns import NEVER_LEARNT, catalogue
from influence_core.store.query import ExampleQuery, OneOf
from influence_core.store.run import Manifest, Run

CLIP = (0.005, 0.995)
"""Quantiles between which a distribution is drawn: outliers would flatten the rest."""

BINS = 48
WIDTH, HEIGHT = 750.0, 150.0


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram, in pixels: its left end, its top and its width."""

    x: float
    top: float
    width: float
    colour: str


@dataclass(frozen=True)
class Histogram:
    """The values of a score in bins, with the ticks below: pixel and word."""

    bars: tuple[Bar, ...]
    width: float
    height: float
    ticks: tuple[tuple[float, str], ...]


def histogram(
    run: Run, manifest: Manifest, key: str, width: float = WIDTH, height: float = HEIGHT
) -> Histogram:
    """Draw how a score is spread over the training rows, the hardest ones in their colour.

    What was never learnt had nothing to forget: it is not drawn among the rows easy by forgetting.
    """
    learnt = OneOf(column=NEVER_LEARNT, values=(False,))
    left_out = key == "forgetting" and NEVER_LEARNT in catalogue(run)
    query = ExampleQuery(scored_only=True, filters=(learnt,) if left_out else ())
    bins = statistics.histogram(run, key, BINS, clip=CLIP, query=query)
    if bins.empty:
        return Histogram((), width, height, ())
    across = Scale(float(bins["left"].min()), float(bins["right"].max()), 0.0, width)
    upright = Scale(0.0, float(bins["rows"].max()), height, 0.0)
    colours = bin_colours(bins["rows"], spec_of(manifest, key).hard)
    shown = zip(bins["left"], bins["right"], bins["rows"], colours, strict=True)
    bars = [
        Bar(across(left), upright(rows), round(across(right) - across(left), 1), colour)
        for left, right, rows, colour in shown
    ]
    return Histogram(tuple(bars), width, height, _ticks(across))


def all_histograms(run: Run, manifest: Manifest) -> list[tuple[ScoreSpec, Histogram]]:
    """Draw the spread of every score of a run, small."""
    return [
        (spec, histogram(run, manifest, key, 180.0, 44.0))
        for key, spec in specs_of(manifest).items()
    ]


def _ticks(across: Scale) -> tuple[tuple[float, str], ...]:
    places = ticks(across.low, across.high, 6)
    return tuple((across(one), f"{one:,.6g}") for one in places)
