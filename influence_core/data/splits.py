"""Splits: names they go by, and the stratified, seeded, grouped division into three."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

SPLITS = ("train", "validation", "test")
"""Names of the splits; a split's code is its place here."""

MIN_UNITS = 3
"""Fewer rows (or groups) of a class than this cannot reach all three splits: they stay in train."""

_BLOCK = 65_536

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
    if not validation_fraction and not test_fraction:
        return np.zeros(len(labels), dtype=np.int8)
    _, unit = np.unique(units, return_inverse=True)
    sizes = np.bincount(unit)
    classes = dominant(unit, labels)
    weights = np.bincount(classes, weights=sizes).astype(np.int64)
    weights[np.bincount(classes) < MIN_UNITS] = 0
    quotas = [_quotas(weights, fraction) for fraction in (validation_fraction, test_fraction)]
    codes = _deal(sizes, classes, quotas, generator.permutation(len(sizes)))
    return np.asarray(codes[unit], dtype=np.int8)


def _deal(
    sizes: Codes, classes: Codes, quotas: Sequence[Codes], order: Codes
) -> npt.NDArray[np.int8]:
    """Give units in order to the held-out splits with room for half of them, else to train.

    Room is kept by class and over all, and the last unit of a class stays in train.
    """
    codes = np.zeros(len(sizes), dtype=np.int8)
    left = np.bincount(classes).tolist()
    rooms = [(code, quota.tolist(), [int(quota.sum())]) for code, quota in enumerate(quotas, 1)]
    for unit, size, label in _in_order(order, sizes, classes):
        if not any(total[0] for _, _, total in rooms):
            break
        for code, room, total in rooms:
            if size <= 2 * min(room[label], total[0]) and left[label] > 1:
                room[label] -= size
                total[0] -= size
                left[label] -= 1
                codes[unit] = code
                break
    return codes


def _in_order(order: Codes, *columns: Codes) -> Iterator[tuple[int, ...]]:
    """Yield each unit with its values; few of them are Python objects at once."""
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        yield from zip(block.tolist(), *(column[block].tolist() for column in columns), strict=True)


def dominant(unit: Codes, labels: Codes) -> Codes:
    """Return the most frequent label of each unit 0 … u − 1, the smallest of equals."""
    classes = int(labels.max(initial=0)) + 1
    pairs, counts = np.unique(unit * classes + labels, return_counts=True)
    owner, label = np.divmod(pairs, classes)
    order = np.lexsort((label, -counts, owner))
    _, first = np.unique(owner[order], return_index=True)
    return np.asarray(label[order][first], dtype=np.int64)


def _quotas(weights: Codes, fraction: float) -> Codes:
    """Share out round(fraction · total) by largest remainder, ties to the first class."""
    exact = weights * fraction
    quotas = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(quotas.sum())
    largest = np.argsort(quotas - exact, kind="stable")[:missing]
    quotas[largest] += 1
    return np.asarray(quotas, dtype=np.int64)
