"""Maps as figures: a point an example, in colours that say what it is or how hard.

Thousands of points are sent as arrays of numbers; what an example says is fetched when its point
is clicked. The row of every point is its `customdata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import plotly.io as pio

from influence_core.report.charts import TEMPLATE
from influence_core.report.palette import BOX, EASY, GROUPS, HARD, MIDDLE, SYMBOLS
from influence_core.report.wording import short

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 520

HARDNESS = ((0.0, EASY), (0.25, "#7f99b5"), (0.5, MIDDLE), (0.75, "#bb8a6e"), (1.0, HARD))
"""Colours from the easiest to the hardest."""

_SIZES = ((2_000, 8.0), (10_000, 6.0), (30_000, 4.5))
_SMALLEST = 3.5

DIGITS = 3
"""Digits of the width of the map that coordinates keep."""

_CLICK = "Click to read it<extra></extra>"


def colours(template: str | None = None) -> tuple[str, ...]:
    """Return the colours that tell groups apart: those of a registered template, or the house's."""
    return GROUPS if template is None else tuple(pio.templates[template].layout.colorway)


def base(titles: tuple[str, str] | None = None) -> go.Figure:
    """Return an empty map; without `titles` its axes mean nothing, and have no ticks."""
    figure = go.Figure()
    figure.update_layout(template=TEMPLATE, height=HEIGHT, dragmode="lasso", hovermode="closest")
    figure.update_layout(
        legend={"itemsizing": "constant"},
        # The tools stand beside the points, where they hide neither these nor the legend.
        modebar={"orientation": "v"},
        margin={"t": 36, "r": 48},
    )
    if titles is None:
        figure.update_xaxes(visible=False)
        return figure.update_yaxes(visible=False)
    figure.update_xaxes(title_text=titles[0])
    return figure.update_yaxes(title_text=titles[1])


def add_density(figure: go.Figure, cells: pd.DataFrame) -> go.Figure:
    """Draw how many examples lie in each cell (`x`, `y`, `rows`) of a grid, as a grey ground."""
    wide = cells.pivot(index="y", columns="x", values="rows")
    ground = go.Heatmap(
        x=wide.columns.to_numpy(float),
        y=wide.index.to_numpy(float),
        z=np.log10(wide.to_numpy(float)).astype(np.float32),
        colorscale=[[0, "rgba(124,136,150,0.10)"], [1, "rgba(124,136,150,0.75)"]],
        showscale=False,
        hoverinfo="skip",
        zsmooth=False,
    )
    return figure.add_trace(ground)


def add_unseen(figure: go.Figure, points: pd.DataFrame, size: float) -> go.Figure:
    """Draw the points that filters leave out: faint, below the others."""
    marker = {"color": BOX, "size": max(size - 1, 3), "opacity": 0.2}
    return figure.add_trace(_points(points, "filtered out", marker, f"filtered out<br>{_CLICK}"))


def add_gone(figure: go.Figure, points: pd.DataFrame, size: float) -> go.Figure:
    """Draw the points that pruning drops: small grey crosses."""
    marker = {"color": MIDDLE, "symbol": "x", "size": max(size - 1, 3), "opacity": 0.4}
    return figure.add_trace(_points(points, "dropped", marker, f"dropped<br>{_CLICK}"))


def add_groups(
    figure: go.Figure,
    points: pd.DataFrame,
    names: Sequence[str],
    palette: Sequence[str],
    size: float,
) -> go.Figure:
    """Draw points by their group: those named in colours and marks, the rest grey below them.

    Args:
        figure: a map.
        points: row, x, y and `colour`, the group of each.
        names: groups with a colour, in the order of the legend.
        palette: their colours; from its end on they begin anew, with other marks.
        size: of a point, in pixels.
    """
    groups = points["colour"].astype("string").fillna("(none)")
    rest = points[~groups.isin(list(names))]
    if len(rest):
        marker = {"color": BOX, "size": size - 0.5, "opacity": 0.28}
        figure.add_trace(_points(rest, "other", marker, f"other<br>{_CLICK}"))
    for place, name in enumerate(names):
        turn, shade = divmod(place, len(palette))
        mark = SYMBOLS[(place + turn) % len(SYMBOLS)]
        marker = {"color": palette[shade], "symbol": mark, "size": size, "opacity": 0.8}
        shown = _plain(short(name, 32))
        figure.add_trace(
            _points(points[groups == name], shown, marker, f"<b>{shown}</b><br>{_CLICK}")
        )
    return figure


def add_hardness(figure: go.Figure, points: pd.DataFrame, title: str, size: float) -> go.Figure:
    """Draw points by how hard they are: `colour` is between 0, the easiest, and 1."""
    unknown, known = _split(points)
    if len(unknown):
        marker = {"color": BOX, "size": size - 0.5, "opacity": 0.28}
        figure.add_trace(_points(unknown, "without a score", marker, f"no score<br>{_CLICK}"))
    marker = {
        "color": known["colour"].to_numpy(np.float32),
        "colorscale": [list(stop) for stop in HARDNESS],
        "cmin": 0,
        "cmax": 1,
        "size": size,
        "opacity": 0.8,
        "colorbar": {
            **_BAR,
            "title": {"text": _plain(title), "side": "right"},
            "tickvals": [0, 0.5, 1],
            "ticktext": ["easiest", "median", "hardest"],
        },
    }
    hover = f"harder than %{{marker.color:.0%}}<br>{_CLICK}"
    return figure.add_trace(_scaled(known, "with a score", marker, hover))


def add_values(figure: go.Figure, points: pd.DataFrame, title: str, size: float) -> go.Figure:
    """Draw points by a number, `colour`; its scale ends at the 1% and 99% quantiles."""
    unknown, known = _split(points)
    if len(unknown):
        marker = {"color": BOX, "size": size - 0.5, "opacity": 0.28}
        figure.add_trace(_points(unknown, "without a value", marker, f"no value<br>{_CLICK}"))
    low, high = known["colour"].quantile([0.01, 0.99]) if len(known) else (0.0, 1.0)
    marker = {
        "color": known["colour"].to_numpy(np.float32),
        "colorscale": "Cividis",
        "cmin": float(low),
        "cmax": float(high),
        "size": size,
        "opacity": 0.8,
        "colorbar": {**_BAR, "title": {"text": _plain(short(title, 32)), "side": "right"}},
    }
    hover = f"%{{marker.color:.4~g}}<br>{_CLICK}"
    return figure.add_trace(_scaled(known, "with a value", marker, hover))


def add_rings(figure: go.Figure, points: pd.DataFrame, name: str, size: float) -> go.Figure:
    """Draw a ring around each point."""
    marker = {
        "symbol": "circle-open",
        "color": HARD,
        "size": size + 4,
        "line": {"width": 1.6, "color": HARD},
    }
    return figure.add_trace(_points(points, _plain(name), marker, f"{_plain(name)}<br>{_CLICK}"))


def add_outlines(figure: go.Figure, polygons: Sequence[Sequence[tuple[float, float]]]) -> go.Figure:
    """Draw the outlines of parts of the map."""
    for corners in polygons:
        path = "L".join(f"{x:.6g},{y:.6g}" for x, y in corners)
        figure.add_shape(type="path", path=f"M{path}Z", line={"color": BOX, "width": 2})
    return figure


def point_size(points: int) -> float:
    """Return the pixels of a point: the more there are, the smaller."""
    return next((size for most, size in _SIZES if points <= most), _SMALLEST)


_BAR = {"thickness": 12, "len": 0.8, "outlinewidth": 0}


def _points(points: pd.DataFrame, name: str, marker: dict[str, Any], hover: str) -> go.Scattergl:
    return go.Scattergl(
        x=_short(points["x"]),
        y=_short(points["y"]),
        customdata=points["row"].to_numpy(np.int32),
        mode="markers",
        name=name,
        marker={"line": {"width": 0}, **marker},
        hovertemplate=hover,
    )


def _scaled(points: pd.DataFrame, name: str, marker: dict[str, Any], hover: str) -> go.Scattergl:
    """Return points whose colours a scale tells, so that the legend need not."""
    return _points(points, name, marker, hover).update(showlegend=False)


def _short(values: pd.Series) -> npt.NDArray[np.float64]:
    """Return coordinates with so few decimals that none of them shows.

    A browser sends every point of a lasso back as text.
    """
    span = float(values.max() - values.min()) if len(values) else 0.0
    decimals = max(DIGITS - floor(log10(span)), 0) if span > 0 else 6
    rounded: npt.NDArray[np.float64] = values.to_numpy(np.float64).round(decimals)
    return rounded


def _split(points: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the points without a value, then those with one."""
    known = np.isfinite(points["colour"].to_numpy(np.float64, na_value=np.nan))
    return points[~known], points[known]


def _plain(text: str) -> str:
    """Escape what plotly would read as HTML."""
    return escape(text, quote=False)
