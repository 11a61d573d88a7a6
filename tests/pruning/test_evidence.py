"""Intervals and tests, against scipy and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from influence_core.pruning.evidence import compare, mcnemar, over_rows, over_seeds


def test_interval_over_seeds_is_student_s() -> None:
    differences = np.array([0.02, 0.03, 0.01, 0.05])
    interval = over_seeds(differences)
    low, high = stats.t.interval(0.95, 3, loc=differences.mean(), scale=stats.sem(differences))
    assert interval.mean == pytest.approx(0.0275)
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_one_seed_says_nothing_about_seeds() -> None:
    interval = over_seeds(np.array([0.02]))
    assert (interval.low, interval.high) == (-np.inf, np.inf)
    assert not interval.excludes_zero


def test_interval_over_rows_is_the_bootstrap() -> None:
    generator = np.random.default_rng(0)
    differences = generator.choice([-1.0, 0.0, 1.0], 400, p=[0.05, 0.8, 0.15])
    interval = over_rows(differences, generator, draws=20_000)
    oracle = stats.bootstrap(
        (differences,), np.mean, n_resamples=20_000, method="percentile", rng=generator
    ).confidence_interval
    assert interval.mean == pytest.approx(differences.mean())
    assert interval.low == pytest.approx(oracle.low, abs=0.003)
    assert interval.high == pytest.approx(oracle.high, abs=0.003)


def test_mcnemar_by_hand() -> None:
    first = np.array([True] * 8 + [False] * 1 + [True] * 5)
    second = np.array([False] * 8 + [True] * 1 + [True] * 5)
    # 8 against 1 discordant rows: 2 (C(9, 0) + C(9, 1)) / 2⁹
    assert mcnemar(first, second) == pytest.approx(20 / 512)
    assert mcnemar(first, first) == 1.0


def test_what_both_intervals_exclude_is_certain() -> None:
    generator = np.random.default_rng(0)
    worse = generator.random((3, 500)) < 0.5
    better = worse | (generator.random((3, 500)) < 0.5)
    found = compare(better, worse, generator)
    assert found.verdict == "better"
    assert 0 < found.low < found.mean < found.high
    assert compare(worse, better, generator).verdict == "worse"
    assert compare(worse, worse, generator).verdict == "undecided"
    assert np.isnan(found.mcnemar)


def test_seeds_that_disagree_leave_it_undecided() -> None:
    reference = np.zeros((2, 200), np.bool_)
    correct = reference.copy()
    correct[0, :100] = True
    found = compare(correct, reference, np.random.default_rng(0))
    assert found.by_row.excludes_zero
    assert found.verdict == "undecided"
    assert found.low < 0


def test_one_seed_is_judged_by_rows_and_by_mcnemar() -> None:
    reference = np.zeros((1, 100), np.bool_)
    correct = reference.copy()
    correct[0, :20] = True
    found = compare(correct, reference, np.random.default_rng(0))
    assert found.verdict == "better"
    assert np.isfinite(found.low)
    assert found.mcnemar == pytest.approx(2 / 2**20)


def test_models_must_pair_up() -> None:
    with pytest.raises(ValueError, match="pair up"):
        compare(np.ones((2, 3), np.bool_), np.ones((1, 3), np.bool_), np.random.default_rng(0))
