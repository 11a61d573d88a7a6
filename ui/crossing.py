"""Cross-filters: a click on a chart narrows the rows in view, a second click widens them again.

A chart on which one clicks shows all rows that the other filters leave, what is chosen marked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, nextafter
from typing import Any

import streamlit as st

from influence_core.store import tables
from influence_core.store.query import Between, ExampleQuery, Filter, OneOf
from ui import filters, queries, rows, state
from ui.shell import Lens


def any_left(view: Lens) -> bool:
    """Say whether any row is in view; where there is none, tell what to do."""
    if queries.ask(view.run, tables.count, view.query()):
        return True
    with st.container(border=True):
        st.markdown("**No training row is in view.**")
        st.write("Take a filter away, or see all rows again.")
        st.button("Show all rows", icon=":material/close:", on_click=rows.show_all)
    return False


def others(query: ExampleQuery, column: str) -> ExampleQuery:
    """Return a query for the rows that all filters leave but those of a column."""
    left = tuple(one for one in query.filters if one.column != column)
    more: dict[str, Any] = {"labels": ()} if column == "label" else {}
    return query.model_copy(update={"filters": left, **more})


def groups_chosen(query: ExampleQuery, by: str) -> tuple[str, ...]:
    """Return the groups of a column that a query keeps to."""
    picked = (one for one in query.filters if isinstance(one, OneOf) and one.column == by)
    values = [value for one in picked for value in one.values]
    found = [tables.MISSING if value is None else str(value) for value in values]
    return (*(query.labels if by == "label" else ()), *found)


def range_chosen(query: ExampleQuery, column: str) -> tuple[float, float] | None:
    """Return the range of a column that a query keeps to."""
    for one in query.filters:
        if isinstance(one, Between) and one.column == column:
            low = -inf if one.minimum is None else one.minimum
            high = inf if one.maximum is None else one.maximum
            return float(low), float(high)  # type: ignore[arg-type]
    return None


def pick_group(groups: Sequence[str], by: str) -> Callable[[list[Any]], None]:
    """Return what a click does whose `customdata` begins with the place of one of the groups."""

    def pick(told: list[Any]) -> None:
        group = groups[int(told[0])]
        if group != tables.OTHER:
            value = None if group == tables.MISSING else group
            _turn(OneOf(column=by, values=(value,)))

    return pick


def pick_range(column: str, last: float) -> Callable[[list[Any]], None]:
    """Return what a click does whose `customdata` are the ends of a bin.

    The upper end belongs to the next bin, but where it is the `last`.
    """

    def pick(told: list[Any]) -> None:
        low, high = float(told[0]), float(told[1])
        within = high if high >= last else nextafter(high, low)
        _turn(Between(column=column, minimum=low, maximum=within))

    return pick


def _turn(wanted: Filter) -> None:
    """Put a filter into force, or take it away where it is."""
    written = filters.encode(wanted)
    label = isinstance(wanted, OneOf) and wanted.column == "label" and wanted.values
    if label and wanted.values[0] == state.get("label"):
        state.put("label", None)
    elif written in state.get("filter"):
        state.put("filter", [one for one in state.get("filter") if one != written])
    else:
        rows.narrow(wanted)
    rows.restart()
