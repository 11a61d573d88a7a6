"""Parts of a page, one of which is shown at a time; the address names it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from ui import state


def choose(titles: Mapping[str, str]) -> str:
    """Draw the choice between the parts of a page and return the chosen one."""
    state.settle("part", list(titles))
    st.segmented_control(
        "Part of the page",
        list(titles),
        format_func=titles.get,
        key="part",
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    chosen: str = state.get("part")
    return chosen
