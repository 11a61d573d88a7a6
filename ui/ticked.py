"""Rows that somebody ticked in listings: kept over pages and views until they are cleared."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from influence_core.store.run import Run
from ui.tables import Ticks

_TICKED = "rows_ticked"
_CLEARED = "times_the_ticks_were_cleared"


def rows(run: Run) -> list[int]:
    """Return the numbers of the rows that are ticked in a run."""
    return sorted(_of(run))


def boxes(run: Run, shown: Sequence[int], first: bool) -> Ticks:
    """Return the boxes of a table with these rows; see `Ticks` for `first`."""
    ticked = _of(run)

    def told(places: list[int]) -> None:
        now = {shown[place] for place in places if place < len(shown)}
        _all()[run.name] = (_of(run) - set(shown)) | now

    places = [place for place, row in enumerate(shown) if row in ticked]
    return Ticks(places, st.session_state.get(_CLEARED, 0), told, first)


def clear(run: Run) -> None:
    """Untick all rows of a run."""
    _all().pop(run.name, None)
    st.session_state[_CLEARED] = st.session_state.get(_CLEARED, 0) + 1


def _of(run: Run) -> set[int]:
    return _all().get(run.name, set())


def _all() -> dict[str, set[int]]:
    found: dict[str, set[int]] = st.session_state.setdefault(_TICKED, {})
    return found
