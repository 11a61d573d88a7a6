"""Where the marks of a small chart lie: scales, ticks and shapes, in pixels of its own frame.

Templates turn them into SVG. Nothing here knows colours or words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Distances between ticks that people count in, times a power of ten."""


@dataclass(frozen=True)
class Scale:
    """A straight line from values `low` to `high` to pixels `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value, rounded to a tenth."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def within(self, value: float) -> float:
        """Return the pixel of a value, or that of the end beyond which it lies."""
        return self(min(max(value, self.low), self.high))


@dataclass(frozen=True)
class Band:
    """A line through points and the area around it, as SVG path data."""

    line: str
    area: str
    marks: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Box:
    """A lying box plot: the ends of its whiskers, of its box, and its median."""

    low: float
    q1: float
    median: float
    q3: float
    high: float


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`, about `count` of them.

    >>> ticks(0.0, 0.7), ticks(0.832, 0.911, 4)
    ([0.0, 0.2, 0.4, 0.6], [0.84, 0.86, 0.88, 0.9])
    """
    step = _step((high - low) / max(count, 1))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    # Adding 0 turns -0.0 into 0.
    return [round(number * step, 12) + 0.0 for number in range(first, last + 1)]


def padded(values: Iterable[float], share: float = 0.06) -> tuple[float, float]:
    """Return a range that holds all finite values, with some room at both ends."""
    known = [value for value in values if isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    room = share * (high - low) or abs(high) * share or share
    return low - room, high + room


def band(
    across: Scale,
    upright: Scale,
    points: Sequence[tuple[float, float]],
    spread: Sequence[float],
) -> Band:
    """Draw a line through points (x, y), and the area of `spread` above and below it.

    A spread that is no number is none.
    """
    known = [value if isfinite(value) else 0.0 for value in spread]
    marks = tuple((across(x), upright(y)) for x, y in points)
    around = list(zip(points, known, strict=True))
    above = [(across(x), upright.within(y + one)) for (x, y), one in around]
    below = [(across(x), upright.within(y - one)) for (x, y), one in reversed(around)]
    area = f"{_path([*above, *below])}Z" if any(known) else ""
    return Band(_path(marks), area, marks)


def box(across: Scale, figures: Sequence[float]) -> Box:
    """Draw a box from lower fence, first quartile, median, third quartile and upper fence."""
    return Box(*(across.within(value) for value in figures))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) if points else ""


def _step(least: float) -> float:
    size = 10.0 ** floor(log10(least)) if least > 0 else 1.0
    return next(step * size for step in STEPS if step * size >= least * (1 - 1e-9))
