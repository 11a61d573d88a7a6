"""Names beside the dots of a figure, each where it hides neither a dot nor another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from influence_core.report.charts import name_of

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ends = tuple[float, float]

NAMED = 20
"""Dots up to which every one is told; of more, the foremost are."""

FOREMOST = 6

_LETTER, _LINE, _GAP, _LIFT = 7, 15, 7, 13
"""Pixels: a letter wide and high, beside a dot, and from a dot to the middle of a name above it."""


@dataclass(frozen=True)
class Plane:
    """The axes of a panel: their ends as drawn, in powers of ten where `log`, and its pixels.

    `upright` and `level` are where lines cross the panel.
    """

    across: Ends
    up: Ends
    log: bool = False
    upright: tuple[float, ...] = ()
    level: tuple[float, ...] = ()
    width: int = 900
    height: int = 330

    def pixels(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return where values lie, in pixels from the lower left corner."""
        right, above = np.asarray(x, float), np.asarray(y, float)
        right = np.log10(right) if self.log else right
        return self.width * _share(right, self.across), self.height * _share(above, self.up)


@dataclass(frozen=True)
class _Box:
    """Where a name would stand, on which side of its dot."""

    side: str
    start: float
    end: float
    height: float

    def hides(self, x: Floats, y: Floats) -> bool:
        """Say whether it lies over one of some dots."""
        near = (x > self.start - 2 * _GAP) & (x < self.end + 2 * _GAP)
        return bool((near & (abs(y - self.height) < _LINE)).any())

    def meets(self, other: _Box) -> bool:
        """Say whether it lies over another name."""
        aside = self.start >= other.end or self.end <= other.start
        return not aside and abs(self.height - other.height) < _LINE

    def crossed(self, upright: Floats, level: Floats) -> bool:
        """Say whether a line runs through it."""
        through = (upright > self.start) & (upright < self.end)
        return bool(through.any() or (abs(level - self.height) < _LINE / 2).any())


def names(
    groups: pd.Series, x: pd.Series, y: pd.Series, told: Sequence[int], plane: Plane
) -> go.Scatter:
    """Return the names of dots that have room, those `told` first going first.

    Args:
        groups: what the dots are called.
        x: where they lie.
        y: where they lie.
        told: places of the dots to name, the one that matters most first.
        plane: the panel in which they lie.
    """
    called = [name_of(group, 24) for group in groups]
    letters = [len(name) for name in called]
    if len(called) > NAMED:
        told = told[: 2 * FOREMOST]
    found = _apart(*plane.pixels(x, y), letters, told, plane)
    sides = dict(islice(found, NAMED if len(called) <= NAMED else FOREMOST))
    shown = list(sides)
    return go.Scatter(
        x=x.iloc[shown],
        y=y.iloc[shown],
        text=[called[place] for place in shown],
        mode="markers+text",
        marker={"size": 14, "color": "rgba(0,0,0,0)"},
        textposition=[sides[place] for place in shown],
        hoverinfo="skip",
        cliponaxis=False,
        showlegend=False,
    )


def _apart(
    x: Floats, y: Floats, letters: Sequence[int], told: Sequence[int], plane: Plane
) -> Iterator[tuple[int, str]]:
    """Yield the dots whose name has room, and the side on which it has, the first ones first."""
    upright, level = plane.pixels(plane.upright, plane.level)
    few = len(x) <= NAMED
    taken: list[_Box] = []
    for place in told:
        others = np.arange(len(x)) != place
        boxes = _boxes(float(x[place]), float(y[place]), _LETTER * letters[place], few)
        free = [
            box
            for box in boxes
            if box.start >= 0
            and box.end <= plane.width
            and not box.hides(x[others], y[others])
            and not any(box.meets(other) for other in taken)
        ]
        if free:
            clear = [box for box in free if not box.crossed(upright, level)]
            taken.append((clear or free)[0])
            yield place, taken[-1].side


def _boxes(x: float, y: float, width: float, few: bool) -> Iterator[_Box]:
    """Yield where a name may stand: among many dots not above one, where it might be another's."""
    yield _Box("middle right", x + _GAP, x + _GAP + width, y)
    yield _Box("middle left", x - _GAP - width, x - _GAP, y)
    if few:
        yield _Box("top center", x - width / 2, x + width / 2, y + _LIFT)
        yield _Box("bottom center", x - width / 2, x + width / 2, y - _LIFT)


def _share(values: Floats, ends: Ends) -> Floats:
    return (values - ends[0]) / (ends[1] - ends[0])
