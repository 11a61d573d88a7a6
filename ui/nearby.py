"""Rows that are near another one, as a table that says whether their labels agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from influence_core.noise.near import Neighbour, nearest
from influence_core.store.rows import Example
from influence_core.store.run import Run
from influence_core.training.untuned import untuned_file
from ui import queries
from ui.tables import ROW_HEIGHT, lead_to
from ui.wording import count, counted, plain, short

NEAREST = 8

Row = TypeVar("Row", int, str)
Answer = TypeVar("Answer")

_NEAR = "How alike the texts are to the encoder: cosine of their features, at most 1."

_BY = {
    "untuned": "as the encoder read them before training",
    "final": "as the fine-tuned model reads them: after training, rows of one label lie together",
}


def show(run: Run, example: Example) -> None:
    """Answer which rows are nearest to an example, and whether they have its label."""
    with st.spinner("Comparing with all training rows …"):
        found = ask(run, nearest, example.row, NEAREST)
    if not found.rows:
        st.info(
            "This run keeps no features of an encoder, and no other row has this text.",
            icon=":material/info:",
        )
        return
    label = example.values["label"]
    others = sum(one.label != label for one in found.rows)
    verdict = (
        f"{count(others)} of the {counted(len(found.rows), 'nearest training row')} "
        f"{'has' if others == 1 else 'have'} another label than {plain(short(label, 40))}."
        if others
        else f"All {count(len(found.rows))} nearest training rows have its label."
    )
    st.caption(f"**Which texts are most alike, and how are they labelled?** {verdict}")
    table(found.rows, label)
    st.caption(
        f"Nearest {_BY[found.encoder]}. Click a row to read it."
        if found.encoder
        else "No features of an encoder are kept: only equal texts were found."
    )


def ask(run: Run, question: Callable[[Run, Row, int], Answer], row: Row, most: int) -> Answer:
    """Answer which rows are near: once for each state of the untuned features.

    A map of a fine-tuned run makes them without a new content version of the run.
    """
    file = untuned_file(run)
    made = file.stat().st_mtime_ns if file.exists() else 0
    return queries.ask(run, _answered, question, row, most, made)


def table(rows: Sequence[Neighbour], label: str | None = None) -> None:
    """Draw rows with how near they are; given a `label`, say which of them have another one.

    A click then leads to a row.
    """
    import pandas as pd

    frame = pd.DataFrame(
        {
            "Text": [" / ".join(filter(None, (one.text, one.text_pair))) for one in rows],
            "Label": [one.label for one in rows],
            "Same": ["same" if one.label == label else "other" for one in rows],
            "Near": [_nearness(one) for one in rows],
        }
    )
    text = st.column_config.TextColumn
    if label is None:
        st.dataframe(
            frame,
            hide_index=True,
            height="content",
            row_height=ROW_HEIGHT,
            column_order=("Text", "Label", "Near"),
            column_config={
                "Text": text(width=300),
                "Label": text(width=130),
                "Near": text(width=80, help=_NEAR),
            },
        )
        return
    columns = {
        "Text": text(width=118),
        "Label": text(width=74),
        "Same": text("Its label", width=62, help="Whether the row has this example's label."),
        "Near": text(width=66, help=_NEAR),
    }
    lead_to(frame, [one.id for one in rows], "id", columns, "near")


def _answered(
    run: Run, question: Callable[[Run, Row, int], Answer], row: Row, most: int, made: int
) -> Answer:
    return question(run, row, most)


def _nearness(one: Neighbour) -> str:
    if one.same_text:
        return "same text"
    return "–" if one.similarity is None else f"{one.similarity:.2f}"
