"""Figures hold the data they were given, and nothing a dataset says becomes HTML."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from influence_core.report import charts
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
        bar = charts.histogram(bins, "score", hard).data[0]
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
    line = charts.density(bins_of(values, 400), "score").data[0]
    x, y = np.asarray(line.x), np.asarray(line.y)
    assert np.trapezoid(y, x) == pytest.approx(1, abs=0.01)
    truth = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    assert np.abs(y - truth).max() < 0.02


def test_density_of_one_value_is_drawn() -> None:
    bins = pd.DataFrame({"group": ["a"], "left": [-0.5], "right": [0.5], "rows": [9]})
    line = charts.density(bins, "score").data[0]
    assert np.isfinite(np.asarray(line.y, dtype=float)).all()


def test_groups_are_lines_in_their_order() -> None:
    levels = pd.DataFrame(
        {"group": ["b", "b", "a", "a"], "quantile": [0.0, 1.0] * 2, "value": [1.0, 2.0, 3.0, 4.0]}
    )
    figure = charts.cumulative(levels, "score")
    assert [line.name for line in figure.data] == ["b", "a"]
    assert list(figure.data[1].x) == [3.0, 4.0]
    assert figure.data[0].line.dash != figure.data[1].line.dash


def test_boxes_name_every_group_even_where_names_look_the_same() -> None:
    names = ["x" * 40 + "1", "x" * 40 + "2", "short"]
    figure = charts.boxes(boxes(names), "score")
    assert list(figure.data[0].median) == [0, 1, 2]
    assert list(figure.data[0].y) == [0, 1, 2]
    assert len(figure.layout.yaxis.ticktext) == 3
    assert figure.layout.yaxis.ticktext[0] == figure.layout.yaxis.ticktext[1]


def test_height_grows_with_the_number_of_groups() -> None:
    few, many = boxes([f"g{n}" for n in range(5)]), boxes([f"g{n}" for n in range(50)])
    grown = charts.boxes(many, "s").layout.height - charts.boxes(few, "s").layout.height
    assert grown == 45 * charts.ROW_HEIGHT


def test_panels_share_their_order() -> None:
    panels = {"one": boxes(["b", "a"]), "two": boxes(["b", "a"])}
    figure = charts.boxes_side_by_side(panels, "sd")
    assert len(figure.data) == 2
    assert list(figure.layout.yaxis.ticktext) == ["b", "a"]
    assert [note.text for note in figure.layout.annotations] == ["one", "two"]


def test_balance_shows_before_and_after() -> None:
    counts = pd.DataFrame({"label": ["a", "gone"], "before": [10, 4], "after": [7, 0]})
    before, after = charts.balance(counts).data
    assert list(before.x) == [10, 4]
    assert list(after.x) == [7, 0]
    assert [share for _, share in after.customdata] == [0.7, 0.0]


def test_dynamics_tell_right_from_wrong_by_colour_and_shape() -> None:
    points = pd.DataFrame({"epoch": [0.5, 1.0], "p_true": [0.2, 0.9], "correct": [False, True]})
    line = charts.dynamics(points).data[0]
    assert list(line.marker.color) == [HARD, EASY]
    assert list(line.marker.symbol) == ["x", "circle"]


def test_loss_is_drawn_over_steps() -> None:
    line = charts.loss(pd.DataFrame({"step": [1, 2], "loss": [2.0, 1.0]})).data[0]
    assert (list(line.x), list(line.y)) == ([1, 2], [2.0, 1.0])


@pytest.mark.parametrize("attack", ["<b>x</b>", "<a href='http://x.invalid'>y</a>", "a & <i>"])
def test_names_of_a_dataset_are_escaped_everywhere(attack: str) -> None:
    levels = pd.DataFrame({"group": [attack] * 2, "quantile": [0.0, 1.0], "value": [0.0, 1.0]})
    counts = pd.DataFrame({"label": [attack], "before": [2], "after": [1]})
    figures = [
        charts.boxes(boxes([attack]), attack),
        charts.boxes_side_by_side({attack: boxes([attack])}, "sd"),
        charts.cumulative(levels, attack),
        charts.density(bins_of(np.arange(9.0), 3, attack), attack),
        charts.balance(counts),
    ]
    for figure in figures:
        assert attack not in figure.to_json()
        for tag in ("<b>x", "<a href", "<i>"):
            assert tag not in figure.to_json().replace("\\u003c", "<")


def test_themed_takes_the_colours_of_a_registered_template() -> None:
    import plotly.io as pio

    figure = charts.themed(charts.loss(pd.DataFrame({"step": [1], "loss": [1.0]})), "plotly")
    assert figure.layout.colorway == pio.templates["plotly"].layout.colorway


def pruned(curve: str, role: str, values: list[float], experiment: str = "one") -> pd.DataFrame:
    fractions = [0.0] if role == "whole" else [0.3, 0.6][: len(values)]
    columns = {"fraction": fractions, "mean": values, "std": [0.01] * len(values)}
    return pd.DataFrame({"experiment": experiment, "curve": curve, "role": role, **columns})


def lines_of(points: pd.DataFrame) -> dict[str, go.Scatter]:
    figure = charts.pruning_curves(points, "Accuracy")
    return {line.name: line for line in figure.data if line.showlegend is not False}


def test_pruning_curves_are_means_with_a_band_of_one_deviation() -> None:
    points = pd.concat([pruned("Unpruned", "whole", [0.9]), pruned("VoG", "score", [0.8, 0.7])])
    figure = charts.pruning_curves(points.reset_index(drop=True), "Accuracy")
    whole_band, band, whole, curve = figure.data
    assert list(curve.y) == [0.8, 0.7]
    assert list(band.x) == [0.3, 0.6, 0.6, 0.3]
    assert list(band.y) == pytest.approx([0.81, 0.71, 0.69, 0.79])
    assert (list(whole.x), list(whole.y)) == ([0.0, 0.6], [0.9, 0.9])
    assert len(whole_band.x) == 4


def test_unpruned_models_alone_are_a_level_over_all_shares() -> None:
    line = lines_of(pruned("Unpruned", "whole", [0.9]))["Unpruned"]
    assert (list(line.x), list(line.y)) == ([0.0, 1.0], [0.9, 0.9])


def test_one_seed_has_no_band() -> None:
    points = pruned("VoG", "score", [0.8, 0.7]).assign(std=float("nan"))
    band, _ = charts.pruning_curves(points, "Accuracy").data
    assert len(band.x) == 0


def test_experiments_share_colours_and_differ_in_dashes_and_random_is_grey() -> None:
    parts = [
        part
        for name in ("one", "two")
        for part in (
            pruned("Random", "random", [0.7, 0.6], name),
            pruned("VoG", "score", [0.8, 0.7], name),
        )
    ]
    lines = lines_of(pd.concat([*parts, pruned("EL2N", "score", [0.5], "two")], ignore_index=True))
    first, second, other = lines["VoG (one)"], lines["VoG (two)"], lines["EL2N (two)"]
    assert first.line.color == second.line.color != other.line.color
    assert first.line.dash != second.line.dash == other.line.dash
    assert first.marker.symbol == second.marker.symbol
    assert {lines[f"Random ({name})"].line.color for name in ("one", "two")} == {MIDDLE}


def test_curves_take_the_colours_of_a_dashboard() -> None:
    import plotly.io as pio

    pio.templates["test"] = go.layout.Template(layout={"colorway": ["#010101", "#020202"]})
    points = pruned("VoG", "score", [0.8, 0.7])
    band, line = charts.themed(charts.pruning_curves(points, "Accuracy"), "test").data
    assert (band.fillcolor, line.line.color) == ("#010101", "#010101")


def test_names_of_scores_are_escaped_in_pruning_curves() -> None:
    drawn = charts.pruning_curves(pruned("<b>x</b>", "score", [0.8]), "Accuracy").to_json()
    assert "<b>x" not in drawn.replace("\\u003c", "<")
