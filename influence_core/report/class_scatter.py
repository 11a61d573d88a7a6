"""Classes by size and hardness, as a figure that names the hard and rare ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from influence_core.report.charts import chart, name_of
from influence_core.report.class_charts import (
    GUIDE,
    NAMED,
    dots,
    room_around,
    scale,
    size_or_hardness,
)
from influence_core.report.palette import HARD

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

HEIGHT = 420

FOREMOST = 6
"""Classes of the corner that are named where there are more."""

MANY = 50
"""Classes from which on those far from the others are pinned to the edge."""

OUTER = (0.02, 0.98)
"""Quantiles of many classes' medians between which the figure is drawn."""

_LETTER, _LINE, _GAP = 0.0078, 0.045, 0.008
"""Width and height of a letter, and room beside a dot, as shares of the figure."""


def size_and_hardness(
    classes: pd.DataFrame, title: str, hard: str, chosen: Collection[str] = ()
) -> go.Figure:
    """Draw a dot a class: rows to the right, harder upwards, the hard and rare corner shaded.

    Classes of one size lie from the easiest to the hardest instead. Of many classes those far from
    the others are pinned to the edge, as triangles.

    Args:
        classes: group, rows, median, hardness (0 … 1) and corner of each.
        title: of the upright axis.
        hard: the end at which hard rows lie, 'high' or 'low'; it is always on top.
        chosen: groups that stand out.
    """
    column = size_or_hardness(classes)
    drawn, up = _pinned(classes, hard)
    figure = chart([dots(drawn, column, "drawn", chosen)], "", title, HEIGHT)
    figure.update_traces(marker_symbol=drawn["symbol"].tolist())
    figure.update_yaxes(range=up if hard == "high" else up[::-1])
    ends = scale(figure, column, classes)
    if classes["corner"].any():
        middle = classes["rows"].median(), classes["median"].median()
        _shade_corner(figure, middle, 10 ** ends[0], up[1] if hard == "high" else up[0])
    figure.add_traces([_names(drawn, column, ends, up)])
    return figure.update_layout(showlegend=False, margin={"t": 26})


def _pinned(classes: pd.DataFrame, hard: str) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Return classes with where to draw them, and the ends of the upright axis."""
    medians = classes["median"]
    low, high = medians.quantile(OUTER) if len(classes) > MANY else (medians.min(), medians.max())
    up = room_around([float(low), float(high)])
    above, below = (medians > up[1], medians < up[0])
    symbols = np.where(above, "triangle-up", np.where(below, "triangle-down", "circle"))
    if hard == "low":
        turned = {"triangle-up": "triangle-down", "triangle-down": "triangle-up"}
        symbols = np.array([turned.get(symbol, symbol) for symbol in symbols])
    inset = 0.02 * (up[1] - up[0])
    return classes.assign(drawn=medians.clip(up[0] + inset, up[1] - inset), symbol=symbols), up


def _names(
    drawn: pd.DataFrame, column: str, across: tuple[float, float], up: tuple[float, float]
) -> go.Scatter:
    """Return the names of the classes that are told, each where it hides neither dot nor name."""
    few = len(drawn) <= NAMED
    x, y = _shares(drawn, column, across, up)
    told = np.flatnonzero(np.ones(len(drawn), bool) if few else drawn["corner"])
    told = told[np.argsort(-drawn["hardness"].to_numpy()[told], kind="stable")]
    names = [name_of(group, 24) for group in drawn["group"]]
    places = _apart(x, y, {int(place): _LETTER * len(names[place]) for place in told})
    most = NAMED if few else FOREMOST
    shown = drawn.iloc[list(places)[:most]]
    return go.Scatter(
        x=shown[column],
        y=shown["drawn"],
        text=[names[place] for place in list(places)[:most]],
        mode="markers+text",
        marker={"size": 14, "color": "rgba(0,0,0,0)"},
        textposition=[f"middle {side}" for side in list(places.values())[:most]],
        hoverinfo="skip",
        cliponaxis=False,
    )


def _shares(
    drawn: pd.DataFrame, column: str, across: tuple[float, float], up: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Return where dots lie, as shares of the figure's width and height."""
    values = drawn[column].to_numpy(float)
    x = np.log10(values) if column == "rows" else values
    y = drawn["drawn"].to_numpy(float)
    return (x - across[0]) / (across[1] - across[0]), (y - up[0]) / (up[1] - up[0])


def _apart(x: Floats, y: Floats, widths: Mapping[int, float]) -> dict[int, str]:
    """Return the dots whose name has room, and the side on which it has, the first ones first."""
    taken: dict[int, str] = {}
    boxes: list[tuple[float, float, float]] = []
    for place, width in widths.items():
        for side, start in (("right", x[place] + _GAP), ("left", x[place] - _GAP - width)):
            end, height = start + width, y[place]
            dots = (x > start - 2 * _GAP) & (x < end + 2 * _GAP) & (abs(y - height) < _LINE)
            dots[place] = False
            words = any(
                start < one[1] and end > one[0] and abs(height - one[2]) < _LINE for one in boxes
            )
            if start >= 0 and end <= 1 and not dots.any() and not words:
                taken[place] = side
                boxes.append((float(start), float(end), float(height)))
                break
    return taken


def _shade_corner(figure: go.Figure, middle: tuple[float, float], left: float, top: float) -> None:
    """Shade where classes are rarer and harder than the median class, and say so."""
    figure.add_vline(x=middle[0], line=GUIDE)
    figure.add_hline(y=middle[1], line=GUIDE)
    figure.add_shape(
        type="rect",
        x0=left,
        x1=middle[0],
        y0=middle[1],
        y1=top,
        line={"width": 0},
        fillcolor=HARD,
        opacity=0.09,
        layer="below",
    )
    figure.add_annotation(
        text="<b>hard and rare</b>",
        xref="paper",
        yref="paper",
        x=0,
        y=1,
        xanchor="left",
        yanchor="bottom",
        showarrow=False,
    )
