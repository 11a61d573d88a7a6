"""Paired bootstrap of the metrics of two groups of models, overall and by class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.errors import ConfigError, rule
from influence_core.pruning.evidence import DRAWS, Interval, Verdict, over_samples

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

OVERALL = ("accuracy", "macro_f1", "balanced_accuracy")
BY_CLASS = ("recall", "precision", "f1")

FEWEST_TOLD_APART = 6
"""Test rows about which the sides must differ before a class is decided.

Fewer can all speak for one side by chance: by a sign test six have p = 2 · ½⁶ = 0.03.
"""

_CELLS_AT_ONCE = 20_000_000
"""Weights of rows in samples that are held at a time."""


@dataclass(frozen=True)
class Gap:
    """A metric of two groups of models, and first minus second with its 95% interval.

    `label` is a class index, None for a metric over all rows; `rows` are the test rows it is of,
    and of rows of the class, or said to be, one side is more often right about `told_apart`. What
    is not defined, as the precision of a class that is never predicted, is NaN.
    """

    metric: str
    label: int | None
    rows: int
    told_apart: int
    first: float
    second: float
    difference: Interval

    @property
    def verdict(self) -> Verdict:
        """What is certain of the first side; nothing where too few rows tell the sides apart."""
        few = self.label is not None and self.told_apart < FEWEST_TOLD_APART
        if few or not self.difference.excludes_zero:
            return "undecided"
        return "better" if self.difference.low > 0 else "worse"


def gaps(
    truth: npt.ArrayLike,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    units: npt.ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Gap]:
    """Compare two groups of models that were asked about the same test rows.

    Rows are drawn with replacement, the same for both groups, and every metric is computed on each
    sample; the interval runs from the 2.5% to the 97.5% quantile of the differences. Metrics:
    accuracy; macro F1 and balanced accuracy (mean recall) over the classes of a sample; recall,
    precision and F1 by class. A group of several models has the mean of theirs. Two groups of as
    many models, paired in their order, also have a t-interval over the pairs, and of both intervals
    the wider end on each side counts.

    Args:
        truth: class index of each test row (T,), at least 0.
        first: predicted class indices, (T,) or (S, T) for S models.
        second: those of the other group, (T,) or (S', T).
        units: what each row belongs to (T,), drawn as a whole, where rows are not independent.
        draws: number of samples.
        seed: of the draws.

    Raises:
        ConfigError: the shapes differ or are empty.

    Source: Efron and Tibshirani: An Introduction to the Bootstrap, 1993, chapter 13.
    """
    labels = np.asarray(truth, dtype=np.int64)
    groups = [np.atleast_2d(np.asarray(one, dtype=np.int64)) for one in (first, second)]
    for name, one in zip(("first", "second"), groups, strict=True):
        if not one.size or one.shape[1:] != labels.shape:
            raise ConfigError(rule(name, f"hold {len(labels)} rows, at least one", one.shape))
    classes = np.unique(np.concatenate([labels, *(one.ravel() for one in groups)]))
    known = np.searchsorted(classes, labels)
    counted = [_Group(known, np.searchsorted(classes, one), len(classes)) for one in groups]
    units_of = _whole_units(units, len(known))
    drawn = list(_sampled(counted, units_of, draws, seed))
    return _told(classes, np.bincount(known, minlength=len(classes)), counted, drawn)


@dataclass(frozen=True)
class _Group:
    """The counts that all metrics of a group of models come from."""

    truth: Integers
    predicted: Integers
    classes: int

    def metrics(self, weights: npt.NDArray[np.float32]) -> dict[str, Floats]:
        """Return metrics (samples,) and (samples, classes) of rows that count so often."""
        models = self._of_models(weights)
        return {name: np.mean([one[name] for one in models], axis=0) for name in models[0]}

    def each(self) -> dict[str, Floats]:
        """Return the metrics of every model (S,) and (S, classes) on the test rows as they are."""
        once = np.ones((1, len(self.truth)), np.float32)
        models = self._of_models(once)
        return {name: np.concatenate([one[name] for one in models]) for name in models[0]}

    def _of_models(self, weights: npt.NDArray[np.float32]) -> list[dict[str, Floats]]:
        support = self._sums(weights, self.truth)
        return [self._of_model(weights, support, one) for one in self.predicted]

    def _of_model(
        self, weights: npt.NDArray[np.float32], support: Floats, predicted: Integers
    ) -> dict[str, Floats]:
        hits = predicted == self.truth
        said = self._sums(weights, predicted)
        right = self._sums(weights, self.truth, hits)
        with np.errstate(invalid="ignore"):
            recall, precision = right / support, right / said
            f1 = np.where(support > 0, 2 * right / (support + said), np.nan)
        return {
            "accuracy": right.sum(axis=1) / support.sum(axis=1),
            "macro_f1": np.nanmean(f1, axis=1),
            "balanced_accuracy": np.nanmean(recall, axis=1),
            "recall": recall,
            "precision": precision,
            "f1": f1,
        }

    def _sums(
        self,
        weights: npt.NDArray[np.float32],
        of: Integers,
        counted: npt.NDArray[np.bool_] | None = None,
    ) -> Floats:
        """Add up the weights of the rows of each class (samples, classes)."""
        sums: Floats = (self._membership(of, counted).T @ weights.T).T.astype(np.float64)
        return sums

    def _membership(self, of: Integers, counted: npt.NDArray[np.bool_] | None) -> csr_array:
        from scipy.sparse import csr_array

        rows = len(of)
        values = np.ones(rows, np.float32) if counted is None else counted.astype(np.float32)
        return csr_array((values, of, np.arange(rows + 1)), shape=(rows, self.classes))


def _whole_units(units: npt.ArrayLike | None, rows: int) -> Integers:
    if units is None:
        return np.arange(rows)
    found: Integers = np.unique(np.asarray(units), return_inverse=True)[1]
    return found


def _sampled(
    groups: list[_Group], units: Integers, draws: int, seed: int
) -> Iterator[list[dict[str, Floats]]]:
    """Yield the metrics of both groups on some samples at a time."""
    generator = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // len(units))
    for start in range(0, draws, at_once):
        weights = _weights(units, min(at_once, draws - start), generator)
        yield [group.metrics(weights) for group in groups]


def _weights(
    units: Integers, samples: int, generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return how often each row is in each sample (samples, rows)."""
    count = int(units.max()) + 1
    drawn = np.empty((samples, count), np.float32)
    for sample in drawn:
        sample[:] = np.bincount(generator.integers(0, count, count), minlength=count)
    return drawn[:, units]


def _told_apart(groups: list[_Group]) -> tuple[int, Integers]:
    """Count the rows that one side is more often right about: all, and (classes,).

    A row counts for its class, and for those that a model takes it for.
    """
    truth = groups[0].truth
    right = [(group.predicted == truth).mean(axis=0) for group in groups]
    differ = np.flatnonzero(right[0] != right[1])
    said = np.concatenate([truth[np.newaxis], *(group.predicted for group in groups)])[:, differ]
    touched = np.zeros((groups[0].classes, len(differ)), np.bool_)
    touched[said, np.arange(len(differ))] = True
    return len(differ), touched.sum(axis=1)


def _told(
    classes: Integers,
    support: Integers,
    groups: list[_Group],
    drawn: list[list[dict[str, Floats]]],
) -> list[Gap]:
    each, found = [group.each() for group in groups], []
    all_apart, apart = _told_apart(groups)
    for name in (*OVERALL, *BY_CLASS):
        values = [one[name] for one in each]
        spread = np.concatenate([one[name] - other[name] for one, other in drawn])
        if name in OVERALL:
            found.append(_gap(name, None, (int(support.sum()), all_apart), values, spread))
            continue
        found += [
            _gap(
                name,
                int(label),
                (int(support[at]), int(apart[at])),
                [one[:, at] for one in values],
                spread[:, at],
            )
            for at, label in enumerate(classes)
        ]
    return found


def _gap(
    name: str, label: int | None, counted: tuple[int, int], values: list[Floats], spread: Floats
) -> Gap:
    first, second = (float(one.mean()) for one in values)
    pairs = values[0] - values[1] if len(values[0]) == len(values[1]) > 1 else None
    told = over_samples(first - second, spread, pairs)
    return Gap(name, label, *counted, first, second, told)
