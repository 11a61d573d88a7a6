"""Figures of sampling and timing hold the rows they were given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from influence_core.report import timing_charts
from influence_core.report.timing_charts import MOST_EVENTS


def test_kept_rows_stand_before_all_rows() -> None:
    bins = pd.DataFrame({"left": [0.0, 1.0], "right": [1.0, 2.0], "rows": [4, 0], "kept": [3, 0]})
    before, after = timing_charts.sampled(bins, "score").data
    assert (list(before.y), list(after.y)) == ([4, 0], [3, 0])
    assert [share for *_, share in after.customdata] == [0.75, 0]
    assert (before.name, after.name) == ("dropped", "kept")


def test_early_lies_above_late() -> None:
    bins = pd.DataFrame({"left": [0.0, 0.5], "right": [0.5, 1.0], "early": [1, 9], "late": [9, 1]})
    figure = timing_charts.early_and_late(bins, ("first <i>", "then"))
    assert [list(bars.y) for bars in figure.data] == [[1, 9], [9, 1]]
    assert [note.text for note in figure.layout.annotations] == ["first &lt;i&gt;", "then"]


def test_cells_hold_their_rows_on_a_log_scale() -> None:
    cells = pd.DataFrame({"x": [0.1, 0.3, 0.3], "y": [0.1, 0.1, 0.3], "rows": [1, 100, 10]})
    ground = timing_charts.joint(cells, ("early", "late")).data[0]
    assert np.asarray(ground.z)[0].tolist() == [0, 2]
    assert np.isnan(np.asarray(ground.z)[1, 0])
    assert ground.customdata[1][1] == 10
    assert list(ground.colorbar.ticktext) == ["1", "10", "100"]


def test_no_rows_are_drawn_as_nothing() -> None:
    nothing = pd.DataFrame({"x": [], "y": [], "rows": []})
    assert timing_charts.joint(nothing, ("early", "late")).data[0].z.size == 0


def test_cadences_stand_beside_one_another_and_rare_counts_together() -> None:
    counts = pd.DataFrame(
        {
            "cadence": ["fine"] * 12 + ["coarse"],
            "events": [*range(12), 0],
            "rows": [1] * 12 + [5],
            "share": [1 / 12] * 12 + [1.0],
        }
    )
    fine, coarse = timing_charts.cadences(counts).data
    assert list(fine.x) == list(range(MOST_EVENTS + 1))
    assert fine.customdata[-1] == 12 - MOST_EVENTS
    assert sum(fine.y) == pytest.approx(1)
    assert (coarse.name, list(coarse.y)) == ("coarse", [1.0])
    ticks = timing_charts.cadences(counts).layout.xaxis.ticktext
    assert ticks[-1] == f"{MOST_EVENTS}+"
