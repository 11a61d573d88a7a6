"""Rows that somebody ticked in listings: kept over pages and views until they are cleared."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from influence_core.store.run import Run
from ui import queries
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
        _all()[_key(run)] = (_of(run) - set(shown)) | now

    places = [place for place, row in enumerate(shown) if row in ticked]
    return Ticks(places, st.session_state.get(_CLEARED, 0), told, first)


def clear(run: Run) -> None:
    """Untick all rows of a run."""
    _all().pop(_key(run), None)
    st.session_state[_CLEARED] = st.session_state.get(_CLEARED, 0) + 1


def _of(run: Run) -> set[int]:
    return _all().get(_key(run), set())


def _key(run: Run) -> tuple[str, str]:
    """Tell a run from an earlier one of its name."""
    return run.name, queries.manifest(run).created


def _all() -> dict[tuple[str, str], set[int]]:
    found: dict[tuple[str, str], set[int]] = st.session_state.setdefault(_TICKED, {})
    return found
