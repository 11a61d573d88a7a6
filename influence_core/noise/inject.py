"""Wrong labels on purpose: which rows, from which label to which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from influence_core.errors import DataError, rule
from influence_core.selection.samplers import random

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Flips:
    """Labels that were drawn anew (k,): the rows, ascending, and their labels before and after."""

    rows: Integers
    before: Integers
    after: Integers

    @property
    def wrong(self) -> Integers:
        """The rows whose label is another one now."""
        wrong: Integers = self.rows[self.before != self.after]
        return wrong

    def applied(self, labels: Integers) -> Integers:
        """Return a copy of `labels` with the drawn ones in place."""
        noisy = labels.copy()
        noisy[self.rows] = self.after
        return noisy


def uniform(
    labels: Integers,
    rows: Integers,
    ids: npt.ArrayLike,
    share: float,
    classes: int,
    generator: np.random.Generator,
) -> Flips:
    """Draw the labels of a share of the rows anew, every class as likely as any other.

    A draw may return the label that was there: with C classes, `share` · (1 − 1/C) of the rows are
    wrong in the end, two thirds of `share` for three classes.

    Args:
        labels: class indices (examples,).
        rows: the n rows that may be drawn.
        ids: their ids (n,); draws are dealt in the order of ids, so that of the rows has no say.
        share: exactly round(`share` · n) rows are drawn.
        classes: number of classes.
        generator: source of all draws.

    Raises:
        DataError: there is only one class, so that no label can be wrong.

    Source: Anand, Tan, Minakova: Influence Scores at Scale for Efficient Language Data Sampling.
    EMNLP 2023.
    """
    _check_classes(classes)
    drawn = _drawn(rows, ids, share, generator)
    return _sorted(labels, drawn, generator.integers(classes, size=len(drawn)))


def confused(
    labels: Integers,
    rows: Integers,
    ids: npt.ArrayLike,
    share: float,
    confusion: Floats,
    generator: np.random.Generator,
) -> Flips:
    """Give a share of the rows a label that a model confuses theirs with; all of them are wrong.

    Args:
        labels: class indices (examples,).
        rows: the n rows that may be drawn.
        ids: their ids (n,); draws are dealt in the order of ids, so that of the rows has no say.
        share: exactly round(`share` · n) rows are drawn.
        confusion: probability of the new label by the old one (classes, classes), as
            `confusion_of` returns it.
        generator: source of all draws.
    """
    drawn = _drawn(rows, ids, share, generator)
    steps = np.cumsum(confusion[labels[drawn]], axis=1)
    chance = generator.random(len(drawn)) * steps[:, -1]
    return _sorted(labels, drawn, (chance[:, None] >= steps).sum(axis=1))


def confusion_of(probabilities: npt.NDArray[np.floating], labels: Integers) -> Floats:
    """Return with which classes the rows of each class are confused (classes, classes).

    C[y, k] ∝ mean over rows of class y of p(k | text), without the class itself; rows sum to 1. A
    class without rows, or without doubt, is confused with every other alike.

    Args:
        probabilities: of models that did not learn from the row (n, classes).
        labels: class indices (n,).

    Raises:
        DataError: there is only one class, so that no label can be wrong.
    """
    classes = probabilities.shape[1]
    _check_classes(classes)
    confusion = np.zeros((classes, classes))
    for label in np.unique(labels):
        confusion[label] = probabilities[labels == label].mean(axis=0)
    np.fill_diagonal(confusion, 0.0)
    doubtless = confusion.sum(axis=1) <= 0
    confusion[doubtless] = 1.0
    np.fill_diagonal(confusion, 0.0)
    shares: Floats = confusion / confusion.sum(axis=1, keepdims=True)
    return shares


def _check_classes(classes: int) -> None:
    if classes < 2:
        raise DataError(rule("classes", "be two or more, or no label can be wrong", classes))


def _drawn(
    rows: Integers, ids: npt.ArrayLike, share: float, generator: np.random.Generator
) -> Integers:
    if not 0 <= share <= 1:
        raise DataError(rule("share", "be in [0, 1]", share))
    return rows[random(ids, generator)[: round(share * len(rows))]]


def _sorted(labels: Integers, rows: Integers, after: Integers) -> Flips:
    order = np.argsort(rows)
    return Flips(rows[order], labels[rows[order]], after[order])
