"""How a figure is put on a page: its question above it, in the colours of the page's theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from influence_core.report import charts

_LOOK = {"displayModeBar": False}
_CLICKS = "clicks_on_charts"


def question(words: str) -> None:
    """Write the question that the next figure answers."""
    st.subheader(words, anchor=False)


def draw(figure: Any, key: str) -> None:
    """Draw a figure of `influence_core.report`."""
    st.plotly_chart(charts.themed(figure, "streamlit"), key=key, config=_LOOK)


def draw_clickable(figure: Any, key: str, pick: Callable[[list[Any]], None]) -> None:
    """Draw a figure of which something can be clicked; `pick` is told the `customdata` of it.

    The browser would go on showing what was clicked, so that every click makes the chart a new one.
    """
    key = f"{key} {st.session_state.get(_CLICKS, 0)}"

    def clicked() -> None:
        points = st.session_state[key]["selection"]["points"]
        if points and "customdata" in points[0]:
            st.session_state[_CLICKS] = st.session_state.get(_CLICKS, 0) + 1
            pick(_listed(points[0]["customdata"]))

    st.plotly_chart(
        charts.themed(figure, "streamlit"),
        key=key,
        config=_LOOK,
        on_select=clicked,
        selection_mode="points",
    )


def _listed(told: Any) -> list[Any]:
    """Return the `customdata` of a point as a list: a browser sends a row of numbers by place."""
    if isinstance(told, dict):
        return list(told.values())
    return list(told) if isinstance(told, list | tuple) else [told]
