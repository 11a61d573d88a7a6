"""How many rows of each class are kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from influence_core.errors import SelectionError, rule

Counts = npt.NDArray[np.int64]
Positions = npt.NDArray[np.int64]


def proportional(sizes: Counts, total: int, floor: int = 0) -> Counts:
    """Share `total` among classes in proportion to their sizes, at least `floor` for each.

    A class smaller than the floor keeps all its rows. What proportions leave over goes to the
    largest remainders, and among equals to the first class.

    Raises:
        SelectionError: the floors alone keep more than `total`.
    """
    kept = check_floor(sizes, total, floor)
    free = np.ones(len(sizes), bool)
    while free.any():
        left = total - int(kept[~free].sum())
        exact = sizes[free] * left / max(int(sizes[free].sum()), 1)
        short = np.flatnonzero(free)[exact < kept[free]]
        if not len(short):
            kept[free] = _round_to(exact, left)
            break
        free[short] = False
    return kept


def prefix(order: Positions, keep: int, groups: Counts, floor: int = 0) -> Positions:
    """Keep the first rows of an order, with the first `floor` rows of every class among them.

    Raises:
        SelectionError: the floors alone keep more than `keep`.
    """
    if not floor:
        return np.sort(order[:keep])
    check_floor(np.bincount(groups), keep, floor)
    guarded = place_in_group(order, groups) < floor
    chosen = np.concatenate([order[guarded], order[~guarded]])[:keep]
    return np.sort(chosen)


def prefixes(order: Positions, quotas: Counts, groups: Counts) -> Positions:
    """Keep the first rows of each class, as many as its quota says."""
    return np.sort(order[place_in_group(order, groups) < quotas[groups[order]]])


def place_in_group(order: Positions, groups: Counts) -> Counts:
    """Return for each entry of an order how many entries of its class come before it."""
    ordered = groups[order]
    by_group = np.argsort(ordered, kind="stable")
    sizes = np.bincount(ordered)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if len(sizes) else sizes
    places = np.empty(len(order), np.int64)
    places[by_group] = np.arange(len(order)) - starts[ordered[by_group]]
    return places


def check_floor(sizes: Counts, total: int, floor: int) -> Counts:
    """Return what the floor keeps of each class.

    Raises:
        SelectionError: that is more than `total`.
    """
    guarded: Counts = np.minimum(sizes, floor)
    if guarded.sum() > total:
        raise SelectionError(
            rule("floor", f"leave room: {guarded.sum()} rows would stay, {total} may", floor)
            + " Lower the floor or prune less."
        )
    return guarded


def _round_to(exact: npt.NDArray[np.float64], total: int) -> Counts:
    """Round shares down and hand what is left to the largest remainders."""
    whole = np.floor(exact + 1e-9).astype(np.int64)
    remainders = exact - whole
    first = np.argsort(-remainders, kind="stable")[: total - int(whole.sum())]
    whole[first] += 1
    return whole
