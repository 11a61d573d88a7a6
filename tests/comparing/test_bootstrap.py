"""The paired bootstrap: metrics against scikit-learn, samples drawn one by one, invariances."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from influence_core.comparing.bootstrap import OVERALL, Gap, gaps
from influence_core.errors import ConfigError


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth and two models, the first better; class 3 is rare and class 9 only ever predicted."""
    generator = np.random.default_rng(5)
    truth = generator.choice([0, 1, 2, 3], p=[0.5, 0.3, 0.18, 0.02], size=400)
    truth[0] = 3
    first = np.where(generator.random(400) < 0.85, truth, generator.integers(0, 4, 400))
    second = np.where(generator.random(400) < 0.6, truth, generator.integers(0, 4, 400))
    second[5] = 9
    return truth, first, second


def by_name(found: list[Gap]) -> dict[tuple[str, int | None], Gap]:
    return {(one.metric, one.label): one for one in found}


def scored(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    present = np.unique(truth)
    f1 = metrics.f1_score(truth, predicted, labels=present, average="macro", zero_division=0)
    return {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "macro_f1": f1,
        "balanced_accuracy": metrics.recall_score(
            truth, predicted, labels=present, average="macro", zero_division=0
        ),
    }


def counted(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """The same as `scored`, in plain counts: a sample of rows takes no time."""
    hits = [(truth == label) & (predicted == label) for label in np.unique(truth)]
    support = [(truth == label).sum() for label in np.unique(truth)]
    said = [(predicted == label).sum() for label in np.unique(truth)]
    parts = list(zip((hit.sum() for hit in hits), support, said, strict=True))
    return {
        "accuracy": (truth == predicted).mean(),
        "macro_f1": np.mean([2 * hit / (of + told) for hit, of, told in parts]),
        "balanced_accuracy": np.mean([hit / of for hit, of, _ in parts]),
    }


def test_counts_are_what_scikit_learn_says(answers) -> None:
    truth, first, second = answers
    for predicted in (first, second):
        assert counted(truth, predicted) == pytest.approx(scored(truth, predicted))


def test_the_metrics_are_those_of_scikit_learn(answers) -> None:
    truth, first, second = answers
    found = by_name(gaps(truth, first, second, draws=10))
    for side, predicted in (("first", first), ("second", second)):
        for name, value in scored(truth, predicted).items():
            assert getattr(found[name, None], side) == pytest.approx(value)
        for label in (0, 1, 2, 3):
            for name, score in (
                ("recall", metrics.recall_score),
                ("precision", metrics.precision_score),
                ("f1", metrics.f1_score),
            ):
                value = score(truth, predicted, labels=[label], average=None)[0]
                assert getattr(found[name, label], side) == pytest.approx(value)


def test_the_interval_is_that_of_samples_drawn_one_by_one(answers) -> None:
    truth, first, second = answers
    found = by_name(gaps(truth, first, second, draws=3000))
    generator = np.random.default_rng(77)
    differences = []
    for _ in range(3000):
        rows = generator.integers(0, len(truth), len(truth))
        one, other = (counted(truth[rows], said[rows]) for said in (first, second))
        differences.append([one[name] - other[name] for name in OVERALL])
    expected = np.quantile(differences, (0.025, 0.975), axis=0)
    for name, low, high in zip(OVERALL, *expected, strict=True):
        told = found[name, None].difference
        width = high - low
        assert told.low == pytest.approx(low, abs=0.1 * width)
        assert told.high == pytest.approx(high, abs=0.1 * width)


def test_what_is_not_defined_is_said_to_be_unknown(answers) -> None:
    truth, first, second = answers
    found = by_name(gaps(truth, first, second, draws=50))
    assert np.isnan(found["recall", 9].first)
    assert found["recall", 9].rows == 0
    assert (found["recall", 9].difference.low, found["recall", 9].difference.high) == (
        -np.inf,
        np.inf,
    )


def test_the_order_of_the_sides_turns_the_sign(answers) -> None:
    truth, first, second = answers
    here, there = by_name(gaps(truth, first, second)), by_name(gaps(truth, second, first))
    for key in (("accuracy", None), ("macro_f1", None), ("recall", 0)):
        assert here[key].difference.low == pytest.approx(-there[key].difference.high)


def test_a_model_is_no_better_than_itself(answers) -> None:
    truth, first, _ = answers
    for one in gaps(truth, first, first, draws=100):
        if one.label != 9 and np.isfinite(one.first):
            assert (one.difference.mean, one.difference.low, one.difference.high) == (0, 0, 0)


def test_models_of_a_group_count_alike(answers) -> None:
    truth, first, second = answers
    both = by_name(gaps(truth, np.stack([first, second]), second, draws=50))
    alone = by_name(gaps(truth, first, second, draws=50))
    assert both["accuracy", None].difference.mean == pytest.approx(
        alone["accuracy", None].difference.mean / 2
    )


def test_rows_of_a_unit_are_drawn_together(answers) -> None:
    """Every row ten times over says no more than once, if it is known that they belong together."""
    truth, first, second = answers
    times = [np.repeat(one, 10) for one in answers]
    once = by_name(gaps(truth, first, second))["accuracy", None].difference
    known = by_name(gaps(*times, units=np.repeat(np.arange(len(truth)), 10)))
    blind = by_name(gaps(*times, draws=400))
    width = once.high - once.low
    together = known["accuracy", None].difference
    assert together.high - together.low == pytest.approx(width, rel=1e-6)
    apart = blind["accuracy", None].difference
    assert apart.high - apart.low < 0.5 * width


def test_few_samples_at_a_time_are_the_same_samples(
    answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, first, second = answers
    whole = gaps(truth, first, second, draws=64)
    monkeypatch.setattr("influence_core.comparing.bootstrap._CELLS_AT_ONCE", 7 * len(truth))
    assert repr(gaps(truth, first, second, draws=64)) == repr(whole)


def test_few_rows_decide_no_class() -> None:
    """Four rows that all speak for the first: p = 0.125 by McNemar, which is not certain."""
    truth = np.repeat([0, 1], 30)
    first, second = truth.copy(), truth.copy()
    second[:4] = 1
    found = by_name(gaps(truth, first, second))["recall", 0]
    assert found.told_apart == 4
    assert found.difference.low > 0
    assert found.verdict == "undecided"
    second[:8] = 1
    decided = by_name(gaps(truth, first, second))["recall", 0]
    assert (decided.told_apart, decided.verdict) == (8, "better")


def test_seeds_that_differ_leave_it_open() -> None:
    """Three pairs of models of which one disagrees: the rows are certain of the mean, seeds not."""
    truth = np.zeros(2000, np.int64)
    wrong = [np.arange(2000) < count for count in (100, 100, 300)]
    worse = [np.arange(2000) < count for count in (200, 200, 260)]
    first, second = (np.stack(flags).astype(np.int64) for flags in (wrong, worse))
    paired = by_name(gaps(truth, first, second))["accuracy", None]
    assert paired.difference.mean == pytest.approx(0.08 / 3)
    assert paired.verdict == "undecided"
    alone = by_name(gaps(truth, first[:1], second[:1]))["accuracy", None]
    assert alone.verdict == "better"


def test_rows_must_pair_up() -> None:
    with pytest.raises(ConfigError, match="'second' must hold 3 rows"):
        gaps([0, 1, 1], [0, 1, 1], [0, 1])
    with pytest.raises(ConfigError, match="'first' must hold 0 rows"):
        gaps([], [], [])
