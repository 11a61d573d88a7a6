"""Where marks lie: ticks are round, scales are straight, bands lie around their line."""

from __future__ import annotations

from itertools import pairwise
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.report.drawing import Scale, band, padded, ticks

FINITE = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e6), st.integers(2, 12))
def test_ticks_are_evenly_spaced_and_within(low: float, width: float, count: int) -> None:
    found = ticks(low, low + width, count)
    slack = 1e-6 * (abs(low) + width)
    assert all(low - slack <= one <= low + width + slack for one in found)
    gaps = [after - before for before, after in pairwise(found)]
    assert gaps == pytest.approx(gaps[:1] * len(gaps), rel=1e-3, abs=slack)
    assert len(found) <= count + 1


@pytest.mark.parametrize(
    ("low", "high", "round_numbers"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-3.0, 4.0, [-2.0, 0.0, 2.0, 4.0]),
        (0.0, 0.04, [0.0, 0.01, 0.02, 0.03, 0.04]),
    ],
)
def test_ticks_are_round(low: float, high: float, round_numbers: list[float]) -> None:
    assert ticks(low, high) == round_numbers


def test_a_scale_reaches_its_ends_and_holds_what_lies_beyond() -> None:
    scale = Scale(0.5, 1.0, 100.0, 0.0)
    assert [scale(0.5), scale(1.0), scale(0.75)] == [100.0, 0.0, 50.0]
    assert [scale.within(0.0), scale.within(2.0)] == [100.0, 0.0]


def test_a_band_goes_over_its_line_and_back_below() -> None:
    across, upright = Scale(0.0, 1.0, 0.0, 10.0), Scale(0.0, 1.0, 10.0, 0.0)
    drawn = band(across, upright, [(0.0, 0.5), (1.0, 0.8)], [0.1, nan])
    assert drawn.line == "M0 5L10 2"
    assert drawn.area == "M0 4L10 2L10 2L0 6Z"
    assert drawn.marks == ((0.0, 5.0), (10.0, 2.0))
    assert band(across, upright, [(0.0, 0.5)], [nan]).area == ""


@given(st.lists(FINITE, max_size=6))
def test_a_padded_range_holds_all_and_is_never_empty(values: list[float]) -> None:
    low, high = padded([*values, nan])
    assert low < high
    assert all(low <= one <= high for one in values)
