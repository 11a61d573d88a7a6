"""Figures from frames, and what all of them share: the template, names, axes and lists.

Every text that comes from a dataset is escaped, since plotly reads labels as HTML. Colours of
groups are left to the template's colour cycle, so that the page's theme can replace it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go
import plotly.io as pio

from influence_core.report.palette import (
    BOX,
    CURVES,
    DASHES,
    GONE,
    GROUPS,
    KEPT,
    MIDDLE,
    SYMBOLS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

ROW_HEIGHT = 26
"""Pixels for one class in a chart that lists classes."""

CHART_HEIGHT = 320

_NAME_LENGTH, _LONG_NAME = 32, 64

TEMPLATE = go.layout.Template(
    layout={
        "colorway": list(GROUPS),
        "font": {"family": "Source Sans, system-ui, sans-serif", "size": 13},
        "margin": {"l": 8, "r": 8, "t": 12, "b": 8},
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "namelength": 40},
        "bargap": 0,
        "legend": {
            "orientation": "h",
            "yanchor": "bottom",
            "y": 1.0,
            "x": 0,
            "title": {"text": ""},
        },
        "xaxis": {
            "automargin": True,
            "zeroline": False,
            "ticks": "",
            "exponentformat": "power",
            # Small scores stay decimal numbers, as they are in the tables.
            "minexponent": 5,
        },
        "yaxis": {"automargin": True, "zeroline": False, "ticks": ""},
        "separators": ".,",
    }
)


def balance(counts: pd.DataFrame) -> go.Figure:
    """Draw for each `label` how many rows there were `before` and how many stay `after`."""
    names = [name_of(label) for label in counts["label"]]
    places = list(range(len(counts)))
    share = counts["after"] / counts["before"].where(counts["before"] > 0, 1)
    before = go.Bar(
        x=counts["before"],
        y=places,
        orientation="h",
        name="removed",
        marker={"color": GONE},
        customdata=names,
        hovertemplate="%{x:,} rows before<extra>%{customdata}</extra>",
    )
    after = go.Bar(
        x=counts["after"],
        y=places,
        orientation="h",
        name="kept",
        marker={"color": KEPT},
        customdata=list(zip(names, share, strict=True)),
        hovertemplate="%{x:,} rows kept, %{customdata[1]:.0%}<extra>%{customdata[0]}</extra>",
    )
    figure = chart([before, after], "Training rows", None, height=list_height(len(counts)))
    figure.update_layout(barmode="overlay", bargap=0.3)
    figure.update_xaxes(tickformat=",d")
    return list_axis(figure, counts["label"])


def loss(points: pd.DataFrame, unit: str = "step") -> go.Figure:
    """Draw the training loss (`step`, `loss`) so far."""
    line = go.Scatter(
        x=points["step"],
        y=points["loss"],
        mode="lines",
        line={"width": 2},
        hovertemplate="%{x:,}<br><b>%{y:.4~f}</b><extra></extra>",
    )
    figure = chart([line], unit.capitalize(), "Loss", height=240)
    return figure.update_yaxes(rangemode="tozero").update_layout(showlegend=False)


def pruning_curves(
    points: pd.DataFrame,
    title: str,
    digits: str = ".1%",
    across: str = "Share of the training rows that was pruned",
) -> go.Figure:
    """Draw what models are worth against the share of rows that was pruned, a line a curve.

    Args:
        points: a row for each `curve`, `experiment` and `fraction`, with `mean` and `std` over
            seeds (NaN draws no band), and `role`: "score" for curves that are compared, "random"
            for those they are compared with, in grey, and "whole" for unpruned models, a
            horizontal line. Curves have their colour in common where experiments share them;
            dashes tell the experiments apart.
        title: of the upright axis.
        digits: format of the values, as of d3.
        across: title of the lying axis.
    """
    compared = points.loc[points["role"] == "score", "curve"].unique()
    colours = {curve: CURVES[place % len(CURVES)] for place, curve in enumerate(compared)}
    symbols = {curve: SYMBOLS[n % len(SYMBOLS)] for n, curve in enumerate(points["curve"].unique())}
    dashes = dict(zip(points["experiment"].unique(), DASHES * len(points), strict=False))
    bands, lines = [], []
    for (experiment, curve), part in points.groupby(["experiment", "curve"], sort=False):
        if part["role"].iloc[0] == "whole":
            part = _stretched(part, points["fraction"].max() or 1.0)
        colour = BOX if part["role"].iloc[0] == "whole" else colours.get(curve, MIDDLE)
        name = curve if len(dashes) == 1 else f"{curve} ({experiment})"
        line = _curve(part, name, digits)
        line.update(
            line={"width": 2.2, "color": colour, "dash": dashes[experiment]},
            marker={"size": 7, "symbol": symbols[curve]},
        )
        lines.append(line)
        bands.append(_band(part.dropna(subset=["std"]), colour))
    figure = chart([*bands, *lines], across, title, 420)
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    return figure.update_yaxes(tickformat="~%" if "%" in digits else "~g")


def themed(figure: go.Figure, template: str) -> go.Figure:
    """Take the colour cycle of a registered template, such as a dashboard's, into a figure."""
    colourway = pio.templates[template].layout.colorway
    theirs = dict(zip(GROUPS, colourway, strict=False))
    for trace in figure.select_traces({"type": "scatter"}):
        if trace.line.color in theirs:
            trace.line.color = theirs[trace.line.color]
        if trace.fillcolor in theirs:
            trace.fillcolor = theirs[trace.fillcolor]
    return figure.update_layout(colorway=colourway)


def list_height(rows: int) -> int:
    """Return the pixels that a chart with one line a class needs to stay readable."""
    return max(rows, 3) * ROW_HEIGHT + 64


def chart(
    traces: Iterable[Any], x_title: str, y_title: str | None, height: int = CHART_HEIGHT
) -> go.Figure:
    """Return a figure of the house's look, its axes titled."""
    figure = go.Figure(list(traces))
    figure.update_layout(template=TEMPLATE, height=height)
    figure.update_xaxes(title_text=plain_text(x_title))
    return figure.update_yaxes(title_text=y_title)


def list_axis(figure: go.Figure, groups: pd.Series) -> go.Figure:
    """Name every line, the first on top. Lines are numbers: two names may look the same."""
    return figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(groups))),
        ticktext=[name_of(group) for group in groups],
        range=[len(groups) - 0.5, -0.5],
        showgrid=False,
    )


def name_of(group: object, length: int = _NAME_LENGTH) -> str:
    """Return a group's name, short and without a meaning for plotly's HTML."""
    name = " ".join(str(group).split()) or "(empty)"
    return plain_text(name if len(name) <= length else name[: length - 1] + "…")


def plain_text(text: str) -> str:
    """Escape what plotly would read as HTML; it knows no entity for quotes."""
    return escape(text, quote=False)


def _curve(part: pd.DataFrame, name: object, digits: str) -> go.Scatter:
    """Return the means of one pruning curve; unpruned models have no marks."""
    return go.Scatter(
        x=part["fraction"],
        y=part["mean"],
        name=name_of(name, _LONG_NAME),
        mode="lines" if part["role"].iloc[0] == "whole" else "lines+markers",
        customdata=part["std"],
        hovertemplate=f"%{{x:.0%}} pruned<br><b>%{{y:{digits}}}</b> ± %{{customdata:{digits}}}"
        f"<extra>{name_of(name, _LONG_NAME)}</extra>",
    )


def _band(part: pd.DataFrame, colour: str) -> go.Scatter:
    """Return the area of one standard deviation around a curve."""
    low, high = part["mean"] - part["std"], part["mean"] + part["std"]
    return go.Scatter(
        x=[*part["fraction"], *part["fraction"][::-1]],
        y=[*high, *low[::-1]],
        mode="lines",
        line={"width": 0, "color": colour},
        fill="toself",
        fillcolor=colour,
        opacity=0.1,
        hoverinfo="skip",
        showlegend=False,
    )


def _stretched(part: pd.DataFrame, end: float) -> pd.DataFrame:
    """Return a point as a level from 0 to `end`."""
    return part.loc[[part.index[0]] * 2].assign(fraction=[0.0, end])
