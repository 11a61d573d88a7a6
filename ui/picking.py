"""What was picked on a map: a part of it, by lasso or box, or one point, by a click."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from influence_core.mapping.points import Layout, hardest, inside
from influence_core.mapping.region import Region, box, lasso
from influence_core.report import maps
from influence_core.store.query import ExampleQuery
from influence_core.store.rows import details, texts
from influence_core.store.run import Run
from ui import browser, queries, selecting, state
from ui.shell import Lens
from ui.tables import choose_row, cut, height
from ui.wording import counted, figures, plain

Rows = npt.NDArray[np.int64]

PAGE_SIZE = 15

_PART = "part_of_the_map"
_PAGE = "page_of_the_part"
_DRAWN = "map_as_drawn"
_CLEARED = "times_the_map_was_cleared"


@dataclass(frozen=True)
class Part:
    """A region of the map of a key, and the drawing on which the browser shows it still, if any."""

    region: Region
    key: str
    drawing: str = ""


def take(run: Run, key: str) -> None:
    """Take over what was picked on the chart of that key."""
    picked = st.session_state[key]["selection"]
    polygons = [box(one["x"], one["y"]) for one in picked["box"]]
    polygons += [lasso(one["x"], one["y"]) for one in picked["lasso"]]
    if polygons:
        drawing, outlined = st.session_state.get(_DRAWN, ("", False))
        region = Region(polygons=tuple(polygons))
        st.session_state[_PART] = Part(region, key, "" if outlined else drawing)
        st.session_state[_PAGE] = 1
        state.put("point", None)
    elif picked["points"]:
        row = int(np.ravel(picked["points"][0]["customdata"])[0])
        state.put("point", texts(run, [row])[0].id)
    else:
        forget()


def forget() -> None:
    """Forget the part of the map and the point."""
    st.session_state.pop(_PART, None)
    state.put("point", None)


def _clear() -> None:
    """Forget the part, and have the chart drawn anew: the browser would go on showing it."""
    st.session_state[_CLEARED] = st.session_state.get(_CLEARED, 0) + 1
    forget()


def outline(figure: Any, key: str) -> None:
    """Draw the outline of the part on a map that is not the one it was drawn on.

    The browser shows what was picked on a chart as long as that chart stays; where it is drawn
    anew, in other colours, it is a new chart.
    """
    figure.update_layout(meta=st.session_state.get(_CLEARED, 0))
    drawing = f"{key} {hash(figure.to_json())}"
    part = _part(key)
    outlined = part is not None and part.drawing != drawing
    if outlined:
        maps.add_outlines(figure, part.region.polygons)
    st.session_state[_DRAWN] = (drawing, outlined)


def key_of(run: Run, layout: Layout) -> str:
    """Return the key of a map's chart."""
    return f"map {run.name} {layout}"


def show(view: Lens, layout: Layout, version: str, seen: Rows | None) -> None:
    """Draw the picked rows in view as a table, what can be done with them, and one of them."""
    part = _part(key_of(view.run, layout))
    rows = _ordered(view, layout, part.region, version) if part else np.zeros(0, np.int64)
    if seen is not None:
        rows = rows[np.isin(rows, seen)]
    if part is not None and not len(rows):
        st.caption("There is no row in what you drew.")
    first = None
    if len(rows):
        st.subheader(f"What are these {counted(len(rows), 'row')}?", anchor=False)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        if len(rows):
            first = _listing(view, rows)
    shown = state.get("point") or first
    if shown is not None:
        with right if len(rows) else left:
            browser.detail(view, shown)


def _part(key: str) -> Part | None:
    """Return what was picked on the map of that key."""
    part: Part | None = st.session_state.get(_PART)
    return part if part is not None and part.key == key else None


def _ordered(view: Lens, layout: Layout, region: Region, version: str) -> Rows:
    """Return the rows in a part, the hardest first; those without a score follow."""
    rows = queries.ask(view.run, inside, layout, region, version=version)
    order = queries.share(view.run, hardest, view.score, view.norm, 1.0)
    scored = order[np.isin(order, rows)]
    return np.concatenate([scored, rows[np.isin(rows, scored, invert=True)]])


def _listing(view: Lens, rows: Rows) -> str:
    """Draw a page of the rows, and return the id of the first."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Hardest first by {plain(view.spec.label)}.", width="content")
        selecting.offer(view.run, rows, "map")
        st.button("Clear", icon=":material/close:", on_click=_clear)
    pages = ceil(len(rows) / PAGE_SIZE)
    number = min(st.session_state.get(_PAGE) or 1, pages)
    wanted = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    query = ExampleQuery(score=view.score, normalise=view.norm)
    frame = queries.ask(view.run, details, query, wanted.tolist())
    wide = 300
    values = figures(frame[view.column].tolist())
    shown = frame.assign(text=cut(frame["text"], wide), value=values)
    text = st.column_config.TextColumn
    columns = {
        "text": text("Text", width=wide),
        "label": text("Class", width=115),
        "value": text(view.spec.label, width=76, alignment="right"),
    }
    ids = frame["id"].tolist()
    with st.container(key="paged_part"):
        choose_row(shown, ids, "point", columns, height(len(frame), PAGE_SIZE))
    if pages > 1:
        st.session_state[_PAGE] = number
        st.pagination(pages, key=_PAGE, on_change=state.put, args=("point", None))
    return str(ids[0])
