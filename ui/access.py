"""What whoever looks may do and see: the one place that pages ask before they draw a way to write.

What is not drawn is not thereby forbidden: the core refuses to write, and texts that are masked do
not reach the pages.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from influence_core.access import read_only, texts_masked
from influence_core.store.masking import UNSAID
from ui import state

__all__ = ["locked", "masked", "read_only", "say_only_read", "settle", "sidebar", "texts_masked"]

WHY = (
    "This is a read-only demonstration: everything can be looked at, and nothing can be started, "
    "decided or saved."
)

SEARCH_OFF = "Texts are masked, and what is found would tell what they hold."


def locked(disabled: bool = False, help: str | None = None) -> dict[str, Any]:
    """Return how a button that writes looks: disabled, and saying why, where nothing may be."""
    if read_only():
        return {"disabled": True, "help": WHY}
    return {"disabled": disabled, "help": help}


def say_only_read(what: str) -> bool:
    """Say where nothing may be written that `what` is switched off; return whether that is so."""
    if read_only():
        st.caption(f":material/lock: {what} in this read-only demonstration.")
    return read_only()


def masked() -> bool:
    """Say whether texts are masked: for everybody, or because whoever looks asked for it."""
    return texts_masked() or bool(state.get("masked"))


def settle() -> None:
    """Forget what the address asks of texts that are masked."""
    if masked():
        state.put("search", None)
        state.put("ask", None)
        state.put("sentence", None)
        state.put("regex", False)


def message(said: str) -> str:
    """Return a message about the data as it may be shown: it may quote them."""
    return UNSAID if masked() else said


def sidebar() -> None:
    """Draw what holds on every page: that nothing can be written, and whether texts are shown."""
    if read_only():
        st.badge("Read-only demonstration", icon=":material/lock:", color="gray", help=WHY)
    if texts_masked():
        st.badge(
            "Texts masked",
            icon=":material/visibility_off:",
            color="gray",
            help="Labels, ids and figures are shown, texts are not.",
        )
        return
    st.toggle(
        "Mask the texts",
        key="masked",
        persist_state="session",
        help="On every page: labels, ids and figures stay. It is about what is shown; what is "
        "exported holds the texts.",
    )
