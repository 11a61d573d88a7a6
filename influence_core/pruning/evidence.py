"""Is the difference between two groups of models real? Intervals over seeds and over test rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Verdict = Literal["better", "worse", "undecided"]

LEVEL = 0.95
"""Confidence of all intervals."""

DRAWS = 2_000
"""Bootstrap samples of the test rows."""


@dataclass(frozen=True)
class Interval:
    """A mean with the interval that holds the true one with 95% confidence.

    An interval that nothing is known of is (−∞, ∞), as that over seeds where there is one.
    """

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the sign of the difference is certain."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Difference:
    """A difference in accuracy, models paired by seed and judged on the same test rows.

    `by_seed` says how far it would vary had other seeds been drawn (Student's t), `by_row` how far
    on other test rows (bootstrap, the seeds averaged), `mcnemar` is the p-value of the exact test
    of McNemar where both groups are one model, else NaN.
    """

    by_seed: Interval
    by_row: Interval
    mcnemar: float
    seeds: int

    @property
    def mean(self) -> float:
        """Mean difference; positive where the first group is better."""
        return self.by_seed.mean

    @property
    def low(self) -> float:
        """Lower end of the wider interval: what is certain holds for both."""
        return min(self._known, key=lambda one: one.low).low

    @property
    def high(self) -> float:
        """Upper end of the wider interval."""
        return max(self._known, key=lambda one: one.high).high

    @property
    def verdict(self) -> Verdict:
        """What is certain: both intervals lie on one side of 0 (that over rows for one seed)."""
        if not all(one.excludes_zero for one in self._known):
            return "undecided"
        return "better" if self.mean > 0 else "worse"

    @property
    def _known(self) -> list[Interval]:
        return [self.by_row] if self.seeds == 1 else [self.by_row, self.by_seed]


def compare(correct: Flags, reference: Flags, generator: np.random.Generator) -> Difference:
    """Compare two groups of models.

    Args:
        correct: whether the model of seed s is right about test row t (S, T).
        reference: the same of the models to compare with, seed by seed (S, T).
        generator: draws the bootstrap samples.

    Raises:
        ValueError: the shapes differ or are empty.
    """
    if correct.shape != reference.shape or not correct.size:
        raise ValueError(f"Models and rows must pair up; got {correct.shape}, {reference.shape}.")
    by_row = correct.astype(np.float64) - reference
    return Difference(
        by_seed=over_seeds(by_row.mean(axis=1)),
        by_row=over_rows(by_row.mean(axis=0), generator),
        mcnemar=mcnemar(correct[0], reference[0]) if len(correct) == 1 else float("nan"),
        seeds=len(correct),
    )


def over_seeds(differences: Floats) -> Interval:
    """Return mean and t-interval of paired differences (S,), one a seed."""
    from scipy.stats import t

    mean, count = float(differences.mean()), len(differences)
    if count == 1:
        return Interval(mean, -np.inf, np.inf)
    reach = t.ppf((1 + LEVEL) / 2, count - 1) * differences.std(ddof=1) / np.sqrt(count)
    return Interval(mean, mean - float(reach), mean + float(reach))


def over_samples(mean: float, samples: Floats, pairs: Floats | None = None) -> Interval:
    """Return the percentile interval of the finite differences of samples, around a mean.

    Where there are `pairs`, differences seed by seed, of both intervals the wider end counts.
    """
    known = samples[np.isfinite(samples)]
    ends = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    low, high = np.quantile(known, ends) if len(known) else (-np.inf, np.inf)
    if pairs is not None and np.isfinite(pairs).all():
        by_seed = over_seeds(pairs)
        low, high = min(low, by_seed.low), max(high, by_seed.high)
    return Interval(mean, float(low), float(high))


def over_rows(differences: Floats, generator: np.random.Generator, draws: int = DRAWS) -> Interval:
    """Return mean and percentile bootstrap interval of the rows' differences (T,)."""
    rows = len(differences)
    values, counts = np.unique(differences, return_counts=True)
    # Few distinct differences: how often each is drawn is multinomial, row by row or all at once.
    drawn = generator.multinomial(rows, counts / rows, size=draws) @ values / rows
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(differences.mean()), float(low), float(high))


def mcnemar(correct: Flags, reference: Flags) -> float:
    """Return the two-sided p-value of McNemar's exact test for two models (T,) each.

    Only rows on which exactly one of them is right count: under the null hypothesis either is as
    likely. Source: McNemar: Note on the sampling error of the difference between correlated
    proportions or percentages. Psychometrika 1947.
    """
    from scipy.stats import binomtest

    first, second = int((correct & ~reference).sum()), int((reference & ~correct).sum())
    if first + second == 0:
        return 1.0
    return float(binomtest(first, first + second).pvalue)
