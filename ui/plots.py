"""How a figure is put on a page: in the colours of the page's theme, light or dark."""

from __future__ import annotations

from typing import Any

import streamlit as st

from influence_core.report import charts


def draw(figure: Any, key: str) -> None:
    """Draw a figure of `influence_core.report.charts`."""
    st.plotly_chart(charts.themed(figure, "streamlit"), key=key, config={"displayModeBar": False})
