"""Classes by size and hardness, as a figure that names the hard and rare ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from influence_core.report.charts import chart
from influence_core.report.class_charts import GUIDE, dots, room_around, scale, size_or_hardness
from influence_core.report.naming import NAMED, Plane, names
from influence_core.report.palette import HARD

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 420

MANY = 50
"""Classes from which on those far from the others are pinned to the edge."""

OUTER = (0.02, 0.98)
"""Quantiles of many classes' medians between which the figure is drawn."""


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
    turned = up if hard == "high" else up[::-1]
    figure.update_yaxes(range=turned)
    ends = scale(figure, column, classes)
    plane = Plane(ends, turned, log=column == "rows")
    if classes["corner"].any():
        middle = classes["rows"].median(), classes["median"].median()
        _shade_corner(figure, middle, 10 ** ends[0], turned[1])
        plane = replace(plane, upright=middle[:1], level=middle[1:])
    figure.add_trace(names(drawn["group"], drawn[column], drawn["drawn"], _told(drawn), plane))
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


def _told(drawn: pd.DataFrame) -> list[int]:
    """Return the places of the classes to name, the hardest first: all of few, or the corner."""
    wanted = np.flatnonzero(np.ones(len(drawn), bool) if len(drawn) <= NAMED else drawn["corner"])
    hardest = np.argsort(-drawn["hardness"].to_numpy()[wanted], kind="stable")
    return [int(place) for place in wanted[hardest]]


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
