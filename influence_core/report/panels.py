"""Pruning curves side by side, a panel a condition."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from influence_core.report.charts import TEMPLATE, pruning_curves

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = 3
"""Panels beside one another."""

PANEL_HEIGHT = 290


def pruning_panels(points: pd.DataFrame, title: str, digits: str = ".1%") -> go.Figure:
    """Draw what models are worth against the share that was pruned, a panel for each condition.

    All panels have the same axes and one legend: a click there hides a curve everywhere.

    Args:
        points: what `pruning_curves` takes, and `panel`, the name of the condition.
        title: of the upright axis.
        digits: format of the values, as of d3.
    """
    names = list(points["panel"].unique())
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.03,
        vertical_spacing=0.22 / rows,
        specs=[
            [{} if row * columns + column < len(names) else None for column in range(columns)]
            for row in range(rows)
        ],
        subplot_titles=[escape(name, quote=False) for name in names],
    )
    for place, name in enumerate(names):
        row, column = place // columns + 1, place % columns + 1
        _add(figure, pruning_curves(points[points["panel"] == name], title, digits), row, column)
    figure.update_layout(template=TEMPLATE, height=rows * PANEL_HEIGHT + 60)
    figure.update_layout(margin={"t": 64}, legend={"y": 1.0 + 44 / (rows * PANEL_HEIGHT)})
    figure.update_xaxes(tickformat=".0%", rangemode="tozero")
    figure.update_xaxes(title_text="Share of the training rows that was pruned", row=rows, col=1)
    figure.update_yaxes(tickformat="~%" if "%" in digits else "~g")
    return figure.update_yaxes(title_text=title, col=1)


def _add(figure: go.Figure, curves: go.Figure, row: int, column: int) -> None:
    """Put the traces of a figure into a panel; a curve is in the legend once."""
    known = {trace.legendgroup for trace in figure.data}
    lines = [trace for trace in curves.data if trace.showlegend is not False]
    for band, line in zip(curves.data, lines, strict=False):
        band.legendgroup = line.legendgroup = line.name
        line.showlegend = line.name not in known
        figure.add_trace(band, row=row, col=column)
        figure.add_trace(line, row=row, col=column)
