"""Pictures of differences: what is drawn is what was found, and foreign names stay text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from influence_core.report.differences import LONGEST, differences, scores_together

FOUND = pd.DataFrame(
    {
        "label": ["<b>bold</b>", "b", "c"],
        "first": [0.9, 0.5, 0.7],
        "second": [0.5, 0.9, 0.7],
        "mean": [0.4, -0.4, 0.0],
        "low": [0.2, -0.6, -0.1],
        "high": [0.6, -0.2, 0.1],
        "verdict": ["better", "worse", "undecided"],
    }
)


def test_every_verdict_has_its_mark_and_interval() -> None:
    figure = differences(FOUND, "label")
    assert [trace.name for trace in figure.data] == [
        "first is better",
        "first is worse",
        "undecided",
    ]
    assert len({trace.marker.symbol for trace in figure.data}) == 3
    for trace, row in zip(figure.data, FOUND.to_dict("records"), strict=True):
        assert trace.x[0] + trace.error_x.array[0] == row["high"]
        assert np.isclose(trace.x[0] - trace.error_x.arrayminus[0], row["low"])


def test_names_stay_text_and_the_first_is_on_top() -> None:
    figure = differences(FOUND, "label")
    assert figure.data[0].y[0] == "&lt;b&gt;bold&lt;/b&gt;"
    assert figure.layout.yaxis.categoryarray[-1] == "&lt;b&gt;bold&lt;/b&gt;"


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (-0.05, 0.0), (0.02, 0.6), (-0.9, -0.1)])
def test_0_and_every_interval_lie_well_inside_the_axis(low: float, high: float) -> None:
    part = FOUND.assign(low=low, high=high, mean=(low + high) / 2)
    least, most = differences(part, "label").layout.xaxis.range
    room = 0.04 * (most - least)
    for value in (0.0, low, high):
        assert least + room <= value <= most - room


def test_long_names_leave_room_for_the_chart_and_stay_apart() -> None:
    names = ["a long name of a class, " * 4 + end for end in ("<one>", "two", "three")]
    axis = differences(FOUND.assign(label=names), "label").layout.yaxis
    assert {len(one) for one in axis.ticktext} == {LONGEST}
    assert len(set(axis.tickvals)) == 3
    assert set(axis.tickvals) == set(axis.categoryarray)


def test_empty_bins_are_not_drawn() -> None:
    bins = pd.DataFrame({"first": [0.1, 0.9], "second": [0.1, 0.9], "rows": [3, 0]})
    figure = scores_together(bins, "one", "<i>two</i>")
    assert figure.data[0].z[0] == 3
    assert np.isnan(figure.data[0].z[1])
    assert "&lt;i&gt;" in figure.layout.yaxis.title.text
