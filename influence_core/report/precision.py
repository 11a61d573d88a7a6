"""How often labels are wrong down a ranking, as people found or as is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from influence_core.report.charts import TEMPLATE
from influence_core.report.palette import GROUPS, MIDDLE

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 230


def reviewed_precision(points: pd.DataFrame) -> go.Figure:
    """Draw the share of wrong labels among the first of those that were reviewed, with its band.

    Args:
        points: what `noise.reviewed.precision_by_rank` returns.
    """
    band = go.Scatter(
        x=[*points["reviewed"], *points["reviewed"][::-1]],
        y=[*points["high"], *points["low"][::-1]],
        mode="lines",
        line={"width": 0, "color": GROUPS[0]},
        fill="toself",
        fillcolor=GROUPS[0],
        opacity=0.15,
        hoverinfo="skip",
    )
    hover = (
        "<b>%{y:.0%} wrong</b> among the first %{x:,}<br>95% interval %{customdata[0]:.0%} to "
        "%{customdata[1]:.0%}<extra></extra>"
    )
    line = _line(points["reviewed"], points["share"], "wrong", GROUPS[0], "solid", hover)
    line.customdata = points[["low", "high"]]
    return _shares([band, line], "First rows decided", "Wrong").update_layout(showlegend=False)


def known_precision(points: pd.DataFrame, chance: float) -> go.Figure:
    """Draw precision and recall down the ranking.

    Args:
        points: what `noise.known.found_by_rank` returns.
        chance: share of all labels that are wrong, drawn as a level.
    """
    hover = "%{y:.1%}, first %{x:,} rows"
    lines = [
        _line(points["k"], points["precision"], "Precision: wrong ones among them", *_FIRST, hover),
        _line(points["k"], points["recall"], "Recall: wrong ones found", *_SECOND, hover),
    ]
    ends = [points["k"].min(), points["k"].max()]
    level = _line(ends, [chance, chance], "Precision by chance", MIDDLE, "dash", "%{y:.1%}")
    return _shares([*lines, level], "First rows of the queue", "Share").update_layout(height=280)


_FIRST, _SECOND = (GROUPS[0], "solid"), (GROUPS[1], "dot")


def _line(x: object, y: object, name: str, colour: str, dash: str, hover: str) -> go.Scatter:
    line = {"width": 2.2, "color": colour, "dash": dash}
    return go.Scatter(x=x, y=y, name=name, mode="lines", line=line, hovertemplate=hover)


def _shares(traces: list[go.Scatter], x_title: str, y_title: str) -> go.Figure:
    figure = go.Figure(traces).update_layout(template=TEMPLATE, height=HEIGHT)
    figure.update_xaxes(title_text=x_title, rangemode="tozero")
    return figure.update_yaxes(title_text=y_title, tickformat=".0%", range=[0, 1.03])
