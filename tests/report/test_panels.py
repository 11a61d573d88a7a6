"""Pruning curves in panels: each holds its own, and all share colours, axes and a legend."""

from __future__ import annotations

import pandas as pd
import pytest

from influence_core.report.panels import COLUMNS, pruning_panels


def points(panels: int, curves: tuple[str, ...] = ("VoG", "TracIn")) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "panel": f"{panel} wrong",
                "experiment": "noisy",
                "curve": curve,
                "role": "score",
                "fraction": fraction,
                "mean": panel + fraction,
                "std": 0.01,
            }
            for panel in range(panels)
            for curve in curves
            for fraction in (0.1, 0.2)
        ]
    )


def test_every_panel_holds_its_own_curves() -> None:
    figure = pruning_panels(points(4), "Accuracy")
    lines = [trace for trace in figure.data if "markers" in trace.mode]
    assert [list(line.y) for line in lines] == [
        pytest.approx([panel + 0.1, panel + 0.2]) for panel in range(4) for _ in range(2)
    ]
    assert len({line.xaxis for line in lines}) == 4
    assert [note.text for note in figure.layout.annotations] == [f"{n} wrong" for n in range(4)]


def test_a_curve_has_one_colour_and_one_place_in_the_legend() -> None:
    figure = pruning_panels(points(COLUMNS + 1), "Accuracy")
    for name in ("VoG", "TracIn"):
        lines = [trace for trace in figure.data if trace.name == name]
        assert len(lines) == COLUMNS + 1
        assert len({line.line.color for line in lines}) == 1
        assert [line.showlegend for line in lines] == [True] + [False] * COLUMNS
        assert {line.legendgroup for line in lines} == {name}
    bands = [trace for trace in figure.data if trace.name is None]
    assert all(band.legendgroup and not band.showlegend for band in bands)


def test_panels_share_their_axes() -> None:
    figure = pruning_panels(points(4), "Accuracy")
    for axes in (list(figure.select_xaxes()), list(figure.select_yaxes())):
        followers = [axis for axis in axes if axis.matches]
        assert len(axes) == 4
        assert len(followers) == 3
        assert len({axis.matches for axis in followers}) == 1


def test_names_are_no_html() -> None:
    hostile = points(1, ("<b>x</b>",)).assign(panel="<i>y</i>")
    drawn = pruning_panels(hostile, "Accuracy").to_json().replace("\\u003c", "<")
    assert "<b>x" not in drawn
    assert "<i>y" not in drawn
