"""Classes as figures: their sizes, how hard they are, what they keep and what was learnt of them.

Every class is a dot or a bar whose `customdata` begins with its place in the frame.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import ceil, log10
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from influence_core.report.charts import (
    TEMPLATE,
    chart,
    list_axis,
    list_height,
    name_of,
    plain_text,
)
from influence_core.report.naming import NAMED, Ends, Plane, names
from influence_core.report.palette import BOX, KEPT, MIDDLE, hardness_colour

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 6
"""Classes for which there is room, so that the bars of two are no blocks."""

PALE = 0.25
"""Opacity of classes that are not chosen."""

_SHARES = (-0.04, 1.04)
"""Ends of an axis from none to all, with room around both."""

GUIDE = {"width": 1, "color": BOX, "dash": "dot"}

_POWERS: dict[str, Any] = {"dtick": "D2", "tickformat": ",~r"}

ABOVE_NAMES = 12
"""Pixels by which titles of panels are lifted: the name of a dot on top stands above the axes."""

_SIZES = ((60, 12.0), (200, 9.0))


def sizes(classes: pd.DataFrame, head: float, chosen: Collection[str] = ()) -> go.Figure:
    """Draw a bar a class from the largest to the smallest; the `head`, a share of them, darker."""
    ordered = classes.sort_values("rows", ascending=False, kind="stable")
    first = ceil(head * len(ordered))
    bars = go.Bar(
        x=list(range(1, len(ordered) + 1)),
        y=ordered["rows"],
        marker={
            "color": [KEPT] * first + [MIDDLE] * (len(ordered) - first),
            "line": {"width": 0},
            "opacity": _opacity(ordered, chosen),
        },
        customdata=ordered.index.to_numpy(),
        text=[name_of(group) for group in ordered["group"]],
        textposition="none",
        hovertemplate="<b>%{text}</b><br>%{y:,} rows, place %{x}<extra></extra>",
    )
    figure = chart([bars], "Place by size", "Training rows", 300)
    figure.update_layout(showlegend=False, bargap=0.12 if len(ordered) <= 60 else 0)
    figure.update_yaxes(tickformat=",d")
    figure.update_xaxes(range=[0.5, max(len(ordered), FEWEST) + 0.5], tickformat=",d")
    if len(ordered) <= NAMED:
        names = [name_of(group, 20) for group in ordered["group"]]
        figure.update_xaxes(title_text=None, tickvals=bars.x, ticktext=names)
    return figure


def kept_by_size(
    classes: pd.DataFrame, panels: dict[str, str], kept: float, chosen: Collection[str] = ()
) -> go.Figure:
    """Draw what every class keeps against its rows, a panel a normalisation.

    Classes of one size lie from the easiest to the hardest instead. Named are those furthest from
    the share that is kept of all.

    Args:
        classes: group, rows and hardness of each, and the share it keeps in the panels' columns.
        panels: titles of the panels and the columns that they draw.
        kept: the share that is kept of all rows.
        chosen: groups that stand out.
    """
    figure = _panels(list(panels))
    called: list[go.Scatter] = []
    rightward = size_or_hardness(classes)
    for place, column in enumerate(panels.values(), start=1):
        figure.add_trace(dots(classes, rightward, column, chosen, ":.0%"), row=1, col=place)
        figure.add_hline(
            y=kept,
            line=GUIDE,
            row=1,
            col=place,
        )
        across = scale(figure, rightward, classes, col=place)
        told = np.argsort(-(classes[column] - kept).abs().to_numpy(), kind="stable").tolist()
        plane = _plane(across, _SHARES, len(panels), rightward == "rows", (kept,))
        called.append(names(classes["group"], classes[rightward], classes[column], told, plane))
    _on_panels(figure, called)
    return figure.update_yaxes(tickformat=".0%", range=_SHARES)


def kept_by_class(classes: pd.DataFrame, columns: dict[str, str], kept: float) -> go.Figure:
    """Draw the shares that classes keep under several normalisations, a line a class.

    Args:
        classes: group, and the share it keeps in the columns.
        columns: names of the normalisations and their columns, the one in force first.
        kept: the share that is kept of all rows.
    """
    places = list(range(len(classes)))
    ends = classes[list(columns.values())]
    rails = go.Scatter(
        x=[
            x
            for low, high in zip(ends.min(axis=1), ends.max(axis=1), strict=True)
            for x in (low, high, None)
        ],
        y=[y for place in places for y in (place, place, None)],
        mode="lines",
        line={"width": 2, "color": MIDDLE},
        hoverinfo="skip",
        showlegend=False,
    )
    marks = [
        _marks(classes, name, column, turn) for turn, (name, column) in enumerate(columns.items())
    ]
    figure = chart(
        [rails, *marks[::-1]],
        "Share of its rows that a class keeps",
        None,
        list_height(len(classes)),
    )
    figure.add_vline(x=kept, line=GUIDE)
    figure.update_xaxes(tickformat=".0%", range=[-0.02, 1.02])
    figure.update_layout(legend={"traceorder": "reversed"})
    return list_axis(figure, classes["group"])


def recall(classes: pd.DataFrame, title: str, hard: str, chosen: Collection[str] = ()) -> go.Figure:
    """Draw the test recall of every class against its rows and against its median score.

    Classes of one size lie by their score alone. Named are those learnt worst.

    Args:
        classes: group, rows, median, hardness, tested and recall of each; recall is known.
        title: of the axis of the score.
        hard: the end at which hard rows lie, 'high' or 'low'; it is always to the right.
        chosen: groups that stand out.
    """
    panels = {"rows": "Against its size", "median": "Against its score"}
    if size_or_hardness(classes) != "rows":
        del panels["rows"]
    figure = _panels(list(panels.values()))
    medians = room_around(classes["median"].tolist())
    medians = medians if hard == "high" else medians[::-1]
    figure.update_xaxes(title_text=plain_text(title), range=medians, col=len(panels))
    up = min(float(classes["recall"].min()), 0.9) - 0.05, 1.04
    told = np.argsort(classes["recall"].to_numpy(), kind="stable").tolist()
    called: list[go.Scatter] = []
    for place, column in enumerate(panels, start=1):
        across = scale(figure, "rows", classes, col=place) if column == "rows" else medians
        plane = _plane(across, up, len(panels), column == "rows")
        figure.add_trace(dots(classes, column, "recall", chosen, ":.0%"), row=1, col=place)
        called.append(names(classes["group"], classes[column], classes["recall"], told, plane))
    _on_panels(figure, called)
    figure.update_yaxes(tickformat=".0%", range=up)
    return figure.update_yaxes(title_text="Test recall", col=1)


def dots(
    classes: pd.DataFrame, x: str, y: str, chosen: Collection[str], digits: str = ":.4~g"
) -> go.Scatter:
    """Return a dot a class in the colour of its hardness; pinned ones tell their own value."""
    told = classes[["rows", "median" if y == "drawn" else y]].reset_index()
    size = next((size for most, size in _SIZES if len(classes) <= most), 6.5)
    return go.Scatter(
        x=classes[x],
        y=classes[y],
        mode="markers",
        marker={
            "color": [hardness_colour(share) for share in classes["hardness"]],
            "size": size,
            "opacity": [0.85 * opacity for opacity in _opacity(classes, chosen)],
            "line": {"width": [3 * (one in chosen) for one in classes["group"]], "color": KEPT},
        },
        unselected={"marker": {"opacity": PALE}},
        customdata=told,
        text=[name_of(group) for group in classes["group"]],
        hovertemplate=f"<b>%{{text}}</b>, %{{customdata[1]:,}} rows<br>%{{customdata[2]{digits}}}"
        "<extra></extra>",
        showlegend=False,
    )


def size_or_hardness(classes: pd.DataFrame) -> str:
    """Return the column to the right: how many rows, or how hard where all have as many."""
    return "rows" if classes["rows"].nunique() > 1 else "hardness"


def scale(
    figure: go.Figure, column: str, classes: pd.DataFrame, col: int | None = None
) -> tuple[float, float]:
    """Scale the axis to the right, and return its ends; those of rows are powers of ten."""
    if column == "hardness":
        title = "Classes from the easiest to the hardest"
        figure.update_xaxes(title_text=title, tickformat=".0%", range=[-0.04, 1.04], col=col)
        return -0.04, 1.04
    ends = room_around([log10(rows) for rows in classes["rows"]])
    figure.update_xaxes(type="log", title_text="Training rows", range=ends, **_POWERS, col=col)
    return ends


def room_around(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis that has room around all values."""
    low, high = min(values), max(values)
    room = 0.09 * (high - low) or max(abs(high), 1.0) * 0.1
    return low - room, high + room


def _marks(classes: pd.DataFrame, name: str, column: str, turn: int) -> go.Scatter:
    """Return the marks of one normalisation; the first is filled, and the one in force."""
    return go.Scatter(
        x=classes[column],
        y=list(range(len(classes))),
        mode="markers",
        name=plain_text(name),
        marker={
            "size": 11 if turn == 0 else 10,
            "symbol": ("circle", "diamond", "square")[turn],
            "color": KEPT if turn == 0 else BOX,
            "line": {"width": 0},
        },
        customdata=classes[["rows"]].reset_index(),
        text=[name_of(group) for group in classes["group"]],
        hovertemplate="<b>%{text}</b>: keeps %{x:.0%} of %{customdata[1]:,} rows"
        f"<extra>{plain_text(name)}</extra>",
    )


def _panels(titles: Sequence[str]) -> go.Figure:
    """Return panels side by side that share their upright axis."""
    figure = make_subplots(
        rows=1,
        cols=len(titles),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[plain_text(title) for title in titles],
    )
    figure.update_layout(template=TEMPLATE, height=372, margin={"t": 56}, showlegend=False)
    figure.update_annotations(yshift=ABOVE_NAMES)
    return figure


def _on_panels(figure: go.Figure, called: Sequence[go.Scatter]) -> None:
    """Put the names of every panel above all dots, which stay the first traces."""
    for place, one in enumerate(called, start=1):
        figure.add_trace(one, row=1, col=place)


def _plane(across: Ends, up: Ends, panels: int, log: bool, level: tuple[float, ...] = ()) -> Plane:
    """Return one of some panels, in the pixels it has on a window of 1280."""
    return Plane(across, up, log=log, level=level, width=900 // panels, height=250)


def _opacity(classes: pd.DataFrame, chosen: Collection[str]) -> list[float]:
    return [1.0 if not chosen or group in chosen else PALE for group in classes["group"]]
