"""Splits: names they go by, and the stratified, seeded, grouped division into three."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

SPLITS = ("train", "validation", "test")
"""Names of the splits; a split's code is its place here."""

MIN_UNITS = 3
"""Fewer rows (or groups) of a class than this cannot reach all three splits: they stay in train."""

SYNONYMS: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}

Codes = npt.NDArray[np.int64]


def split_code(value: str) -> int | None:
    """Return the code of the split that `value` names in any case, None where it names none."""
    name = SYNONYMS.get(value.strip().lower())
    return None if name is None else SPLITS.index(name)


def assign(
    labels: Codes,
    units: Codes,
    *,
    validation_fraction: float,
    test_fraction: float,
    generator: np.random.Generator,
) -> npt.NDArray[np.int8]:
    """Divide rows into train, validation and test and return each row's split code.

    Rows that share a unit stay together. Within each class (a unit belongs to its most frequent
    one) the shares of rows are met as closely as whole units allow; over all classes the number of
    held-out rows is round(fraction · rows) where every unit is one row. Classes of fewer than
    `MIN_UNITS` units stay in train.
    """
    _, unit = np.unique(units, return_inverse=True)
    sizes = np.bincount(unit)
    classes = _dominant(unit, labels)
    counts = np.bincount(classes)
    weights = np.bincount(classes, weights=sizes).astype(np.int64)
    weights[counts < MIN_UNITS] = 0
    test = _quotas(weights, test_fraction)
    held_out = np.minimum(test + _quotas(weights, validation_fraction), np.maximum(weights - 1, 0))
    order = generator.permutation(len(sizes))
    order = order[np.argsort(classes[order], kind="stable")]
    middles = _middles(sizes[order], classes[order])
    codes = np.zeros(len(sizes), dtype=np.int8)
    ordered = classes[order]
    codes[order] = np.where(middles < test[ordered], 2, np.where(middles < held_out[ordered], 1, 0))
    return np.asarray(codes[unit], dtype=np.int8)


def _dominant(unit: Codes, labels: Codes) -> Codes:
    """Return the most frequent label of each unit, the smallest of equals."""
    pairs, counts = np.unique(np.stack([unit, labels]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -counts, pairs[0]))
    _, first = np.unique(pairs[0][order], return_index=True)
    return np.asarray(pairs[1][order][first], dtype=np.int64)


def _quotas(weights: Codes, fraction: float) -> Codes:
    """Share out round(fraction · total) by largest remainder, ties to the first class."""
    exact = weights * fraction
    quotas = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(quotas.sum())
    largest = np.argsort(quotas - exact, kind="stable")[:missing]
    quotas[largest] += 1
    return np.asarray(quotas, dtype=np.int64)


def _middles(sizes: Codes, classes: Codes) -> npt.NDArray[np.float64]:
    """Return how many rows of its class come before the middle of each unit."""
    ends = np.cumsum(sizes)
    starts = ends - sizes
    _, first = np.unique(classes, return_index=True)
    offsets = np.zeros(int(classes.max()) + 1, dtype=np.int64)
    offsets[classes[first]] = starts[first]
    return starts - offsets[classes] + sizes / 2
