"""How a recommendation is worded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from influence_core.pruning.cells import Curve
from influence_core.pruning.evidence import Difference, Interval
from influence_core.pruning.recommend import Recommendation, WorstClass

RANDOM = Curve("random")
NOTHING = Interval(-0.004, -np.inf, np.inf)
SHORT = Interval(-0.004, -0.008, 0.001)
LONG = Interval(-0.004, -0.05, 0.042)
BAD = Interval(-0.06, -0.08, -0.04)


def advice(
    by_seed: Interval, by_row: Interval, fraction: float | None, seeds: int = 3
) -> Recommendation:
    loss = Difference(by_seed=by_seed, by_row=by_row, mcnemar=float("nan"), seeds=seeds)
    return Recommendation(RANDOM, 0.01, fraction, 0.1, loss, None)


def test_differences_are_in_points_and_name_their_fraction() -> None:
    assert advice(SHORT, SHORT, 0.1).words == (
        "Up to 10% may go (accuracy -0.4 points, between -0.8 and +0.1)."
    )
    assert advice(LONG, SHORT, None).words.startswith(
        "No safe fraction: even 10%, the smallest tested, may cost more (accuracy -0.4 points"
    )
    worst = WorstClass("lights", 8, 0.875, -0.05)
    told = "no class with 5 test rows or more loses a point of recall"
    assert replace(worst, change=-0.004).words == told
    assert worst.words == "worst class lights, recall 88% (-5 points) on 8 test rows"


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (advice(LONG, SHORT, None), "more seeds narrow it"),
        (advice(SHORT, LONG, None), "more test rows narrow it"),
        (advice(NOTHING, LONG, None, seeds=1), "over other test rows only, not over other seeds"),
        (advice(NOTHING, SHORT, 0.1, seeds=1), "over other test rows only, not over other seeds"),
    ],
)
def test_what_prevents_a_recommendation_is_told(one: Recommendation, told: str) -> None:
    assert told in one.remark


@pytest.mark.parametrize("one", [advice(BAD, BAD, None), advice(SHORT, SHORT, 0.1)])
def test_what_is_certain_needs_no_remark(one: Recommendation) -> None:
    assert one.remark == ""
