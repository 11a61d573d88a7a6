"""The maps of a run: which one, in which colours, and what stands out on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from influence_core.mapping.points import (
    DRAWN,
    Cloud,
    Layout,
    cloud,
    density,
    hardest,
    layouts_of,
    map_version,
)
from influence_core.mapping.points import count as on_map
from influence_core.report import maps
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.run import Run
from ui import colouring, picking, queries, rows, sampling, state
from ui.colouring import Colour
from ui.shell import NORMS, Lens, link
from ui.wording import count, counted, percent, plain

Rows = npt.NDArray[np.int64]

LAYOUTS: dict[Layout, str] = {"umap": "By meaning (UMAP)", "cartography": "By learning"}

HARDEST = 0.05

SAMPLED = 30_000
"""Points drawn over the density of more examples than can be drawn."""

_TOOLS = {
    "displaylogo": False,
    "scrollZoom": True,
    "modeBarButtons": [["lasso2d", "select2d", "pan2d", "zoom2d", "resetScale2d"]],
}


@dataclass(frozen=True)
class Look:
    """What is looked at: a map, its colours, and what stands out.

    `seen` holds the rows in view, None where that is all of them.
    """

    layout: Layout
    version: str
    colour: Colour
    hardest: bool
    dropped: Rows | None
    seen: Rows | None


def available(run: Run) -> tuple[Layout, ...]:
    """Return the maps of a run that can be drawn now."""
    return queries.ask(run, _layouts, map_version(run))


def controls(view: Lens, layouts: tuple[Layout, ...]) -> Look:
    """Draw what the map is, how it is coloured, and what stands out."""
    state.settle("layout", list(layouts))
    several = len(layouts) > 1
    widths = [2, 1.6, 1] if several else [1.6, 1]
    *first, second, third = st.columns(widths, vertical_alignment="bottom")
    if several:
        first[0].segmented_control(
            "Map",
            list(layouts),
            format_func=LAYOUTS.get,
            key="layout",
            required=True,
            persist_state="session",
            on_change=picking.forget,
        )
    with second:
        colour = colouring.choose(view)
    with third, st.popover("Mark rows", icon=":material/ink_highlighter:", width="stretch"):
        colour = colouring.bring_to_front(view, colour)
        st.toggle(
            f"Mark the hardest {percent(HARDEST, 0)}",
            key="hardest",
            persist_state="session",
            help=f"By {plain(view.spec.label)}, {NORMS[view.norm]}: rings around their points.",
        )
        shown = _share()
        dropped = _dropped(view, shown) if shown else None
    layout: Layout = state.get("layout")
    return Look(layout, map_version(view.run), colour, state.get("hardest"), dropped, _seen(view))


def draw(view: Lens, look: Look) -> None:
    """Draw the map, and say what it shows."""
    st.subheader(_question(look), anchor=False)
    found = queries.share(
        view.run,
        cloud,
        look.layout,
        colour=look.colour.column,
        score=look.colour.value,
        most=_most(view.run, look),
        version=look.version,
    )
    figure = _figure(view, look, found)
    key = picking.key_of(view.run, look.layout)
    picking.outline(figure, key)
    st.plotly_chart(
        figure,
        key=key,
        config=_TOOLS,
        on_select=lambda: picking.take(view.run, key),
        selection_mode=("points", "box", "lasso"),
    )
    st.caption(" ".join(_said(view, look, found)))


def _layouts(run: Run, version: str) -> tuple[Layout, ...]:
    return layouts_of(run)


def _most(run: Run, look: Look) -> int:
    """Return how many points to draw: fewer over a density."""
    total = queries.ask(run, on_map, look.layout, version=look.version)
    return DRAWN if total <= DRAWN else SAMPLED


def _question(look: Look) -> str:
    if look.layout == "umap":
        return "Which examples does the encoder find alike?"
    return "Which examples were learnt easily, which hardly, and which not at all?"


def _figure(view: Lens, look: Look, found: Cloud) -> object:
    cartography = look.layout == "cartography"
    titles = ("Variability over training", "Confidence in the label") if cartography else None
    figure = maps.base(titles)
    if found.sampled:
        cells = queries.ask(view.run, density, look.layout, version=look.version)
        maps.add_density(figure, cells)
    points = colouring.ranked(found.points, look.colour)
    size = maps.point_size(len(points))
    kept = points
    if look.seen is not None:
        unseen = ~kept["row"].isin(look.seen)
        maps.add_unseen(figure, kept[unseen], size)
        kept = kept[~unseen]
    if look.dropped is not None:
        gone = kept["row"].isin(look.dropped)
        maps.add_gone(figure, kept[gone], size)
        kept = kept[~gone]
    colouring.paint(figure, view, look.colour, kept, size)
    if look.hardest:
        ringed = queries.ask(view.run, hardest, view.score, view.norm, HARDEST)
        shown = kept[kept["row"].isin(ringed)]
        maps.add_rings(figure, shown, f"hardest {percent(HARDEST, 0)}", size)
    return figure


def _said(view: Lens, look: Look, found: Cloud) -> list[str]:
    """Say how many points are drawn, what is close, and what the grey ones are."""
    noun = "training row" if look.layout == "cartography" else "row"
    drawn = len(found.points)
    words = [
        f"A sample of {count(drawn)} of {counted(found.total, noun)}, the same share of every "
        "class; the grey ground counts all. A lasso takes all rows in it, drawn or not."
        if found.sampled
        else f"All {counted(found.total, noun)}. Click a point to read it; draw a lasso around "
        "several to list them."
    ]
    if look.layout == "umap":
        words.append(
            "Rows that lie close are alike to the encoder before training; distances between "
            "groups say little."
        )
    if look.seen is not None:
        words.append("Faint: rows that are filtered out.")
    if look.dropped is not None:
        words.append(f"Grey crosses: {counted(len(look.dropped), 'row')} that pruning drops.")
    if "cartography" not in available(view.run):
        words.append(
            "A second map, by how each row was learnt, takes the scores Confidence and Variability."
        )
    return words


def _seen(view: Lens) -> Rows | None:
    """Return the rows in view, test rows among them; None where that is all."""
    wanted = view.query(scored_only=False)
    return rows.kept(view.run, wanted) if wanted.filtered else None


def _share() -> int:
    """Draw how much is pruned, in percent; 0 is before pruning."""
    shares = ["", *(str(share) for share in range(5, 96, 5))]
    state.settle("drop", shares)
    st.selectbox(
        "Pruning",
        shares,
        format_func=lambda share: f"After: {share}% dropped" if share else "Before pruning",
        key="drop",
        persist_state="session",
    )
    return int(state.get("drop") or 0)


def _dropped(view: Lens, share: int) -> Rows:
    """Draw which rows pruning drops, and return them."""
    norm = state.get("compare") or SelectionSettings.model_fields["normalise"].default
    wanted = sampling.settings(view, share / 100, norm)
    way = sampling.words(wanted)
    link("export", way, ":material/tune:", run=view.run.name, score=view.score)
    return queries.share(view.run, _rows_dropped, wanted)


def _rows_dropped(run: Run, wanted: SelectionSettings) -> Rows:
    return select(run, wanted).dropped
