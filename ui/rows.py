"""The rows in view: those that class, text, selection and filters leave, the same on every page."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from influence_core.errors import ConfigError
from influence_core.store import tables
from influence_core.store.columns import catalogue
from influence_core.store.finding import numbers
from influence_core.store.order import ordered, within
from influence_core.store.query import ExampleQuery, Filter, OneOf, check_pattern
from influence_core.store.run import Manifest, Run
from ui import access, filters, queries, selecting, state
from ui.wording import count, counted, plain

Rows = npt.NDArray[np.int64]

PARAMETERS = ("label", "search", "regex", "selection", "filter")
"""Parameters of the address that choose the rows in view."""

_ALL = "All classes"
_NO_SELECTION = "All rows"

_SHARED: dict[str, Any] = {"persist_state": "session"}


def query(run: Run, manifest: Manifest, **more: Any) -> ExampleQuery:
    """Return the query for the rows in view; what the run does not have is passed over."""
    label, search = state.get("label"), state.get("search") or ""
    selection = selecting.find(run, state.get("selection"))
    chosen: dict[str, Any] = {
        "labels": (label,) if label in _labels(manifest) else (),
        "filters": filters.chosen(queries.ask(run, catalogue)),
        "search": "" if _problem(search) else search,
        "regex": state.get("regex"),
        "scored_only": True,
    }
    if selection is not None:
        chosen |= {"selection": selection.name, "selection_version": selection.version}
    return ExampleQuery(**(chosen | more))


def kept(run: Run, wanted: ExampleQuery) -> Rows:
    """Return the numbers of the rows that a query finds, ascending; one search for all orders."""
    return queries.share(run, numbers, wanted.conditions)


def in_order(run: Run, wanted: ExampleQuery) -> Rows:
    """Return the numbers of the rows that a query finds, in its order."""
    everything = queries.share(run, ordered, wanted.arrangement)
    return within(everything, kept(run, wanted)) if wanted.filtered else everything


def bar(run: Run, manifest: Manifest) -> None:
    """Draw what chooses the rows in view, and how many they are."""
    kept = [one.name for one in selecting.listed(run)]
    state.settle("label", ["", *_labels(manifest)])
    state.settle("selection", ["", *kept])
    widths = [1.3, 1.6, *([1.2] if kept else []), 0.8]
    label, search, *selection, more = st.columns(widths, vertical_alignment="bottom")
    label.selectbox(
        "Class",
        ["", *_labels(manifest)],
        format_func=lambda name: name or _ALL,
        key="label",
        on_change=restart,
        **_SHARED,
    )
    search.text_input(
        "Text matches" if state.get("regex") else "Text contains",
        key="search",
        type="search",
        on_change=restart,
        disabled=access.masked(),
        help=access.SEARCH_OFF if access.masked() else None,
        **_SHARED,
    )
    if selection:
        selection[0].selectbox(
            "Selection",
            ["", *kept],
            format_func=lambda name: name or _NO_SELECTION,
            key="selection",
            on_change=restart,
            **_SHARED,
        )
    with more, st.popover("Filter", icon=":material/filter_alt:", width="stretch"):
        filters.editor(run, queries.ask(run, catalogue), narrow)
        st.divider()
        st.toggle(
            "The text is a regular expression",
            key="regex",
            on_change=restart,
            disabled=access.masked(),
            help="In RE2 syntax, for example `^(play|stop)\\b`. Case does not count.",
            **_SHARED,
        )
    _in_force(run, manifest)


def narrow(wanted: Filter) -> None:
    """Keep to a filter, in place of an earlier one of its column; for the callbacks of charts."""
    if isinstance(wanted, OneOf) and wanted.column == "label" and len(wanted.values) == 1:
        state.put("label", wanted.values[0])
    else:
        filters.put(wanted)
    restart()


def show_all() -> None:
    """Take everything away that chooses rows."""
    for name in PARAMETERS:
        state.put(name, state.default(name))
    restart()


def restart() -> None:
    """Lead back to the first page and the first row of a listing."""
    state.put("page", 1)
    state.put("low", 1)
    state.put("id", None)
    state.put("at", None)


def _in_force(run: Run, manifest: Manifest) -> None:
    """Say how many rows are in view where that is not all, and offer to see all again."""
    if problem := _problem(state.get("search") or ""):
        st.caption(f":material/error: The text is passed over: {plain(problem)}")
    wanted = query(run, manifest)
    if not (wanted.filtered or state.get("filter")):
        return
    found = len(kept(run, wanted))
    total = queries.ask(run, tables.count, ExampleQuery(scored_only=True))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f":material/filter_alt: {count(found)} of {counted(total, 'training row')} in view",
            width="content",
        )
        filters.in_force(restart)
        st.button("Show all", icon=":material/close:", type="tertiary", on_click=show_all)


def _problem(search: str) -> str:
    """Return why a text cannot be searched for as a regular expression; "" where it can."""
    if not (search and state.get("regex")):
        return ""
    try:
        check_pattern(search)
    except ConfigError as error:
        return str(error)
    return ""


def _labels(manifest: Manifest) -> list[str]:
    return sorted(manifest.dataset.class_counts) if manifest.dataset else []
