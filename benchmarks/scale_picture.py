"""Draws what `benchmarks.bench_scale` measured.

    python -m benchmarks.scale_picture FOLDER/scale.csv assets/scale.png

A Chromium takes the photograph, as in the tests of the dashboard.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright
from plotly.subplots import make_subplots

from benchmarks.bench_scale import TICK, Cost, read_table
from influence_core.report.palette import GROUPS

WIDTH, HEIGHT = 1240, 760
FONT = {"family": "DejaVu Sans, sans-serif", "size": 14, "color": "#2b3440"}
GRID = "#e6e9ed"

TITLES = {
    "probe": "Probe, 10 epochs: every score",
    "trace": "Fine-tuning, 1 epoch: VoG, TracIn",
    "import": "Import, 1 score a row",
    "import-ten": "Import, 10 scores a row",
}
COLOURS = dict(
    zip(
        ("data", "tokens", "features", "training", "trace", "activations", "scores", "import"),
        GROUPS,
        strict=False,
    )
)
"""The stages that are drawn, in the order of the legend."""

PANELS: dict[str, Callable[[Cost], float]] = {
    "rows a processor second": lambda cost: cost.rows / max(cost.processor_seconds, TICK),
    "peak memory, MB": lambda cost: cost.peak_mb,
}


def figure(costs: Sequence[Cost]) -> go.Figure:
    """Draw speed above memory, a column for each mode of several sizes; axes are logarithmic."""
    sizes = {mode: {cost.rows for cost in costs if cost.mode == mode} for mode in TITLES}
    modes = [mode for mode in TITLES if len(sizes[mode]) > 1]
    drawn = make_subplots(
        len(PANELS),
        len(modes),
        shared_xaxes=True,
        shared_yaxes=True,
        column_titles=[TITLES[mode] for mode in modes],
        horizontal_spacing=0.025,
        vertical_spacing=0.05,
    )
    named: set[str] = set()
    for column, mode in enumerate(modes, start=1):
        for row, measure in enumerate(PANELS.values(), start=1):
            for stage, line in _lines(costs, mode, measure):
                line.update(showlegend=stage not in named)
                named.add(stage)
                drawn.add_trace(line, row, column)
    return _dressed(drawn, len(modes))


def _lines(
    costs: Sequence[Cost], mode: str, measure: Callable[[Cost], float]
) -> Iterator[tuple[str, go.Scatter]]:
    for rank, (stage, colour) in enumerate(COLOURS.items()):
        chosen = [cost for cost in costs if (cost.mode, cost.stage) == (mode, stage)]
        if chosen:
            chosen.sort(key=lambda cost: cost.rows)
            yield (
                stage,
                go.Scatter(
                    x=[cost.rows for cost in chosen],
                    y=[measure(cost) for cost in chosen],
                    name=stage,
                    legendgroup=stage,
                    legendrank=rank,
                    mode="lines+markers",
                    line={"color": colour, "width": 2.5},
                    marker={"size": 8, "color": colour, "line": {"color": "white", "width": 1.5}},
                ),
            )


def _dressed(drawn: go.Figure, columns: int) -> go.Figure:
    drawn.update_layout(
        width=WIDTH,
        height=HEIGHT,
        font=FONT,
        paper_bgcolor="white",
        plot_bgcolor="white",
        margin={"l": 90, "r": 24, "t": 84, "b": 64},
        legend={"orientation": "h", "x": 0, "y": 1.13, "yanchor": "top", "font": {"size": 14}},
    )
    axis = {
        "type": "log",
        "dtick": 1,
        "gridcolor": GRID,
        "linecolor": "#aab2bd",
        "showline": True,
        "ticks": "outside",
        "tickcolor": "#aab2bd",
        "tickformat": "~s",
    }
    drawn.update_xaxes(**axis).update_yaxes(**axis)
    drawn.update_yaxes(dtick="D2", tickformat=",d", row=len(PANELS))
    for column in range(1, columns + 1):
        drawn.update_xaxes(title="rows", row=len(PANELS), col=column)
    for row, title in enumerate(PANELS, start=1):
        drawn.update_yaxes(title={"text": title, "standoff": 8}, row=row, col=1)
    return drawn.update_annotations(font={"size": 14.5}, yshift=6)


def photograph(drawn: go.Figure, path: Path) -> None:
    """Write a figure as PNG, at twice its size."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_file = Path(folder) / "figure.html"
        drawn.write_html(page_file, include_plotlyjs=True, config={"staticPlot": True})
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2)
        page.set_default_timeout(0)
        page.goto(page_file.as_uri())
        page.locator(".js-plotly-plot").screenshot(path=path)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("picture", type=Path)
    asked = parser.parse_args()
    photograph(figure(read_table(asked.table)), asked.picture)


if __name__ == "__main__":
    main()
