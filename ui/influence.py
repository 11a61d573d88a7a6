"""Which training rows made the model say what it says, of a row or of a text that is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from influence_core.errors import InfluenceError
from influence_core.store.rows import Example
from influence_core.store.run import Run
from ui import access, queries, state
from ui.tables import lead_to, letters
from ui.wording import percent, plain, short

if TYPE_CHECKING:
    from influence_core.scores.pairwise.explain import Influences

ROWS = 5
"""Rows of each side that are shown."""

_HELP = (
    "How far training on the row lowered (+) or raised (−) the model's loss on this text for the "
    "label, summed over the checkpoints: TracIn at the head's last layer, in nats."
)


def of_row(run: Run, example: Example) -> None:
    """Answer which training rows pull the model towards the label of a row, and which away."""
    found = _explained(run, row=example.row)
    if found is not None:
        _sides(found)


def ask(run: Run) -> None:
    """Draw a box for a sentence; answer what the model says of it, and because of which rows.

    Where texts are masked there is none: rows that speak for a sentence tell what they hold.
    """
    if access.masked():
        return
    dataset = queries.manifest(run).dataset
    with st.expander(
        "What would the model say of a text of yours, and which training rows made it say so?",
        expanded=bool(state.get("ask")),
        icon=":material/question_answer:",
    ):
        typed = st.text_input("Your text", key="ask", persist_state="session")
        second = None
        if dataset is not None and dataset.pairs:
            second = st.text_input("Its second text", key="ask.pair", persist_state="session")
        if not typed or second == "":
            st.caption(
                "The model of this run is asked, where the dashboard runs. The text stands in the "
                "page's address, as every view does."
            )
            return
        found = _explained(run, text=typed, text_pair=second)
        if found is not None:
            st.caption(f"The model says, {percent(found.confidence, 0)} sure")
            st.text(found.predicted)
            _sides(found, beside=True)


def _explained(run: Run, **asked: Any) -> Influences | None:
    """Return the rows that spoke for and against; say kindly where none can be told."""
    from influence_core.scores.pairwise.explain import explain

    try:
        with st.spinner("Weighing every training row …"):
            return queries.ask(run, explain, count=ROWS, **asked)
    except InfluenceError as error:
        st.info(plain(error), icon=":material/info:")
        return None


def _sides(found: Influences, beside: bool = False) -> None:
    label = plain(short(found.label, 40))
    towards, away = st.columns(2, gap="medium") if beside else (st.container(), st.container())
    wide = 250 if beside else 150
    with towards:
        told = f"**Which rows pulled the model towards {label}?** Proponents"
        _side(told, found.proponents, wide)
    with away:
        _side(f"**Which rows pulled it away from {label}?** Opponents", found.opponents, wide)
    if found.checkpoints < found.kept:
        st.caption(
            f"Over the last of {found.kept} checkpoints: what the encoder made of this text "
            "earlier was not kept."
        )
    st.caption("Click a row to read it.")


def _side(title: str, rows: Any, wide: int) -> None:
    import pandas as pd

    st.caption(title)
    if not rows:
        st.caption("None.")
        return
    frame = pd.DataFrame(
        {
            "Text": [
                short(" / ".join(filter(None, (one.text, one.text_pair))), letters(wide))
                for one in rows
            ],
            "Label": [one.label for one in rows],
            "Influence": [f"{one.value:+.3g}" for one in rows],
        }
    )
    text = st.column_config.TextColumn
    columns = {
        "Text": text(width=wide),
        "Label": text(width=88),
        "Influence": text(width=78, alignment="right", help=_HELP),
    }
    lead_to(frame, [one.id for one in rows], "id", columns, title)
