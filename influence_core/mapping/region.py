"""A part of a map: what a lasso or a box encloses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from influence_core.config import Settings

Floats = npt.NDArray[np.float64]
Corners = tuple[tuple[float, float], ...]


class Region(Settings):
    """Polygons on a map, each by its corners; a point in any of them is in the region."""

    polygons: tuple[Corners, ...] = ()

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The least and the largest x, then those of y."""
        x, y = np.array([corner for polygon in self.polygons for corner in polygon]).T
        return float(x.min()), float(x.max()), float(y.min()), float(y.max())

    def contains(self, x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Say for each point (n,) whether it lies inside."""
        across, up = np.asarray(x, np.float64), np.asarray(y, np.float64)
        inside = np.zeros(len(across), bool)
        for polygon in self.polygons:
            inside |= _inside(polygon, across, up)
        return inside


def box(x: Sequence[float], y: Sequence[float]) -> Corners:
    """Return the corners of a box between two values of x and two of y.

    >>> box([0, 2], [1, 3])
    ((0.0, 1.0), (2.0, 1.0), (2.0, 3.0), (0.0, 3.0))
    """
    left, right = map(float, sorted(x))
    low, high = map(float, sorted(y))
    return ((left, low), (right, low), (right, high), (left, high))


def lasso(x: Iterable[float], y: Iterable[float]) -> Corners:
    """Return the corners of a lasso, given by their coordinates."""
    return tuple((float(across), float(up)) for across, up in zip(x, y, strict=True))


def _inside(polygon: Corners, x: Floats, y: Floats) -> npt.NDArray[np.bool_]:
    """Count the edges that a ray to the right crosses: an odd number of them from inside."""
    inside = np.zeros(len(x), bool)
    for (x1, y1), (x2, y2) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside
