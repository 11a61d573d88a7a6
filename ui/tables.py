"""Small tables of which one row is chosen, its id kept in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui import state

if TYPE_CHECKING:
    import pandas as pd


def choose_row(
    frame: pd.DataFrame,
    ids: Sequence[str],
    parameter: str,
    columns: Mapping[str, Any],
    height: int,
) -> None:
    """Draw some rows as a table; a click puts the id of its row into `parameter`.

    The first row is chosen where the parameter names none of them. `columns` are drawn in their
    order, each with its configuration.
    """
    listed = list(ids)
    chosen = listed.index(state.get(parameter)) if state.get(parameter) in listed else 0
    key = f"rows {hash((tuple(listed), tuple(columns), chosen))}"
    st.dataframe(
        frame,
        hide_index=True,
        height=height,
        column_order=list(columns),
        column_config=dict(columns),
        key=key,
        on_select=_choose(key, listed, parameter),
        selection_mode=["single-row-required", "single-cell"],
        selection_default={"selection": {"rows": [chosen], "columns": [], "cells": []}},
    )


def _choose(key: str, ids: list[str], parameter: str) -> Callable[[], None]:
    def choose() -> None:
        selection = st.session_state[key]["selection"]
        rows = [row for row, _ in selection["cells"]] or selection["rows"]
        if rows and rows[0] < len(ids):
            state.put(parameter, ids[rows[0]])

    return choose
