"""Figures of a score's spread hold the data they were given, and mark what is chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from influence_core.report import charts, spread_charts
from influence_core.report.palette import EASY, HARD, MIDDLE, hardness_colour, mix


def bins_of(values: np.ndarray, count: int = 40, group: str = "all") -> pd.DataFrame:
    rows, edges = np.histogram(values, bins=count)
    frame = pd.DataFrame({"group": group, "left": edges[:-1], "right": edges[1:], "rows": rows})
    return frame[frame["rows"] > 0]


def boxes(names: list[str]) -> pd.DataFrame:
    middle = np.arange(len(names), dtype=float)
    return pd.DataFrame(
        {
            "group": names,
            "rows": range(10, 10 + len(names)),
            "lower_fence": middle - 2,
            "q1": middle - 1,
            "median": middle,
            "q3": middle + 1,
            "upper_fence": middle + 2,
        }
    )


def test_histogram_shows_counts_and_colours_the_hard_end() -> None:
    bins = bins_of(np.linspace(0, 1, 1_000), 10)
    for hard, ends in (("high", (EASY, HARD)), ("low", (HARD, EASY))):
        bar = spread_charts.histogram(bins, "score", hard).data[0]
        assert list(bar.y) == bins["rows"].tolist()
        assert list(bar.width) == pytest.approx([0.1] * 10)
        first, last = bar.marker.color[0], bar.marker.color[-1]
        assert distance(first, ends[0]) < distance(first, ends[1])
        assert distance(last, ends[1]) < distance(last, ends[0])


def distance(first: str, second: str) -> float:
    pairs = zip(channels(first), channels(second), strict=True)
    return sum((a - b) ** 2 for a, b in pairs)


def channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def test_hardness_runs_from_easy_over_the_middle_to_hard() -> None:
    assert [hardness_colour(value) for value in (0, 0.5, 1)] == [EASY, MIDDLE, HARD]
    assert hardness_colour(-3) == EASY
    assert mix("#000000", "#ff0080", 0.5) == "#800040"


def test_density_is_a_density_close_to_the_truth() -> None:
    values = np.random.default_rng(0).normal(size=200_000)
    line = spread_charts.density(bins_of(values, 400), "score").data[0]
    x, y = np.asarray(line.x), np.asarray(line.y)
    assert np.trapezoid(y, x) == pytest.approx(1, abs=0.01)
    truth = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    assert np.abs(y - truth).max() < 0.02


def test_density_of_one_value_is_drawn() -> None:
    bins = pd.DataFrame({"group": ["a"], "left": [-0.5], "right": [0.5], "rows": [9]})
    line = spread_charts.density(bins, "score").data[0]
    assert np.isfinite(np.asarray(line.y, dtype=float)).all()


def test_groups_are_lines_in_their_order() -> None:
    levels = pd.DataFrame(
        {"group": ["b", "b", "a", "a"], "quantile": [0.0, 1.0] * 2, "value": [1.0, 2.0, 3.0, 4.0]}
    )
    figure = spread_charts.cumulative(levels, "score")
    assert [line.name for line in figure.data] == ["b", "a"]
    assert list(figure.data[1].x) == [3.0, 4.0]
    assert figure.data[0].line.dash != figure.data[1].line.dash


def test_boxes_name_every_group_even_where_names_look_the_same() -> None:
    names = ["x" * 40 + "1", "x" * 40 + "2", "short"]
    figure = spread_charts.boxes(boxes(names), "score")
    assert list(figure.data[0].median) == [0, 1, 2]
    assert list(figure.data[0].y) == [0, 1, 2]
    assert len(figure.layout.yaxis.ticktext) == 3
    assert figure.layout.yaxis.ticktext[0] == figure.layout.yaxis.ticktext[1]


def test_a_bar_lies_over_every_box_and_says_which_it_is() -> None:
    summary = boxes(["a", "b"])
    figure = spread_charts.boxes(summary, "score", chosen=["b"])
    grips = figure.data[1]
    assert [place for place, *_ in grips.customdata] == [0, 1]
    assert [rows for _, rows, *_ in grips.customdata] == [10, 11]
    assert (np.asarray(grips.base) + np.asarray(grips.x)).tolist() == [2, 3]
    marks = [(shape.y0, shape.y1) for shape in figure.layout.shapes]
    assert marks == [(pytest.approx(0.54), pytest.approx(1.46))]


def test_bins_outside_the_chosen_range_pale() -> None:
    bins = bins_of(np.linspace(0, 1, 1_000), 10)
    opacity = spread_charts.histogram(bins, "score", chosen=(0.2, 0.4)).data[0].marker.opacity
    assert [one == 1 for one in opacity] == [False, False, True, True] + [False] * 6


def test_height_grows_with_the_number_of_groups() -> None:
    few, many = boxes([f"g{n}" for n in range(5)]), boxes([f"g{n}" for n in range(50)])
    grown = (
        spread_charts.boxes(many, "s").layout.height - spread_charts.boxes(few, "s").layout.height
    )
    assert grown == 45 * charts.ROW_HEIGHT


def test_panels_share_their_order() -> None:
    panels = {"one": boxes(["b", "a"]), "two": boxes(["b", "a"])}
    figure = spread_charts.boxes_side_by_side(panels, "sd")
    assert [trace.type for trace in figure.data] == ["box", "bar"] * 2
    assert list(figure.layout.yaxis.ticktext) == ["b", "a"]
    assert [note.text for note in figure.layout.annotations] == ["one", "two"]


@pytest.mark.parametrize("attack", ["<b>x</b>", "<a href='http://x.invalid'>y</a>", "a & <i>"])
def test_names_of_a_dataset_are_escaped_everywhere(attack: str) -> None:
    levels = pd.DataFrame({"group": [attack] * 2, "quantile": [0.0, 1.0], "value": [0.0, 1.0]})
    figures = [
        spread_charts.boxes(boxes([attack]), attack),
        spread_charts.boxes_side_by_side({attack: boxes([attack])}, "sd"),
        spread_charts.cumulative(levels, attack),
        spread_charts.density(bins_of(np.arange(9.0), 3, attack), attack),
    ]
    for figure in figures:
        assert attack not in figure.to_json()
        for tag in ("<b>x", "<a href", "<i>"):
            assert tag not in figure.to_json().replace("\\u003c", "<")
