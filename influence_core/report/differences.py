"""What one model is better at than another, with intervals; and one score of two runs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from influence_core.report.charts import TEMPLATE
from influence_core.report.palette import EASY, GROUPS, HARD, MIDDLE
from influence_core.report.wording import short

if TYPE_CHECKING:
    import pandas as pd

_MARKS = {
    "better": ("circle", EASY),
    "worse": ("diamond", HARD),
    "undecided": ("circle-open", MIDDLE),
}
"""Mark and colour of a difference: nothing is told by its colour alone."""

ROW_PIXELS = 26

LONGEST = 30
"""Letters of a name beside the chart; the hover label has all of it."""

LEAST_REACH = 0.02
"""Least width of the axis: where nothing differs, 0 stands in the middle."""


def differences(found: pd.DataFrame, name: str) -> go.Figure:
    """Draw differences, first minus second, with their 95% intervals, a line each.

    Args:
        found: columns mean, low, high, first, second, verdict and the one called `name`.
        name: the column that says what each line is of.
    """
    figure = go.Figure()
    for verdict, (symbol, colour) in _MARKS.items():
        part = found[found["verdict"] == verdict]
        figure.add_scatter(
            x=part["mean"],
            y=[escape(str(one), quote=False) for one in part[name]],
            name=f"first is {verdict}" if verdict != "undecided" else verdict,
            mode="markers",
            marker={"symbol": symbol, "size": 10, "color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": part["high"] - part["mean"],
                "arrayminus": part["mean"] - part["low"],
                "color": colour,
                "thickness": 1.6,
            },
            customdata=part[["first", "second", "low", "high"]],
            hovertemplate="<b>%{y}</b><br>%{customdata[0]:.1%} against %{customdata[1]:.1%}"
            "<br>difference %{x:+.1%} (%{customdata[2]:+.1%} to %{customdata[3]:+.1%})"
            "<extra></extra>",
        )
    order = [escape(str(one), quote=False) for one in found[name]]
    figure.update_layout(template=TEMPLATE, height=ROW_PIXELS * len(found) + 120)
    title = "First minus second, in points"
    figure.update_xaxes(title_text=title, tickformat="+.1~%", zeroline=True, range=_reach(found))
    return figure.update_yaxes(
        categoryorder="array",
        categoryarray=order[::-1],
        tickmode="array",
        tickvals=order,
        ticktext=[escape(short(one, LONGEST), quote=False) for one in found[name]],
        automargin=True,
        type="category",
    )


def _reach(found: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of an axis with all intervals, 0 and room for whole marks on it."""
    low, high = min(found["low"].min(), 0.0), max(found["high"].max(), 0.0)
    room = 0.05 * max(high - low, LEAST_REACH)
    middle, half = (low + high) / 2, max(high - low, LEAST_REACH) / 2
    return middle - half - room, middle + half + room


def scores_together(bins: pd.DataFrame, first: str, second: str) -> go.Figure:
    """Draw how rows lie by one score of two runs; on the diagonal they agree.

    Args:
        bins: what `comparing.together` counts.
        first: name of the run of the horizontal axis.
        second: name of that of the vertical one.
    """
    figure = go.Figure(
        go.Heatmap(
            x=bins["first"],
            y=bins["second"],
            z=bins["rows"].where(bins["rows"] > 0),
            colorscale=[[0, "rgba(68,119,170,0.12)"], [1, GROUPS[0]]],
            colorbar={"title": "Rows", "thickness": 12},
            hovertemplate="%{z:,} rows<br>harder than %{x:.0%} in the first, %{y:.0%} in the second"
            "<extra></extra>",
        )
    )
    figure.update_layout(template=TEMPLATE, height=380)
    figure.update_xaxes(title_text=_axis(first), tickformat=".0%", range=[0, 1])
    return figure.update_yaxes(title_text=_axis(second), tickformat=".0%", range=[0, 1])


def _axis(name: str) -> str:
    return f"Harder than so many rows in {escape(name, quote=False)}"
