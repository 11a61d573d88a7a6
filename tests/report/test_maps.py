"""Maps as figures: what every point carries, and that names stay text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from influence_core.report import maps
from influence_core.report.palette import HARD


@pytest.fixture
def points() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    x, y = generator.uniform(-15, 15, size=(2, 200))
    return pd.DataFrame({"row": np.arange(200), "x": x, "y": y})


def test_groups_without_a_colour_are_grey_and_below(points: pd.DataFrame) -> None:
    named = points.assign(colour=["<b>a</b>", "b", "c", None] * 50)
    figure = maps.add_groups(maps.base(), named, ["b", "<b>a</b>"], ["#111111", "#222222"], 5.0)
    assert [trace.name for trace in figure.data] == ["other", "b", "&lt;b&gt;a&lt;/b&gt;"]
    assert [len(trace.customdata) for trace in figure.data] == [100, 50, 50]
    assert [trace.marker.color for trace in figure.data[1:]] == ["#111111", "#222222"]
    assert figure.data[2].customdata.tolist() == list(range(0, 200, 4))


def test_more_groups_than_colours_have_other_marks(points: pd.DataFrame) -> None:
    named = points.assign(colour=[f"g{row % 20}" for row in range(200)])
    names = [f"g{turn}" for turn in range(20)]
    figure = maps.add_groups(maps.base(), named, names, maps.colours(), 5.0)
    looks = {(trace.marker.color, trace.marker.symbol) for trace in figure.data}
    assert len(looks) == 20


def test_points_without_a_number_stay_apart(points: pd.DataFrame) -> None:
    valued = points.assign(colour=np.r_[np.nan, np.arange(199.0)])
    unknown, known = maps.add_values(maps.base(), valued, "size", 5.0).data
    assert unknown.customdata.tolist() == [0]
    assert len(known.customdata) == 199
    assert (known.marker.cmin, known.marker.cmax) == pytest.approx((1.98, 196.02))


def test_the_hard_end_has_its_colour(points: pd.DataFrame) -> None:
    ranked = points.assign(colour=np.linspace(0, 1, 200))
    (trace,) = maps.add_hardness(maps.base(), ranked, "VoG", 5.0).data
    assert trace.marker.colorscale[-1] == (1, HARD)
    rings = maps.add_rings(maps.base(), points.head(3), "hardest", 5.0).data[0]
    assert (rings.marker.color, rings.marker.symbol) == (HARD, "circle-open")


def test_short_coordinates_stay_where_they_are(points: pd.DataFrame) -> None:
    trace = maps.add_gone(maps.base(), points, 5.0).data[0]
    width = points["x"].max() - points["x"].min()
    assert np.abs(trace.x - points["x"]).max() < width / 1_000
    assert max(len(f"{x!r}") for x in trace.x.tolist()) <= 6


def test_a_grid_is_drawn_by_its_counts() -> None:
    cells = pd.DataFrame({"x": [0.5, 1.5, 1.5], "y": [0.5, 0.5, 1.5], "rows": [1, 10, 100]})
    (ground,) = maps.add_density(maps.base(), cells).data
    assert ground.z.tolist()[0] == [0.0, 1.0]
    assert ground.z[1][1] == 2.0
    assert np.isnan(ground.z[1][0])


def test_many_points_are_small() -> None:
    sizes = [maps.point_size(points) for points in (10, 5_000, 20_000, 100_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4
