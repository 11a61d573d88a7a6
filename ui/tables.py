"""Small tables of which rows are chosen or ticked, the id of the chosen one in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from ui import state
from ui.wording import short

if TYPE_CHECKING:
    import pandas as pd

CUT = 400
"""Characters of a text that a table carries; the detail of its row shows all of it."""

PAGE_ROW, HEADING = 35, 38
"""Pixels of a row and of the headings in a table that has a page to itself."""

ROW_HEIGHT = 30
"""Pixels of a row in a table that stands beside others."""

_MARK = "→"
"""What stands before the row that is chosen."""


_LETTER, _PADDING = 6, 16
"""Pixels of a letter in a table as it is usual, and of the edges of a cell."""


def cut(texts: pd.Series, width: int | None = None) -> pd.Series:
    """Return texts as a table carries them; an ellipsis says that there is more.

    The browser cuts what is too long for a column of some `width` in pixels without a word.
    """
    return texts.map(lambda text: short(text, letters(width)), na_action="ignore")


def letters(width: int | None) -> int:
    """Return how many letters of a text are carried for a column of a width in pixels."""
    return CUT if width is None else min(int((width - _PADDING) / _LETTER), CUT)


def height(rows: int, most: int) -> int:
    """Return the pixels of a table that scrolls where it has more than `most` rows."""
    return min(rows, most) * PAGE_ROW + HEADING


def by_group(group: str, rows: str, shares: Sequence[str]) -> dict[str, Any]:
    """Return how columns look that tell groups by name and size, and `shares` in percent."""
    return {
        group: st.column_config.TextColumn(width=260),
        rows: st.column_config.TextColumn(width=84, alignment="right"),
        **{
            name: st.column_config.ProgressColumn(format="%.0f%%", min_value=0, max_value=100)
            for name in shares
        },
    }


@dataclass(frozen=True)
class Ticks:
    """The boxes of a table: which places are ticked, and who is told of a change.

    Another `generation` makes the browser forget what it showed. `first` says that the first row
    is the chosen one where no other is.
    """

    places: list[int]
    generation: int
    told: Callable[[list[int]], None]
    first: bool = True


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


def tick_rows(
    frame: pd.DataFrame,
    ids: Sequence[str],
    parameter: str,
    columns: Mapping[str, Any],
    height: int,
    ticks: Ticks,
) -> None:
    """Draw some rows as a table with a box to tick each; a click or a tick chooses the row.

    It puts the id of its row into `parameter`. Ticks are told to `ticks`, which has those of
    before: the boxes of a table that comes again are ticked again.
    """
    listed = list(ids)
    key = f"ticks {hash((tuple(listed), tuple(columns), ticks.generation))}"
    chosen = state.get(parameter) or (listed[0] if ticks.first else None)
    marks = [_MARK if one == chosen else "" for one in listed]
    st.dataframe(
        frame.assign(chosen=marks),
        hide_index=True,
        height=height,
        column_order=["chosen", *columns],
        column_config={"chosen": st.column_config.TextColumn(" ", width=22), **columns},
        key=key,
        on_select=_tick(key, listed, parameter, ticks),
        selection_mode=["multi-row", "single-cell"],
        selection_default={"selection": {"rows": ticks.places, "columns": [], "cells": []}},
    )


def lead_to(
    frame: pd.DataFrame, ids: Sequence[str], parameter: str, columns: Mapping[str, Any], key: str
) -> None:
    """Draw some rows as a table of which none is chosen; a click puts the id of its row."""
    listed = list(ids)
    key = f"{key} {hash(tuple(listed))} {state.get(parameter)}"
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        row_height=ROW_HEIGHT,
        column_order=list(columns),
        column_config=dict(columns),
        key=key,
        on_select=_choose(key, listed, parameter),
        selection_mode="single-cell",
    )


def _tick(key: str, ids: list[str], parameter: str, ticks: Ticks) -> Callable[[], None]:
    def tick() -> None:
        selection = st.session_state[key]["selection"]
        ticks.told(selection["rows"])
        cells = [tuple(cell) for cell in selection["cells"]]
        ticked = [row for row in selection["rows"] if row not in ticks.places]
        if cells != st.session_state.get(_clicked(key), []):
            st.session_state[_clicked(key)] = cells
            _choose(key, ids, parameter, rows=False)()
        elif len(ticked) == 1 and ticked[0] < len(ids):
            state.put(parameter, ids[ticked[0]])

    return tick


def _clicked(key: str) -> str:
    """Return the key of the cell that was clicked last: ticks come with it, clicked or not."""
    return f"{key} clicked"


def _choose(key: str, ids: list[str], parameter: str, rows: bool = True) -> Callable[[], None]:
    def choose() -> None:
        selection = st.session_state[key]["selection"]
        clicked = [row for row, _ in selection["cells"]] or (selection["rows"] if rows else [])
        if clicked and clicked[0] < len(ids):
            state.put(parameter, ids[clicked[0]])

    return choose
