"""One example whole: what it says, its scores, how it was learnt, its tokens, what is near it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from influence_core.errors import DataError
from influence_core.report.learning_picture import learning_picture
from influence_core.scores.registry import ScoreSpec, specs_of
from influence_core.store import tables
from influence_core.store.columns import CORE
from influence_core.store.rows import Example
from influence_core.store.run import Run
from ui import influence, nearby, queries, tokens
from ui.shell import Lens
from ui.tables import CUT
from ui.wording import count, figure, percent, plain, short

TABS = ("Overview", "Tokens", "Neighbours", "Influence")


def detail(view: Lens, key: str, across: bool = False) -> None:
    """Draw everything that is known of one example; `across` where there is a whole page's width.

    What takes a while is worked out when its tab is opened.
    """
    try:
        example = queries.ask(view.run, tables.example, str(key))
    except DataError:
        st.warning("The example of this link is not in the run.", icon=":material/search_off:")
        return
    with st.container(border=True, gap="small"):
        if across:
            said, verdict = st.columns([3, 2], gap="medium")
            with said:
                _texts(example)
            with verdict:
                _verdict(example)
        else:
            _texts(example)
            _verdict(example)
        _tabs(view, example, across)


def _tabs(view: Lens, example: Example, across: bool) -> None:
    overview, by_token, near, pulls = st.tabs(TABS, key="tab", on_change="rerun")
    if overview.open:
        with overview:
            _overview(view, example, across)
    if by_token.open:
        with by_token:
            tokens.show(view.run, example)
    if near.open:
        with near:
            nearby.show(view.run, example)
    if pulls.open:
        with pulls:
            influence.of_row(view.run, example)


def _overview(view: Lens, example: Example, across: bool) -> None:
    if across:
        left, right = st.columns(2, gap="medium")
        with left:
            _scores(example, view)
        with right:
            _training(view.run, example)
    else:
        _scores(example, view)
        _training(view.run, example)
    _other_columns(example)


def _inputs(example: Example) -> dict[str, Any]:
    """Return the input columns of an example; the name has nothing to do with pandas."""
    return example.values


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
        st.caption("Class")
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
                "In class": f"{reading.class_norm:.2f}",
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
            "In class": st.column_config.TextColumn(
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
    picture = learning_picture(queries.ask(run, tables.dynamics, example.row))
    if picture:
        st.caption("How sure was the model of the label as it learnt?")
        st.markdown(picture, unsafe_allow_html=True)


def _other_columns(example: Example) -> None:
    """Draw the row's number, id, split and the input columns that were carried along."""
    import pandas as pd

    hidden = {"text", "text_pair", "label"}
    values = {"row": count(example.row), **_inputs(example)}
    listed = [
        {"Column": name, "Value": short(value, CUT)}
        for name, value in sorted(values.items(), key=lambda item: item[0] not in (*CORE, "row"))
        if name not in hidden and value is not None
    ]
    with st.expander("Other columns"):
        st.dataframe(pd.DataFrame(listed), hide_index=True, height="content")
