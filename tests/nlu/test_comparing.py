"""Two groups of stacks: differences, their intervals, and the tail of the traffic."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.errors import ConfigError
from influence_core.nlu.comparing import compare_stacks, tail
from influence_core.nlu.metrics import row_counts
from influence_core.nlu.slots import Interpretation

TRUTH = [
    Interpretation(f"text {row}", "music" if row % 2 else "home", "play" if row % 2 else "light")
    for row in range(60)
]


def stack(wrong: float, seed: int) -> np.ndarray:
    """Count the errors of a stack that takes a share of the intents for another."""
    generator = np.random.default_rng(seed)
    told = [
        Interpretation(one.text, one.domain, "stop" if generator.random() < wrong else one.intent)
        for one in TRUTH
    ]
    return row_counts(TRUTH, told)


def findings(**groups: list[np.ndarray]) -> Any:
    """Pretend the findings of an experiment whose points have these stacks."""
    points = {(name, 0.5): np.stack(counts) for name, counts in groups.items()}
    material = SimpleNamespace(
        domain_names=("home", "music"), truth=TRUTH, test_rows=np.arange(len(TRUTH))
    )
    return SimpleNamespace(
        points=list(points),
        counts=points.__getitem__,
        outcomes=lambda _: [],
        domains=[one.domain for one in TRUTH],
        material=material,
    )


def told(found: Any, metric: str = "icer", part: str = "all") -> Any:
    gaps = compare_stacks(found, ("good", 0.5), ("bad", 0.5), draws=400)
    return next(one for one in gaps if (one.metric, one.part) == (metric, part))


def test_many_more_errors_are_certain_overall_and_by_domain() -> None:
    good, bad = ([stack(wrong, seed) for seed in range(3)] for wrong in (0.05, 0.8))
    found = findings(good=good, bad=bad)
    for part in ("all", "home", "music"):
        one = told(found, part=part)
        assert one.verdict == "better"
        assert one.difference.low < one.difference.mean < one.difference.high < 0
        assert one.difference.mean == pytest.approx(one.first - one.second)
    assert told(found, part="home").rows == 30


def test_the_same_stacks_do_not_differ() -> None:
    same = [stack(0.3, seed) for seed in range(2)]
    one = told(findings(good=same, bad=same))
    assert one.verdict == "undecided"
    assert (one.difference.mean, one.difference.low, one.difference.high) == (0, 0, 0)


def test_what_only_rounding_tells_apart_does_not_differ() -> None:
    """Three equal stacks have the mean of one, but not in the last digit of every draw."""
    for seed in range(20):
        one = stack(0.3, seed)
        gap = told(findings(good=[one, one, one], bad=[one]))
        assert (gap.difference.low, gap.difference.high) == (0, 0)
        assert gap.verdict == "undecided"


def test_only_the_domains_that_are_asked_for_are_compared() -> None:
    counts = [stack(0.3, 0)]
    points = ("good", 0.5), ("bad", 0.5)
    found = findings(good=counts, bad=counts)
    parts = [one.part for one in compare_stacks(found, *points, domains=["music"], draws=50)]
    assert list(dict.fromkeys(parts)) == ["all", "music"]
    parts = [one.part for one in compare_stacks(found, *points, draws=50)]
    assert list(dict.fromkeys(parts)) == ["all", "home", "music"]


def test_what_is_not_defined_is_undecided() -> None:
    counts = [stack(0.3, 0)]
    one = told(findings(good=counts, bad=counts), metric="slot_f1")
    assert np.isnan(one.first)
    assert one.verdict == "undecided"


def test_the_interval_over_rows_is_that_of_a_plain_bootstrap() -> None:
    good, bad = stack(0.2, 0), stack(0.4, 1)
    one = told(findings(good=[good], bad=[bad]))
    generator = np.random.default_rng(7)
    drawn = generator.integers(0, len(TRUTH), (4_000, len(TRUTH)))
    spread = (good[:, 2][drawn] - bad[:, 2][drawn]).mean(axis=1)
    ends = np.quantile(spread, [0.025, 0.975])
    assert [one.difference.low, one.difference.high] == pytest.approx(ends, abs=0.04)


def test_a_point_that_is_not_there_is_refused() -> None:
    found = findings(good=[stack(0.1, 0)])
    with pytest.raises(ConfigError, match="'second' must be a technique"):
        compare_stacks(found, ("good", 0.5), ("bad", 0.5))


def test_the_tail_are_the_least_frequent_texts() -> None:
    assert tail([50, 20, 10, 10, 10]).tolist() == [False, False, True, True, True]
    assert tail([10, 10, 10]).tolist() == [False] * 3
    assert tail([]).tolist() == []
    assert tail([0, 0]).tolist() == [False, False]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_the_tail_is_within_its_share_and_no_rarer_row_is_left_out(counts: list[int]) -> None:
    rare, told = tail(counts), np.array(counts)
    assert told[rare].sum() <= 0.4 * told.sum() + 1e-6
    if rare.any() and not rare.all():
        assert told[rare].max() < told[~rare].min()
