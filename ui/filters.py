"""Filters of the examples: typed in a small form, kept in the address as `column=values`.

Column and values are percent-encoded, so that no character of a dataset can stand for one of the
signs: a range is written `column=low:high`, a missing value `column=!`, a part of a text
`column=*text`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import streamlit as st

from influence_core.store import tables
from influence_core.store.columns import Catalogue, Column
from influence_core.store.query import Between, Contains, Filter, OneOf
from influence_core.store.run import Run
from ui import queries, state
from ui.wording import column_title, figures

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 1_000
"""Distinct values above which a column is searched instead of picked from."""

_MISSING, _PART, _RANGE = "!", "*", ":"


def encode(wanted: Filter) -> str:
    """Return a filter as it stands in the address."""
    column = quote(wanted.column, safe="")
    if isinstance(wanted, Between):
        ends = ("" if end is None else repr(end) for end in (wanted.minimum, wanted.maximum))
        return f"{column}={_RANGE.join(ends)}"
    if isinstance(wanted, Contains):
        return f"{column}={_PART}{quote(wanted.text, safe='')}"
    kept = wanted.values  # noqa: PD011
    values = (_MISSING if value is None else quote(str(value), safe="") for value in kept)
    return f"{column}={','.join(values)}"


def decode(written: str, known: Catalogue) -> Filter | None:
    """Return the filter that stands in the address, or None where the run has no such column."""
    name, _, rest = written.partition("=")
    column = unquote(name)
    if column not in known or not known.get(column).filterable:
        return None
    if rest.startswith(_PART):
        return Contains(column=column, text=unquote(rest[1:]))
    if _RANGE in rest:
        low, _, high = rest.partition(_RANGE)
        return Between(column=column, minimum=_number(low), maximum=_number(high))
    values = (None if part == _MISSING else unquote(part) for part in rest.split(","))
    return OneOf(column=column, values=tuple(values))


def worded(written: str) -> str:
    """Return a filter in words."""
    name, _, rest = written.partition("=")
    column = unquote(name)
    if rest.startswith(_PART):
        return f"{column} contains {unquote(rest[1:])}"
    if _RANGE in rest:
        ends = [_number(end) for end in rest.split(_RANGE, 1)]
        low, high = ("…" if end == "–" else end for end in figures(ends))
        return f"{column} {low} to {high}"
    values = [part if part != _MISSING else "missing" for part in rest.split(",")]
    return f"{column} is {' or '.join(map(unquote, values))}"


def chosen(known: Catalogue) -> tuple[Filter, ...]:
    """Return the filters in force."""
    return tuple(found for written in state.get("filter") if (found := decode(written, known)))


def put(wanted: Filter) -> None:
    """Put a filter into force, in place of an earlier one of its column."""
    written = encode(wanted)
    column = written.partition("=")[0]
    others = [one for one in state.get("filter") if one.partition("=")[0] != column]
    state.put("filter", [*others, written])


def editor(run: Run, known: Catalogue, add: Callable[[Filter], None]) -> None:
    """Draw the form of a filter, and the button that adds it."""
    columns = [column for column in known.columns if column.filterable and _useful(column)]
    column = st.selectbox(
        "Column", columns, format_func=lambda column: column_title(column.name), key="filter_column"
    )
    wanted = _form(run, column)
    st.button("Add", disabled=wanted is None, on_click=add, args=(wanted,), type="primary")


def in_force(changed: Callable[[], None]) -> None:
    """Draw the filters in force, each of which can be taken away."""
    written = state.get("filter")
    if written:
        # A widget of this key on the page before would leave this one empty at first.
        state.put("filter", written)
        st.multiselect(
            "Filters in force",
            written,
            format_func=worded,
            key="filter",
            persist_state="session",
            label_visibility="collapsed",
            on_change=changed,
        )


def _useful(column: Column) -> bool:
    """Leave out the columns that have their own controls."""
    return column.name not in ("text", "text_pair")


def _form(run: Run, column: Column) -> Filter | None:
    key = f"filter_value_{column.name}"
    if column.kind in ("number", "integer"):
        low = st.number_input("From", value=None, key=f"{key}_low", placeholder="any")
        high = st.number_input("To", value=None, key=f"{key}_high", placeholder="any")
        if low is None and high is None:
            return None
        return Between(column=column.name, minimum=low, maximum=high)
    import pandas as pd

    found = None if _all_differ(run, column) else _values(run, column)
    if found is None or len(found) > MOST_VALUES:
        text = st.text_input("Contains", key=key)
        return Contains(column=column.name, text=text) if text else None
    values = [None if pd.isna(value) else value for value in found["value"].tolist()]
    picked = st.multiselect(
        "Is one of",
        values,
        format_func=lambda value: "missing" if value is None else str(value),
        key=key,
    )
    return OneOf(column=column.name, values=tuple(map(_text, picked))) if picked else None


def _all_differ(run: Run, column: Column) -> bool:
    """Say whether a column has too many values to be counted: ids are all different."""
    dataset = queries.manifest(run).dataset
    return column.name == "id" and dataset is not None and dataset.rows > MOST_VALUES


def _values(run: Run, column: Column) -> pd.DataFrame:
    return queries.ask(run, tables.value_counts, column.name, groups=MOST_VALUES + 1)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _number(written: str) -> float | None:
    try:
        return float(written)
    except ValueError:
        return None
