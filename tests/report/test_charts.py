"""Figures hold the data they were given, and nothing a dataset says becomes HTML."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import pytest

from influence_core.report import charts
from influence_core.report.palette import MIDDLE


def test_balance_shows_before_and_after() -> None:
    counts = pd.DataFrame({"label": ["a", "gone"], "before": [10, 4], "after": [7, 0]})
    before, after = charts.balance(counts).data
    assert list(before.x) == [10, 4]
    assert list(after.x) == [7, 0]
    assert [share for _, share in after.customdata] == [0.7, 0.0]
    # The legend shows a mark as it is drawn: it knows no opacity.
    assert before.marker.opacity is None


def test_loss_is_drawn_over_steps() -> None:
    line = charts.loss(pd.DataFrame({"step": [1, 2], "loss": [2.0, 1.0]})).data[0]
    assert (list(line.x), list(line.y)) == ([1, 2], [2.0, 1.0])


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


def test_names_of_classes_are_escaped() -> None:
    counts = pd.DataFrame({"label": ["<b>x</b>"], "before": [2], "after": [1]})
    assert "<b>x" not in charts.balance(counts).to_json().replace("\\u003c", "<")


def test_names_of_scores_are_escaped_in_pruning_curves() -> None:
    drawn = charts.pruning_curves(pruned("<b>x</b>", "score", [0.8]), "Accuracy").to_json()
    assert "<b>x" not in drawn.replace("\\u003c", "<")
