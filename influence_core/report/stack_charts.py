"""A voice assistant's domains as figures: which are taken for which, and which share each has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from influence_core.report.charts import chart, list_axis, list_height, name_of
from influence_core.report.palette import BOX, CURVES, EASY, HARD, MIDDLE, SYMBOLS

if TYPE_CHECKING:
    import pandas as pd

MOST = 30
"""Domains that are drawn, the largest ones."""

_CELL = 22
"""Pixels of a domain's line among those that are taken for each other."""

_WRONG = [[0, "rgba(224, 98, 27, 0.12)"], [1, "rgba(224, 98, 27, 1)"]]
_RIGHT = [[0, "rgba(42, 140, 130, 0.08)"], [1, "rgba(42, 140, 130, 0.55)"]]

_NAME = 20
"""Letters of a domain's name below and beside the chart."""


def confusion(counts: pd.DataFrame) -> go.Figure:
    """Draw which share of a domain's rows is taken for which domain, the largest domains first.

    Rows that are found right lie on the diagonal, in a colour of their own; what never happens has
    none. Of more than `MOST` domains the largest are drawn, as shares of all their rows.

    Args:
        counts: rows of each true domain (index) by the one that they are taken for (columns), both
            in the same order.
    """
    table = counts.to_numpy(float)
    sizes = table.sum(axis=1)
    order = np.argsort(-sizes, kind="stable")[:MOST]
    shares = table / np.where(sizes > 0, sizes, 1)[:, None]
    shares, rows = shares[np.ix_(order, order)], table[np.ix_(order, order)]
    names = [name_of(counts.index[place]) for place in order]
    same = np.eye(len(order), dtype=bool)
    wrong = np.where(~same & (rows > 0), shares, np.nan)
    most = float(np.nanmax(wrong)) if np.isfinite(wrong).any() else 1.0
    told = _told(names, rows, sizes[order])
    traces = [
        _cells(np.where(same, shares, np.nan), told, _RIGHT, 1.0, "found"),
        _cells(wrong, told, _WRONG, most, "taken for another"),
    ]
    figure = chart(traces, "Taken for", "Domain", len(names) * _CELL + 150)
    ticks = {"tickmode": "array", "tickvals": list(range(len(names))), "showgrid": False}
    ends = [-0.5, len(names) - 0.5]
    short = [name_of(counts.index[place], _NAME) for place in order]
    figure.update_xaxes(**ticks, ticktext=short, range=ends)
    return figure.update_yaxes(**ticks, ticktext=short, range=ends[::-1])


def shares(
    table: pd.DataFrame, techniques: Mapping[str, str], roles: Mapping[str, str]
) -> go.Figure:
    """Draw the share that each domain has of the training rows, before and after, a line each.

    Args:
        table: group, its share `before`, and that after each technique in its column.
        techniques: titles of the techniques by their columns.
        roles: 'score' for columns of techniques that are compared, which have a colour; the others
            are grey.
    """
    places = list(range(len(table)))
    names = [name_of(group) for group in table["group"]]
    compared = [column for column in techniques if roles[column] == "score"]
    colours = {column: CURVES[turn % len(CURVES)] for turn, column in enumerate(compared)}
    marks = [
        _marks(
            (table[column], places, names),
            title,
            colours.get(column, MIDDLE),
            {"symbol": SYMBOLS[turn % len(SYMBOLS)], "size": 9, "opacity": 0.9},
        )
        for turn, (column, title) in enumerate(techniques.items())
    ]
    bar = {"symbol": "line-ns-open", "size": 18, "line": {"width": 3}}
    before = _marks((table["before"], places, names), "before", BOX, bar)
    title = "Share of the training rows"
    figure = chart([before, *marks], title, None, list_height(len(table)) + 20)
    figure.update_xaxes(tickformat="~%", rangemode="tozero")
    return list_axis(figure, table["group"])


def turned_away(table: pd.DataFrame, threshold: float) -> go.Figure:
    """Draw which share of the test rows finds no domain, out of scope and in scope, by threshold.

    Args:
        table: columns threshold, unrecoverable and rejected.
        threshold: where a line stands.
    """
    lines = [
        go.Scatter(
            x=table["threshold"],
            y=table[column],
            name=title,
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate=f"above %{{x:.0%}}: %{{y:.1%}} turned away<extra>{title}</extra>",
        )
        for column, title, colour, dash in (
            ("unrecoverable", "out of scope", EASY, "solid"),
            ("rejected", "in scope", HARD, "dash"),
        )
    ]
    figure = chart(lines, "A domain must be more probable than", "Turned away", 320)
    figure.add_vline(x=threshold, line={"color": MIDDLE, "width": 1})
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    return figure.update_yaxes(tickformat=".0%", range=[0, 1.02])


def sources(table: pd.DataFrame) -> go.Figure:
    """Draw which share of every domain's training rows comes from each source, a bar a domain.

    Args:
        table: group, source, rows and share; every group has a line for each source, in the order
            in which they are drawn.
    """
    groups = table["group"].drop_duplicates()
    bars = [
        go.Bar(
            x=part["share"],
            y=list(range(len(part))),
            orientation="h",
            name=name_of(source),
            marker={"line": {"width": 0}, "opacity": 0.85},
            customdata=list(zip(map(name_of, part["group"]), part["rows"], strict=True)),
            hovertemplate="<b>%{customdata[0]}</b>: %{x:.1%}, %{customdata[1]:,} rows"
            f"<extra>{name_of(source)}</extra>",
        )
        for source, part in table.groupby("source", sort=False)
    ]
    title = "Share of the domain's training rows"
    figure = chart(bars, title, None, list_height(len(groups)) + 20)
    figure.update_layout(barmode="stack", bargap=0.4, legend={"traceorder": "normal"})
    figure.update_xaxes(tickformat=".0%", range=[0, 1.02], showgrid=False)
    return list_axis(figure, groups)


def _told(names: list[str], rows: np.ndarray, sizes: np.ndarray) -> list[list[list[object]]]:
    """Return what every cell says: true name, the other, rows and all rows of the true one."""
    return [
        [[true, other, rows[i, j], sizes[i]] for j, other in enumerate(names)]
        for i, true in enumerate(names)
    ]


def _cells(
    shares: np.ndarray,
    told: list[list[list[object]]],
    scale: list[list[object]],
    most: float,
    what: str,
) -> go.Heatmap:
    """Return cells in their colour; missing ones have none, and tell nothing."""
    wrong = what != "found"
    return go.Heatmap(
        z=shares,
        zmin=0,
        zmax=most,
        customdata=told,
        colorscale=scale,
        showscale=wrong,
        colorbar={"thickness": 12, "tickformat": ".0%", "title": {"text": "wrong"}},
        xgap=1,
        ygap=1,
        hoverongaps=False,
        hovertemplate="<b>%{customdata[0]}</b>"
        + (" taken for <b>%{customdata[1]}</b>" if wrong else " found")
        + "<br>%{z:.1%}: %{customdata[2]:.1f} of %{customdata[3]:.0f} test rows<extra></extra>",
    )


def _marks(
    points: tuple[pd.Series, list[int], list[str]],
    title: str,
    colour: str,
    marker: dict[str, object],
) -> go.Scatter:
    """Return marks in the colour of their line, which the theme of a page can replace."""
    x, y, names = points
    return go.Scatter(
        x=x,
        y=y,
        name=name_of(title, 48),
        mode="markers",
        line={"color": colour},
        marker=marker,
        text=names,
        hovertemplate=f"<b>%{{text}}</b>: %{{x:.1%}}<extra>{name_of(title, 48)}</extra>",
    )
