"""The examples by page, or both ends side by side. Only the pages in view leave the server."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from influence_core.noise.table import suspected
from influence_core.report.doubted import doubted
from influence_core.scores.registry import specs_of
from influence_core.store.columns import Catalogue, Column, catalogue
from influence_core.store.query import ExampleQuery
from influence_core.store.rows import columns_of
from ui import queries, rows, selecting, state, ticked
from ui.detail import detail
from ui.shell import Lens, link
from ui.tables import HEADING, PAGE_ROW, cut, tick_rows
from ui.wording import NORMS, column_title, count, counted, figures, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["controls", "detail", "listing", "sides"]

Rows = npt.NDArray[np.int64]

PAGE_SIZE = 25

BLOCK = 4
"""Pages that are read at once: a pass over the texts costs the same for one of them."""

VIEWS = {"list": "List", "sides": "Side by side"}

ENDS = {"hardest": "Hardest first", "easiest": "Easiest first"}

WAYS = {False: "Lowest first", True: "Highest first"}

INPUT_ORDER = "row"

_SHARED: dict[str, Any] = {"persist_state": "session"}


@dataclass(frozen=True)
class Part:
    """One listing: its query, its rows in order, and the parameter that holds its page."""

    query: ExampleQuery
    order: Rows
    page: str

    @property
    def pages(self) -> int:
        """How many pages it has."""
        return ceil(len(self.order) / PAGE_SIZE)


def controls(view: Lens) -> bool:
    """Draw the rows in view, their order and how they are laid out; say whether side by side."""
    state.settle("show", list(VIEWS))
    state.settle("end", list(ENDS))
    rows.bar(view.run, view.manifest)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _switch("show", VIEWS, "Layout", None)
        _sort(view)
        if state.get("show") == "list" and state.get("sort") != INPUT_ORDER:
            by_column = state.get("sort") != ""
            name, ways = ("falling", WAYS) if by_column else ("end", ENDS)
            _switch(name, ways, "Order", rows.restart)
        selecting.manager(view.run)
    return bool(state.get("show") == "sides")


def listing(view: Lens) -> Any:
    """Draw one page of the examples and return the id of the chosen one."""
    part = _part(view, _query(view), "page")
    if not _head(view, part):
        return None
    _doubt(view, part)
    first = _table(view, part, (285, 110))
    _pager(part)
    return state.get("id") or first


def sides(view: Lens) -> Any:
    """Draw the two ends beside each other and return the id of the chosen example."""
    high, low = (_part(view, query, page) for query, page in _both_ends(view))
    if not _head(view, high):
        return None
    for part in (high, low):
        _doubt(view, part, f"{_end_of(part.query)}: ")
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{_end_of(high.query)}**")
        first = _table(view, high, (204, 82))
        _pager(high)
    with right:
        st.markdown(f"**{_end_of(low.query)}**")
        _table(view, low, (204, 82))
        _pager(low)
    return state.get("id") or first


def _switch(name: str, titles: dict[Any, str], label: str, changed: Any) -> None:
    st.segmented_control(
        label,
        list(titles),
        format_func=titles.get,
        key=name,
        required=True,
        on_change=changed,
        label_visibility="collapsed",
        **_SHARED,
    )


def _sort(view: Lens) -> None:
    """Draw what sorts the rows: the score in view, input order, or any other column."""
    known: Catalogue = queries.ask(view.run, catalogue)
    options = ["", INPUT_ORDER, *(column.name for column in _sortable(known, view))]
    state.settle("sort", options)
    st.selectbox(
        "Sorted by",
        options,
        format_func=lambda name: _called(name, view),
        key="sort",
        on_change=rows.restart,
        width=210,
        help="Sorts all rows in view. A click on a heading of the table sorts the page alone.",
        **_SHARED,
    )


def _sortable(known: Catalogue, view: Lens) -> list[Column]:
    """Return the columns to sort by: of the scores, their own values alone."""
    entries = set(known.scores) - {view.score}
    return [
        column
        for column in known.columns
        if column.filterable and (column.table != "scores" or column.name in entries)
    ]


def _called(name: str, view: Lens) -> str:
    if not name:
        return view.spec.label
    if name == INPUT_ORDER:
        return "Input order"
    entries = specs_of(view.manifest)
    if name in entries:
        return entries[name].label
    taken = name in {entry.label for entry in entries.values()}
    return f"{name} (column)" if taken else column_title(name)


def _query(view: Lens) -> ExampleQuery:
    name = state.get("sort")
    if not name:
        return view.query(order=state.get("end"))
    if name == INPUT_ORDER:
        return view.query(order="row")
    return view.query(order="column", column=name, descending=state.get("falling"))


def _both_ends(view: Lens) -> list[tuple[ExampleQuery, str]]:
    name = state.get("sort")
    if name in ("", INPUT_ORDER):
        ends = [view.query(order=end) for end in ENDS]
    else:
        ends = [view.query(order="column", column=name, descending=way) for way in (True, False)]
    return list(zip(ends, ("page", "low"), strict=True))


def _part(view: Lens, query: ExampleQuery, page: str) -> Part:
    with st.spinner("Sorting …", show_time=True):
        order = rows.in_order(view.run, query)
    part = Part(query, order, page)
    state.put(page, max(min(state.get(page), part.pages), 1))
    return part


def _head(view: Lens, part: Part) -> bool:
    """Say how many rows there are, and offer to save them; say what to do where there is none."""
    if not len(part.order):
        st.info(
            "No example fits. Take a filter away, or search for less.", icon=":material/search:"
        )
        return False
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{counted(len(part.order), 'training row')} {_sorted_by(view, part)}", width="stretch"
        )
        _save(view, part)
    selecting.say(view.run)
    return True


def _sorted_by(view: Lens, part: Part) -> str:
    """Word the order of the rows."""
    query = part.query
    if query.order == "row":
        return "in input order"
    if query.order == "column":
        by, way = _called(query.column, view), WAYS[query.descending]
    else:
        by, way = view.spec.label, ENDS[query.order]
    norm = "" if query.normalise == "raw" else f", {NORMS[query.normalise]}"
    both = state.get("show") == "sides"
    return f"by {plain(by)}{'' if both else f', {way.lower()}'}{norm}"


def _save(view: Lens, part: Part) -> None:
    """Offer to put the ticked rows, or all in view, into a selection."""
    picked = ticked.rows(view.run)
    if picked:
        selecting.offer(view.run, picked, "ticked", aside=True)
        st.button(
            "Untick",
            icon=":material/close:",
            type="tertiary",
            on_click=ticked.clear,
            args=(view.run,),
        )
    else:
        total = len(part.order)
        selecting.offer(
            view.run,
            lambda: part.order,
            "in view",
            total=total,
            title=f"Save all {count(total)} as a selection",
            aside=True,
        )


def _end_of(query: ExampleQuery) -> str:
    if query.order == "column":
        return WAYS[query.descending].removesuffix(" first")
    return ENDS[query.order].removesuffix(" first")


def _doubt(view: Lens, part: Part, end: str = "") -> None:
    """Say where an end of the score is full of labels that look wrong."""
    order = part.query.order
    if order not in ("hardest", "easiest"):
        return
    rows_shown = tuple(_page(view, part)["row"].tolist())
    said = queries.ask(view.run, doubted, rows_shown).said(order, view.spec.label)
    if said:
        told, way = st.columns([5, 1], vertical_alignment="center", gap="small")
        told.caption(f":material/report: {end}{plain(said)}")
        with way:
            link("noise", "Noise", ":material/rule:", run=view.run.name)


def _table(view: Lens, part: Part, widths: tuple[int, int]) -> str:
    """Draw the page in view with boxes to tick; return the id of its first row."""
    frame = _page(view, part)
    by = part.query.column if part.query.order == "column" else None
    pairs = frame["text_pair"].fillna("").ne("").any()
    top = queries.ask(view.run, suspected)
    wide, narrow = widths[0] - bool(top) * _DOUBT, widths[1]
    text = st.column_config.TextColumn
    share = 1 + bool(pairs) + (by not in (None, *_ALWAYS))
    each = wide // share + 10 * (share > 1)
    shown = frame.assign(
        text=cut(frame["text"], each),
        text_pair=cut(frame["text_pair"], each),
        value=figures(frame[view.column]),
    )
    columns = {"text": text("Text", width=each)}
    if pairs:
        columns["text_pair"] = text("Second text", width=each)
    columns["label"] = text("Class", width=narrow)
    if top:
        columns["doubt"] = text("Wrong?", width=_DOUBT, help=_WRONG)
        shown = shown.assign(doubt=["likely" if at <= top else "" for at in frame[_NOISE_RANK]])
    columns["value"] = text(view.spec.label, width=76, alignment="right")
    if by not in (None, *_ALWAYS):
        columns["by"] = text(_called(by, view), width=wide // share)
        shown = shown.assign(by=_worded(frame[by], wide // share))
    ids = frame["id"].tolist()
    boxes = ticked.boxes(view.run, frame["row"].tolist(), first=part.page == "page")
    with st.container(key=f"paged_{part.page}"):
        tick_rows(shown, ids, "id", columns, PAGE_SIZE * PAGE_ROW // 2 + HEADING, boxes)
    return str(ids[0])


_ALWAYS = ("text", "text_pair", "label")

_NOISE_RANK = "noise_rank"

_DOUBT = 62
"""Pixels of the column that says which labels look wrong."""

_WRONG = (
    "Rows whose label looks wrong by the consensus of the page Noise: as many as labels are "
    "estimated to be wrong. A row may be easy by a score and yet have a wrong label."
)


def _worded(values: pd.Series, width: int) -> list[str]:
    """Return the values of a column as they stand in a table."""
    if values.dtype.kind == "f":
        return figures(values)
    return cut(values.astype("object").map(str).where(values.notna(), "–"), width).tolist()


def _page(view: Lens, part: Part) -> pd.DataFrame:
    """Return the page in view, read with the pages beside it."""
    start = (state.get(part.page) - 1) * PAGE_SIZE
    size = BLOCK * PAGE_SIZE
    block = part.order[start // size * size :][:size]
    by = [part.query.column] if part.query.order == "column" else []
    doubt = [_NOISE_RANK] if queries.ask(view.run, suspected) else []
    names = ("id", "text", "text_pair", "label", view.column, *by, *doubt)
    frame = queries.ask(view.run, columns_of, tuple(block.tolist()), names)
    return frame[start % size :][:PAGE_SIZE].reset_index(drop=True)


def _pager(part: Part) -> None:
    if part.pages == 1:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.pagination(
            part.pages,
            max_visible_pages=7 if part.page == "page" and state.get("show") == "list" else 5,
            key=part.page,
            on_change=state.put,
            args=("id", None),
            **_SHARED,
        )
        if part.pages > 7:
            jump = f"jump to {part.page}"
            st.number_input(
                "Go to page",
                min_value=1,
                max_value=part.pages,
                value=None,
                placeholder="Go to",
                key=jump,
                on_change=_jump,
                args=(part.page, jump),
                label_visibility="collapsed",
                width=110,
            )


def _jump(page: str, key: str) -> None:
    wanted = st.session_state.get(key)
    if wanted:
        state.put(page, wanted)
        state.put("id", None)
        st.session_state[key] = None
