"""How a score is spread, as figures: bins, densities, distribution functions and boxes.

What is chosen in a figure stays in full colour and the rest pales, so that it can be clicked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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
from influence_core.report.palette import BOX, DASHES, KEPT, MIDDLE, bin_colours

if TYPE_CHECKING:
    import pandas as pd

PALE = 0.25
"""Opacity of what is not chosen."""


def histogram(
    bins: pd.DataFrame, title: str, hard: str = "high", chosen: tuple[float, float] | None = None
) -> go.Figure:
    """Draw bins (`left`, `right`, `rows`), coloured by how hard the rows in them are.

    `hard` is the end at which the hard rows lie. The bins within the `chosen` range stand out; the
    ends of a bin are its `customdata`.
    """
    bars = go.Bar(
        x=(bins["left"] + bins["right"]) / 2,
        y=bins["rows"],
        width=bins["right"] - bins["left"],
        marker={
            "color": bin_colours(bins["rows"], hard),
            "line": {"width": 0},
            "opacity": _opacity(_within(bins, chosen)),
        },
        customdata=bins[["left", "right"]],
        hovertemplate="%{customdata[0]:.4~g} to %{customdata[1]:.4~g}<br>"
        "<b>%{y:,} rows</b><extra></extra>",
    )
    figure = chart([bars], title, "Rows").update_layout(showlegend=False)
    return figure.update_yaxes(tickformat=",d")


def density(bins: pd.DataFrame, title: str) -> go.Figure:
    """Draw smooth densities of binned groups (`group`, `left`, `right`, `rows`), a line each.

    The counts are smoothed by a Gaussian whose width follows Silverman's rule.
    """
    low, high = float(bins["left"].min()), float(bins["right"].max())
    return _densities(
        {group: _smooth(part, low, high) for group, part in bins.groupby("group", sort=False)},
        title,
    )


def densities(parts: Mapping[str, pd.DataFrame], title: str) -> go.Figure:
    """Draw smooth densities of several columns over their own bins, a line each."""
    curves = {
        name: _smooth(bins, float(bins["left"].min()), float(bins["right"].max()))
        for name, bins in parts.items()
    }
    return _densities(curves, title)


def cumulative(quantiles: pd.DataFrame, title: str) -> go.Figure:
    """Draw distribution functions from quantiles (`group`, `quantile`, `value`), a line each."""
    lines = [
        _line(index, group, part["value"], part["quantile"], "%{y:.1%} of rows up to %{x:.4~g}")
        for index, (group, part) in enumerate(quantiles.groupby("group", sort=False))
    ]
    figure = chart(lines, title, "Share of rows")
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    return figure.update_layout(showlegend=len(lines) > 1)


def boxes(summary: pd.DataFrame, title: str, chosen: Collection[str] = ()) -> go.Figure:
    """Draw one lying box a group from `lower_fence`, `q1`, `median`, `q3`, `upper_fence`.

    The `chosen` groups stand out. Boxes cannot be clicked, since plotly has no points of them: bars
    without colour lie over their whole length, the place of the group as their `customdata`.
    """
    figure = chart([_box(summary), _grips(summary)], title, None, list_height(len(summary)))
    for place, group in enumerate(summary["group"]):
        if group in chosen:
            figure.add_hrect(
                y0=place - 0.46, y1=place + 0.46, line_width=0, fillcolor=KEPT, opacity=0.18
            )
    figure.update_layout(barmode="overlay", showlegend=False)
    return list_axis(figure, summary["group"])


def boxes_side_by_side(panels: dict[str, pd.DataFrame], title: str) -> go.Figure:
    """Draw the same groups in several panels, which share the order of the first one."""
    first = next(iter(panels.values()))
    figure = make_subplots(
        rows=1,
        cols=len(panels),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[plain_text(name) for name in panels],
    )
    for column, summary in enumerate(panels.values(), start=1):
        figure.add_trace(_box(summary), row=1, col=column)
        figure.add_trace(_grips(summary), row=1, col=column)
        figure.add_vline(x=0, line={"width": 1, "color": MIDDLE, "dash": "dot"}, row=1, col=column)
    figure.update_layout(template=TEMPLATE, height=list_height(len(first)) + 20, showlegend=False)
    figure.update_layout(margin={"t": 44}, barmode="overlay")
    figure.update_xaxes(title_text=title)
    return list_axis(figure, first["group"])


def _densities(curves: Mapping[Any, tuple[np.ndarray, np.ndarray]], title: str) -> go.Figure:
    lines = [
        _line(index, name, x, y, "%{x:.4~g}") for index, (name, (x, y)) in enumerate(curves.items())
    ]
    figure = chart(lines, title, "Density")
    figure.update_yaxes(showticklabels=False, rangemode="tozero")
    return figure.update_layout(showlegend=len(lines) > 1)


def _line(index: int, group: object, x: Any, y: Any, hover: str) -> go.Scatter:
    """Return one group's line; colours come from the template, dashes tell them apart too."""
    return go.Scatter(
        x=x,
        y=y,
        name=name_of(group),
        mode="lines",
        line={"width": 2.2, "dash": DASHES[index % len(DASHES)]},
        hovertemplate=f"{hover}<extra>{name_of(group)}</extra>",
    )


def _smooth(part: pd.DataFrame, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a density over an even grid of the bins' width, its area being one."""
    width = float((part["right"] - part["left"]).iloc[0])
    counts = np.zeros(max(round((high - low) / width), 1))
    places = ((part["left"] - low) / width).round().astype(int).clip(0, len(counts) - 1)
    np.add.at(counts, places, part["rows"].to_numpy(float))
    centres = low + (np.arange(len(counts)) + 0.5) * width
    mean = np.average(centres, weights=counts)
    spread = np.sqrt(np.average((centres - mean) ** 2, weights=counts))
    bandwidth = max(1.06 * spread * counts.sum() ** -0.2, width)
    reach = np.arange(-np.ceil(4 * bandwidth / width), np.ceil(4 * bandwidth / width) + 1)
    kernel = np.exp(-0.5 * (reach * width / bandwidth) ** 2)
    smoothed = np.convolve(counts, kernel / kernel.sum(), mode="full")
    middle = smoothed[len(reach) // 2 : len(reach) // 2 + len(counts)]
    return centres, middle / (counts.sum() * width)


def _box(summary: pd.DataFrame) -> go.Box:
    """Return lying boxes whose whiskers end at the fences."""
    return go.Box(
        y=list(range(len(summary))),
        lowerfence=summary["lower_fence"],
        q1=summary["q1"],
        median=summary["median"],
        q3=summary["q3"],
        upperfence=summary["upper_fence"],
        orientation="h",
        line={"width": 1.5, "color": BOX},
        width=0.6,
        hoverinfo="skip",
    )


def _grips(summary: pd.DataFrame) -> go.Bar:
    """Return bars over the boxes, which tell their figures and can be clicked."""
    told = summary[["rows", "median", "q1", "q3"]].reset_index(drop=True).reset_index()
    return go.Bar(
        x=summary["upper_fence"] - summary["lower_fence"],
        base=summary["lower_fence"],
        y=list(range(len(summary))),
        orientation="h",
        width=0.9,
        marker={"color": "rgba(0,0,0,0)"},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=told,
        text=[name_of(group) for group in summary["group"]],
        textposition="none",
        hovertemplate="<b>%{text}</b>, %{customdata[1]:,} rows<br>median %{customdata[2]:.4~g}, "
        "half of them between %{customdata[3]:.4~g} and %{customdata[4]:.4~g}<extra></extra>",
    )


def _within(bins: pd.DataFrame, chosen: tuple[float, float] | None) -> list[bool]:
    """Return which bins lie in a range, all of them where there is none."""
    if chosen is None:
        return [True] * len(bins)
    middle = (bins["left"] + bins["right"]) / 2
    return middle.between(*chosen).tolist()


def _opacity(chosen: list[bool]) -> list[float]:
    return [1.0 if one else PALE for one in chosen]
