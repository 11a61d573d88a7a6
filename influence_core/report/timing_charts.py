"""What sampling leaves of a score, and what its timing changes, as figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from influence_core.report.charts import TEMPLATE, chart, plain_text
from influence_core.report.palette import BOX, GONE, KEPT, MIDDLE, bin_colours, mix

if TYPE_CHECKING:
    import pandas as pd

MOST_EVENTS = 8
"""Forgetting events from which on rows are drawn together."""

SHADES = (KEPT, mix(KEPT, MIDDLE, 0.55), MIDDLE)
"""Colours of the cadences: the finest is the strongest."""


def sampled(bins: pd.DataFrame, title: str) -> go.Figure:
    """Draw how many rows each bin (`left`, `right`) holds: all `rows`, and those `kept`."""
    share = bins["kept"] / bins["rows"].where(bins["rows"] > 0, 1)
    shared = {
        "x": (bins["left"] + bins["right"]) / 2,
        "width": bins["right"] - bins["left"],
        "customdata": np.column_stack([bins["left"], bins["right"], bins["kept"], share]),
        "hovertemplate": "%{customdata[0]:.4~g} to %{customdata[1]:.4~g}<br>"
        "<b>%{customdata[3]:.0%} kept</b>: %{customdata[2]:,} rows<extra></extra>",
    }
    before = go.Bar(
        y=bins["rows"],
        name="dropped",
        marker={"color": GONE, "line": {"width": 0}},
        **shared,
    )
    after = go.Bar(
        y=bins["kept"], name="kept", marker={"color": KEPT, "line": {"width": 0}}, **shared
    )
    figure = chart([before, after], title, "Rows").update_layout(barmode="overlay")
    return figure.update_yaxes(tickformat=",d")


def early_and_late(bins: pd.DataFrame, names: tuple[str, str]) -> go.Figure:
    """Draw the bins (`left`, `right`) of EL2N `early` above those `late`, each to its own scale."""
    figure = make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.13,
        subplot_titles=[plain_text(name) for name in names],
    )
    for place, column in enumerate(("early", "late"), start=1):
        bars = go.Bar(
            x=(bins["left"] + bins["right"]) / 2,
            y=bins[column],
            width=bins["right"] - bins["left"],
            marker={"color": bin_colours(bins[column], "high"), "line": {"width": 0}},
            customdata=bins[["left", "right"]],
            hovertemplate="%{customdata[0]:.2f} to %{customdata[1]:.2f}<br>"
            "<b>%{y:,} rows</b><extra></extra>",
        )
        figure.add_trace(bars, row=place, col=1)
    figure.update_layout(template=TEMPLATE, height=400, showlegend=False, margin={"t": 36})
    figure.update_xaxes(title_text="EL2N", row=2, col=1)
    return figure.update_yaxes(title_text="Rows", tickformat=",d")


def joint(cells: pd.DataFrame, titles: tuple[str, str]) -> go.Figure:
    """Draw how many rows lie in each cell (`x`, `y`, `rows`), darker the more, on a log scale.

    The line is where a row would lie whose score did not change.
    """
    wide = cells.pivot(index="y", columns="x", values="rows")
    counts = wide.to_numpy(float)
    most = float(np.nanmax(counts)) if counts.size else 1.0
    ticks = [10**power for power in range(len(str(int(most))))]
    ground = go.Heatmap(
        x=wide.columns.to_numpy(float),
        y=wide.index.to_numpy(float),
        z=np.log10(counts),
        customdata=counts,
        zmin=0,
        zmax=max(np.log10(most), 1.0),
        colorscale=[[0, "rgba(42,140,130,0.16)"], [1, "rgba(42,140,130,1)"]],
        colorbar={
            "thickness": 10,
            "outlinewidth": 0,
            "title": {"text": "Rows", "side": "right"},
            "tickvals": list(range(len(ticks))),
            "ticktext": [f"{tick:,}" for tick in ticks],
        },
        hovertemplate="early about %{x:.2f}, late about %{y:.2f}<br>"
        "<b>%{customdata:,} rows</b><extra></extra>",
        hoverongaps=False,
    )
    figure = chart([ground], titles[0], plain_text(titles[1]), 400)
    end = float(max(cells["x"].max(), cells["y"].max())) if len(cells) else 1.0
    figure.add_shape(
        type="line", x0=0, y0=0, x1=end, y1=end, line={"width": 1.5, "color": BOX, "dash": "dot"}
    )
    return figure.update_xaxes(rangemode="tozero").update_yaxes(rangemode="tozero")


def cadences(counts: pd.DataFrame) -> go.Figure:
    """Draw the share of rows by forgetting events, beside one another for every cadence.

    Args:
        counts: cadence, events (from 0 on), rows and share (of the cadence's rows).
    """
    together = counts.assign(events=counts["events"].clip(upper=MOST_EVENTS))
    summed = together.groupby(["cadence", "events"], sort=False, as_index=False).sum()
    bars = [
        go.Bar(
            x=part["events"],
            y=part["share"],
            name=plain_text(str(cadence)),
            marker={
                "color": SHADES[place % len(SHADES)],
                "line": {"width": 0},
            },
            customdata=part["rows"],
            hovertemplate="%{x} events: <b>%{y:.1%}</b>, %{customdata:,} rows"
            f"<extra>{plain_text(str(cadence))}</extra>",
        )
        for place, (cadence, part) in enumerate(summed.groupby("cadence", sort=False))
    ]
    figure = chart(bars, "Forgetting events of a row", "Share of rows")
    figure.update_layout(barmode="group", bargap=0.25)
    highest = int(summed["events"].max())
    named = [str(one) for one in range(highest + 1)]
    if highest == MOST_EVENTS:
        named[-1] = f"{MOST_EVENTS}+"
    figure.update_xaxes(tickmode="array", tickvals=list(range(highest + 1)), ticktext=named)
    return figure.update_yaxes(tickformat=".0%")
