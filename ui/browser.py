"""The examples by page, and one of them whole. Only the page in view leaves the server."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import TYPE_CHECKING, Any

import streamlit as st

from influence_core.errors import DataError
from influence_core.report import charts
from influence_core.scores.registry import ScoreSpec, specs_of
from influence_core.store import tables
from influence_core.store.columns import CORE
from influence_core.store.query import ExampleQuery
from influence_core.store.rows import Example
from influence_core.store.run import Run
from ui import plots, queries, rows, state
from ui.shell import Lens
from ui.tables import choose_row
from ui.wording import count, counted, figure, figures, percent, plain

if TYPE_CHECKING:
    import pandas as pd

PAGE_SIZE = 25

ENDS = {"hardest": "Hardest first", "easiest": "Easiest first"}

_CUT = 400
"""Characters of a text that the table carries; the detail shows all of it."""


def controls(view: Lens) -> ExampleQuery:
    """Draw the rows in view and their order, and return the query they make."""
    state.settle("end", list(ENDS))
    rows.bar(view.run, view.manifest)
    st.segmented_control(
        "Order",
        list(ENDS),
        format_func=ENDS.get,
        key="end",
        required=True,
        persist_state="session",
        on_change=rows.restart,
        label_visibility="collapsed",
    )
    return view.query(order=state.get("end"))


def listing(view: Lens, query: ExampleQuery) -> Any:
    """Draw one page of the examples and return the id of the chosen one."""
    found = queries.ask(view.run, tables.count, query)
    st.caption(
        f"{counted(found, 'training row')} by {view.spec.label}, {ENDS[query.order].lower()}"
        + ("" if query.normalise == "raw" else f", {_compared(query.normalise)}")
    )
    if not found:
        st.info(
            "No example fits. Take a filter away, or search for less.", icon=":material/search:"
        )
        return None
    pages = ceil(found / PAGE_SIZE)
    number = min(state.get("page"), pages)
    state.put("page", number)
    frame = queries.ask(view.run, tables.page, query, number, PAGE_SIZE)
    _table(view, frame)
    st.pagination(
        pages, key="page", persist_state="session", on_change=state.put, args=("id", None)
    )
    return state.get("id") or frame["id"].iloc[0]


def detail(view: Lens, key: str) -> None:
    """Draw everything that is known of one example."""
    try:
        example = queries.ask(view.run, tables.example, str(key))
    except DataError:
        st.warning("The example of this link is not in the run.", icon=":material/search_off:")
        return
    with st.container(border=True, gap="small"):
        _texts(example)
        _verdict(example)
        _scores(example, view)
        _training(view.run, example)
        _other_columns(example)


def _compared(norm: str) -> str:
    return "compared within the class" if norm == "class" else "compared within the dataset"


def _table(view: Lens, frame: pd.DataFrame) -> None:
    """Draw the page as a table of which one row is chosen."""
    pairs = frame["text_pair"].notna().any()
    shown = frame.assign(
        text=frame["text"].str.slice(0, _CUT),
        text_pair=frame["text_pair"].str.slice(0, _CUT),
        value=figures(frame[view.column]),
    )
    widths = (160, 150) if pairs else (300, None)
    text = st.column_config.TextColumn
    columns = {"text": text("Text", width=widths[0])}
    if pairs:
        columns["text_pair"] = text("Second text", width=widths[1])
    columns["label"] = text("Label", width=115)
    columns["value"] = text(view.spec.label, width=76, alignment="right")
    choose_row(shown, frame["id"].tolist(), "id", columns, PAGE_SIZE * 35 // 2 + 38)


def _inputs(example: Example) -> dict[str, Any]:
    """Return the input columns of an example; the name has nothing to do with pandas."""
    return example.values  # noqa: PD011


def _texts(example: Example) -> None:
    for name in ("text", "text_pair"):
        text = _inputs(example).get(name)
        if text is not None:
            with st.container(height=220 if len(text) > 600 else "content", gap=None):
                st.text(text)


def _verdict(example: Example) -> None:
    """Draw the label and what the final model says instead."""
    label, said = st.columns(2, gap="small")
    with label, st.container(gap=None):
        st.caption("Label")
        st.text(_inputs(example)["label"])
    if example.prediction:
        sure = percent(example.prediction.get("final_confidence"), 0)
        with said, st.container(gap=None):
            st.caption(f"The model says, {sure} sure")
            st.text(example.prediction["predicted"])


def _scores(example: Example, view: Lens) -> None:
    """Draw all scores: value, how hard it makes the example, and what high means."""
    import pandas as pd

    if not example.scores:
        st.caption(f"No scores: the row is in the {_inputs(example)['split']} split.")
        return
    entries = specs_of(view.manifest)
    table = pd.DataFrame(
        [
            {
                "Score": entries[reading.score].label,
                "Value": figure(reading.raw),
                "Harder than": reading.percentile,
                "Class z": f"{reading.class_norm:.2f}",
            }
            for reading in example.scores
            if reading.score in entries
        ]
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        row_height=30,
        column_config={
            "Score": st.column_config.TextColumn(width=88),
            "Value": st.column_config.TextColumn(
                width=72, alignment="right", help=_hard_ends(entries.values())
            ),
            "Harder than": st.column_config.ProgressColumn(
                format="%.0f%%",
                min_value=0,
                max_value=100,
                width=100,
                help="Share of the other training rows that are easier by this score.",
            ),
            "Class z": st.column_config.TextColumn(
                width=64,
                alignment="right",
                help="Standard deviations from the mean of the rows with the same label.",
            ),
        },
    )
    if example.never_learnt:
        st.caption("The model was never right about it in any snapshot.")


def _hard_ends(entries: Iterable[ScoreSpec]) -> str:
    """Say for every score which end is hard."""
    known = list(entries)
    ends = {
        end: ", ".join(plain(entry.label) for entry in known if entry.hard == end)
        for end in ("high", "low")
    }
    return " ".join(f"{end.capitalize()} is hard: {names}." for end, names in ends.items() if names)


def _training(run: Run, example: Example) -> None:
    points = queries.ask(run, tables.dynamics, example.row)
    if points.empty:
        return
    st.caption("How sure was the model of the label as it learnt?")
    plots.draw(charts.dynamics(points), "dynamics")


def _other_columns(example: Example) -> None:
    """Draw the row's number, id, split and the input columns that were carried along."""
    import pandas as pd

    hidden = {"text", "text_pair", "label"}
    values = {"row": count(example.row), **_inputs(example)}
    listed = [
        {"Column": name, "Value": str(value)[:_CUT]}
        for name, value in sorted(values.items(), key=lambda item: item[0] not in (*CORE, "row"))
        if name not in hidden and value is not None
    ]
    with st.expander("Other columns"):
        st.dataframe(pd.DataFrame(listed), hide_index=True, height="content")
