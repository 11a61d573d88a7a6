"""How much two sets of rows have in common, against what chance would give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from influence_core.errors import SelectionError, rule


@dataclass(frozen=True)
class Chance:
    """Jaccard index of two random sets: its mean and the central 95% of its distribution."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Overlap:
    """What two sets out of `rows` rows have in common; `chance` is that of sets of their sizes."""

    rows: int
    both: int
    only_first: int
    only_second: int
    jaccard: float
    chance: Chance


def overlap(rows: int, first: npt.ArrayLike, second: npt.ArrayLike) -> Overlap:
    """Count what two sets out of `rows` rows share.

    Raises:
        SelectionError: a set has more than `rows` rows.
    """
    a, b = np.unique(first), np.unique(second)
    both = len(np.intersect1d(a, b))
    by_chance = chance(rows, len(a), len(b))
    return Overlap(rows, both, len(a) - both, len(b) - both, jaccard(a, b), by_chance)


def jaccard(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return |A ∩ B| / |A ∪ B|, from 0 (disjoint) to 1 (equal); 1 for two empty sets."""
    a, b = np.unique(first), np.unique(second)
    union = len(np.union1d(a, b))
    return len(np.intersect1d(a, b)) / union if union else 1.0


def chance(rows: int, first: int, second: int) -> Chance:
    """Return the Jaccard index of two random sets of `first` and `second` out of `rows` rows.

    The size of the intersection is hypergeometric; its distribution is summed exactly.
    """
    from scipy.stats import hypergeom

    for name, size in (("first", first), ("second", second)):
        if not 0 <= size <= rows:
            raise SelectionError(rule(name, f"be between 0 and {rows}", size))
    if first + second == 0:
        return Chance(1.0, 1.0, 1.0)
    common = np.arange(max(0, first + second - rows), min(first, second) + 1)
    index = common / (first + second - common)
    weights = hypergeom.pmf(common, rows, first, second)
    cumulated = np.cumsum(weights)
    low, high = (index[np.searchsorted(cumulated, level)] for level in (0.025, 0.975))
    return Chance(float((weights * index).sum()), float(low), float(high))
