"""A sentence that is tried on a stack: its domain, intent and slots, and the rows behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core.errors import InfluenceError
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.kept import keeps, open_stack
from influence_core.report.slot_chips import slotted
from ui import access, plots, queries, state
from ui.stacks import findings
from ui.tables import ROW_HEIGHT, letters
from ui.wording import counted, percent, plain, short

if TYPE_CHECKING:
    import pandas as pd

    from influence_core.nlu.understanding import Choice, Found, Understood, Voices

ROWS = 5
"""Rows of each side that are shown."""

OPTIONS = 5
"""Domains and intents that are shown with their probabilities, the likeliest."""

SLOTS = 8
"""Slots whose rows are shown; all are marked in the sentence."""

OFFERED, LONGEST = 3, 48
"""Test rows that are offered to be tried, and their letters at most."""

LETTERS = 300
"""Letters of a sentence that can be typed."""

_SIDES, _VOICES = (1, 1.9), 410
"""Widths of what was chosen beside the rows that spoke, and pixels of their words."""

_HELP = (
    "How far a step on the row would lower (+) or raise (−) the loss of what was chosen for this "
    "sentence: the product of both gradients at the last layer, at the final weights, in nats per "
    "unit of learning rate."
)


def offered(experiment: StackExperiment) -> list[str]:
    """Return some short test rows with slots, always the same ones."""
    import numpy as np

    truth = [one for one in findings(experiment).truth if len(one.text) <= LONGEST]
    texts = [one.text for one in truth if one.slots] or [one.text for one in truth]
    different = list(dict.fromkeys(text for text in texts if text.strip()))
    order = np.random.default_rng(0).permutation(len(different))
    return [different[place] for place in order[:OFFERED]]


def show(experiment: StackExperiment) -> None:
    """Draw a box for a sentence; answer what the stack understands, and because of which rows.

    Where texts are masked there is none: rows that speak for a sentence tell what they hold.
    """
    plots.question("What does the stack understand, and which training rows made it so?")
    if access.masked():
        st.caption("Texts are masked, and the rows that speak for a sentence would tell them.")
        return
    if not keeps(experiment):
        _say_how_to_keep_one(experiment)
        return
    sentence = _asked(queries.ask(experiment, offered))
    if not sentence.strip():
        st.caption(
            "The stack that the server keeps is asked, and the sentence stands in the page's "
            "address, as every view does."
        )
        return
    found = _understood(experiment, sentence)
    if found is not None:
        _draw(found)


def _say_how_to_keep_one(experiment: StackExperiment) -> None:
    try:
        open_stack(experiment)
    except InfluenceError as error:
        st.caption(plain(error))


def _asked(texts: list[str]) -> str:
    """Draw the box, and test rows that fill it."""
    st.text_input(
        "Say something to the assistant",
        key="sentence",
        persist_state="session",
        placeholder=texts[0] if texts else None,
        max_chars=LETTERS,
    )
    if texts:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("Test rows:", width="content")
            for place, text in enumerate(texts):
                st.button(
                    plain(text),
                    key=f"offered {place}",
                    on_click=state.put,
                    args=("sentence", text),
                )
    return str(state.get("sentence") or "")


def _understood(experiment: StackExperiment, sentence: str) -> Understood | None:
    """Return what the stack understands; say kindly where it cannot be asked."""
    # It loads torch, which reading a page must not wait for.
    from influence_core.nlu.understanding import understand

    try:
        with st.spinner("Weighing every training row …"):
            return queries.ask(experiment, understand, sentence, count=ROWS)
    except InfluenceError as error:
        st.info(plain(error), icon=":material/info:")
        return None


def _draw(found: Understood) -> None:
    if found.unread:
        st.caption(plain(found.unread))
    _choice("Domain", found.domain)
    _choice("Intent", found.intent)
    _slots(found)
    st.caption(
        "Rows speak at the final weights. One that is learnt well has hardly an error left and "
        "hardly speaks; hard and wrongly labelled ones speak loudest, and all the quieter the "
        "surer the stack is."
    )


def _choice(step: str, choice: Choice) -> None:
    with st.container(border=True):
        chosen, why = st.columns(_SIDES, gap="medium")
        with chosen:
            _head(step, choice.chosen)
            if choice.remark:
                st.caption(plain(choice.remark))
                return
            _options(choice)
        with why:
            _voices(choice.voices, "Said to be")


def _head(step: str, told: str) -> None:
    with st.container(gap=None):
        st.caption(plain(step))
        st.subheader(plain(told), anchor=False)


def _options(choice: Choice) -> None:
    import pandas as pd

    shown = choice.options[:OPTIONS]
    frame = pd.DataFrame(
        {"Name": [one.name for one in shown], "Sure": [100 * one.probability for one in shown]}
    )
    columns = {
        "Name": st.column_config.TextColumn(width=150),
        "Sure": st.column_config.ProgressColumn(format="%.1f%%", min_value=0, max_value=100),
    }
    _table(frame, columns)
    if len(choice.options) > len(shown):
        st.caption(f"The likeliest of {len(choice.options)}.")


def _slots(found: Understood) -> None:
    with st.container(border=True):
        with st.container(gap=None):
            st.caption("Slots")
            slots = [one.slot for one in found.slots]
            st.html(slotted(found.text, slots, found.slot_names))
        if not found.slots:
            st.caption(plain(found.slots_remark) or "None was found.")
            return
        shown = found.slots[:SLOTS]
        titles = [plain(f"{one.slot.name}: {short(found.value(one.slot), 24)}") for one in shown]
        for tab, one in zip(st.tabs(titles), shown, strict=True):
            with tab:
                _slot(found, one)
        if len(found.slots) > len(shown):
            st.caption(f"The first of {counted(len(found.slots), 'slot')}.")


def _slot(found: Understood, one: Found) -> None:
    value, why = st.columns(_SIDES, gap="medium")
    with value:
        _head(one.slot.name, short(found.value(one.slot), 60))
        st.caption(f"{percent(one.confidence)} sure of its least certain token.")
    with why:
        _voices(one.voices, "Its slots", 180)


def _voices(voices: Voices, said: str, wide: int = 150) -> None:
    """Draw the rows of both sides; `said` is the heading of what was said of them."""
    import pandas as pd

    st.caption("**Which training rows spoke for it, and which against it?**")
    rows = [*voices.proponents, *voices.opponents]
    if not rows:
        st.caption("None.")
        return
    width = _VOICES - wide
    frame = pd.DataFrame(
        {
            "Spoke": ["for" if one.value > 0 else "against" for one in rows],
            "Text": [short(one.text, letters(width)) for one in rows],
            said: [short(one.label, letters(wide)) or "–" for one in rows],
            "Influence": [f"{one.value:+.3g}" for one in rows],
        }
    )
    text = st.column_config.TextColumn
    columns = {
        "Spoke": text(width=64),
        "Text": text(width=width),
        said: text(width=wide),
        "Influence": text(width=84, alignment="right", help=_HELP),
    }
    _table(frame, columns)


def _table(frame: pd.DataFrame, columns: dict[str, object]) -> None:
    st.dataframe(
        frame, hide_index=True, height="content", row_height=ROW_HEIGHT, column_config=columns
    )
