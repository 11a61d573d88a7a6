"""Rows that somebody picked, put into a named selection of the run or taken out of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from influence_core.errors import InfluenceError
from influence_core.store.run import Run
from influence_core.store.selections import NamedSelection, Selections
from ui.wording import count, counted, plain

Rows = npt.NDArray[np.int64]

_SAID = "selection_changed"


def offer(run: Run, rows: npt.ArrayLike, key: str) -> None:
    """Draw a button under which rows are added to a new or an earlier selection, or taken out.

    `key` tells several of them on one page apart.
    """
    picked = np.asarray(rows, np.int64)
    with st.popover(
        f"Keep {counted(len(picked), 'row')} in a selection",
        icon=":material/bookmark_add:",
        disabled=not len(picked),
    ):
        _form(run, picked, key)
    _say(run, key)


def listed(run: Run) -> list[NamedSelection]:
    """Return the selections of a run, the one last changed first."""
    return Selections(run).listed()


def find(run: Run, name: str | None) -> NamedSelection | None:
    """Return the selection of that name, or None where there is none any more."""
    return next((one for one in listed(run) if one.name == name), None)


def _form(run: Run, picked: Rows, key: str) -> None:
    known = {one.name: one for one in listed(run)}
    target = st.selectbox(
        "Selection",
        [None, *known],
        format_func=lambda name: "A new one" if name is None else _titled(known[name]),
        key=f"{key}.selection",
    )
    if target is None:
        st.text_input("Name", key=f"{key}.name", help="Letters, digits, '.', '_' and '-'.")
        st.text_input("Note", key=f"{key}.note", placeholder="what these rows have in common")
        st.button(
            "Make it", type="primary", key=f"{key}.make", on_click=_make, args=(run, picked, key)
        )
        return
    if known[target].note:
        st.text(known[target].note)
    add, take = st.columns(2)
    add.button(
        "Add",
        type="primary",
        key=f"{key}.add",
        width="stretch",
        on_click=_change,
        args=(run, "add", target, picked, key),
    )
    take.button(
        "Take out",
        key=f"{key}.take",
        width="stretch",
        on_click=_change,
        args=(run, "remove", target, picked, key),
    )


def _titled(one: NamedSelection) -> str:
    return f"{one.name} ({counted(one.rows, 'row')})"


def _make(run: Run, picked: Rows, key: str) -> None:
    name = (st.session_state.get(f"{key}.name") or "").strip()
    note = (st.session_state.get(f"{key}.note") or "").strip()
    _try(run, key, lambda: Selections(run).create(name, picked, note))


def _change(run: Run, way: str, name: str, picked: Rows, key: str) -> None:
    act = getattr(Selections(run), way)
    _try(run, key, lambda: act(name, picked))


def _try(run: Run, key: str, act: Any) -> None:
    """Do what a button asks, and keep what came of it for the next drawing."""
    try:
        changed: NamedSelection = act()
    except InfluenceError as error:
        said = ("error", plain(error))
    else:
        rows = count(changed.rows)
        said = ("success", f"Selection {plain(changed.name)} holds {rows} rows now.")
    st.session_state[_SAID] = (run.name, key, *said)


def _say(run: Run, key: str) -> None:
    """Say once what came of the last button."""
    found = st.session_state.get(_SAID)
    if found is None or found[:2] != (run.name, key):
        return
    del st.session_state[_SAID]
    _, _, kind, words = found
    if kind == "error":
        st.error(words, icon=":material/error:")
    else:
        st.success(words, icon=":material/bookmark_added:")
