"""The draft of the Export page in the address: taken from a link, and written back.

The widgets keep their values under keys of their own, which other pages read. A link that names
none of them leaves them as they are, so that a draft outlives a look at another page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui import state
from ui.pruning import ENDS, STRATEGIES

FRACTION, KEEP, OMIT, START = "prune.fraction", "prune.keep", "prune.omit", "prune.start"
MOST = 95
"""Largest share that can be dropped, in percent."""

_MIRRORED = "_draft_as_in_the_address"


def _share(written: Any) -> int | None:
    return int(written) if str(written).isdecimal() and int(written) <= MOST else None


def _one_of(options: dict[str, str]) -> Callable[[Any], Any]:
    return lambda written: written if written in options else None


_CARRIED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "share": (FRACTION, _share),
    "goes": ("prune.prune", _one_of(ENDS)),
    "chosen": ("prune.strategy", _one_of(STRATEGIES)),
    "keep": (KEEP, list),
    "omit": (OMIT, list),
    "start": (START, list),
}
"""Parameters of the address, each with the key of its widget and how it is read."""


def take() -> None:
    """Set the widgets, before they are drawn, to what a link asks for."""
    asked = {name: state.get(name) for name in _CARRIED}
    if not any(asked.values()) or asked == st.session_state.get(_MIRRORED):
        return
    for name, (key, read) in _CARRIED.items():
        if (value := read(asked[name])) is not None:
            st.session_state[key] = value
    if asked["start"] and not asked["share"]:
        st.session_state[FRACTION] = 0


def give() -> None:
    """Write what the widgets hold into the address."""
    for name, (key, _) in _CARRIED.items():
        state.put(name, _written(st.session_state.get(key)))
    st.session_state[_MIRRORED] = {name: state.get(name) for name in _CARRIED}


def _written(value: Any) -> Any:
    return list(value) if isinstance(value, list) else None if value is None else str(value)
