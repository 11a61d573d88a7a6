"""Rows that somebody picked, put into a named selection of the run or taken out of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from influence_core.errors import InfluenceError
from influence_core.store.run import Run
from influence_core.store.selections import NamedSelection, Selections
from ui import access, state
from ui.wording import age, count, counted, plain

Rows = Callable[[], npt.ArrayLike]

_MANAGER, _NEW = "manager", ""

_SAID = "selection_changed"


def offer(
    run: Run,
    rows: npt.ArrayLike | Callable[[], npt.ArrayLike],
    key: str,
    *,
    total: int | None = None,
    title: str | None = None,
    aside: bool = False,
) -> None:
    """Draw a button under which rows are added to a new or an earlier selection, or taken out.

    `key` tells several of them on one page apart. Many rows can be a function, asked when somebody
    saves them; `total` then says how many they are. What came of it is said below, or `aside`, by
    who calls `say`.
    """
    if callable(rows):
        picked, number = rows, total or 0
    else:
        found = np.asarray(rows, np.int64)
        picked, number = (lambda: found), len(found)
    with st.popover(
        title or f"Save {counted(number, 'row')} as a selection",
        icon=":material/bookmark_add:",
        **access.locked(disabled=not number),
    ):
        if not access.read_only():
            _form(run, picked, key)
    if not aside:
        say(run, key)


def manager(run: Run) -> None:
    """Draw a button under which the run's selections are told, renamed and deleted."""
    known = {one.name: one for one in listed(run)}
    if not known:
        return
    with st.popover("Selections", icon=":material/bookmarks:"):
        name = st.selectbox(
            "Selection",
            list(known),
            format_func=lambda name: _titled(known[name]),
            key="manager.selection",
        )
        _tell(known[name])
        st.button(
            "See only these rows",
            icon=":material/filter_alt:",
            on_click=_see,
            args=(name,),
            width="stretch",
        )
        st.text_input("New name", key=f"manager.name {name}", placeholder=name)
        rename, delete = st.columns(2)
        rename.button(
            "Rename", on_click=_rename, args=(run, name), width="stretch", **access.locked()
        )
        sure = f"manager.sure {name}"
        if st.session_state.get(sure):
            delete.button(
                "Delete for good",
                type="primary",
                on_click=_delete,
                args=(run, name),
                width="stretch",
            )
        else:
            delete.button(
                "Delete",
                on_click=st.session_state.__setitem__,
                args=(sure, True),
                width="stretch",
                **access.locked(),
            )


def listed(run: Run) -> list[NamedSelection]:
    """Return the selections of a run, the one last changed first."""
    return Selections(run).listed()


def find(run: Run, name: str | None) -> NamedSelection | None:
    """Return the selection of that name, or None where there is none any more."""
    return next((one for one in listed(run) if one.name == name), None) if name else None


def _form(run: Run, picked: Rows, key: str) -> None:
    known = {one.name: one for one in listed(run)}
    target = st.selectbox(
        "Selection",
        [_NEW, *known],
        format_func=lambda name: "A new one" if name == _NEW else _titled(known[name]),
        key=f"{key}.selection",
    )
    if target == _NEW:
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
    _try(run, key, lambda: Selections(run).create(name, picked(), note))


def _change(run: Run, way: str, name: str, picked: Rows, key: str) -> None:
    act = getattr(Selections(run), way)
    _try(run, key, lambda: act(name, picked()))


def _tell(one: NamedSelection) -> None:
    """Draw what is known of a selection."""
    st.caption(f"Changed {age(one.changed)}, made {age(one.created)}.")
    if one.note:
        st.text(one.note)


def _see(name: str) -> None:
    state.put("selection", name)
    state.put("page", 1)
    state.put("id", None)


def _rename(run: Run, name: str) -> None:
    new = (st.session_state.get(f"manager.name {name}") or "").strip()
    if _try(run, _MANAGER, lambda: Selections(run).rename(name, new)):
        if state.get("selection") == name:
            state.put("selection", new)
        st.session_state["manager.selection"] = new


def _delete(run: Run, name: str) -> None:
    st.session_state.pop(f"manager.sure {name}", None)
    try:
        Selections(run).delete(name)
    except InfluenceError as error:
        said = ("error", plain(error))
    else:
        said = ("success", f"Selection {plain(name)} is deleted; its rows stay in the run.")
    st.session_state[_SAID] = (run.name, _MANAGER, *said)


def _try(run: Run, key: str, act: Any) -> bool:
    """Do what a button asks, and keep what came of it for the next drawing."""
    try:
        changed: NamedSelection = act()
    except InfluenceError as error:
        said = ("error", plain(error))
    else:
        rows = count(changed.rows)
        said = ("success", f"Selection {plain(changed.name)} holds {rows} rows now.")
    st.session_state[_SAID] = (run.name, key, *said)
    return said[0] == "success"


def say(run: Run, *keys: str) -> None:
    """Say once what came of the last button of a key; with none, of any."""
    found = st.session_state.get(_SAID)
    if found is None or found[0] != run.name or (keys and found[1] not in keys):
        return
    del st.session_state[_SAID]
    _, _, kind, words = found
    if kind == "error":
        st.error(words, icon=":material/error:")
    else:
        st.success(words, icon=":material/bookmark_added:")
