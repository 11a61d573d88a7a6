"""How a score is spread before rows are dropped, and after."""

from __future__ import annotations

import streamlit as st

from influence_core.report import timing_charts
from influence_core.selection.sampled import before_and_after
from ui import plots, queries, sampling, spread
from ui.shell import Lens
from ui.wording import count, counted, percent, plain


def show(view: Lens) -> None:
    """Draw the distribution of the score over all rows in view, and over those that are kept."""
    wanted = sampling.slider(view)
    title, switch = st.columns([4, 1], vertical_alignment="bottom")
    with title:
        share = percent(wanted.fraction, 0)
        plots.question(f"What does dropping {share} leave of {plain(view.spec.label)}?")
    with switch:
        clip = spread.tails()
    with st.spinner("Selecting …", show_time=True):
        found = queries.ask(
            view.run, before_and_after, view.column, wanted, view.query(), clip=clip
        )
    plots.draw(timing_charts.sampled(found, view.title), "before and after")
    rows, kept = int(found["rows"].sum()), int(found["kept"].sum())
    st.caption(
        f"{count(kept)} of the {counted(rows, 'row')} drawn stay, {percent(kept / max(rows, 1))}. "
        "The share that goes is counted over all training rows, as on Export; the rows drawn are "
        "those in view. A draw by the score thins an end out where a cut-off takes all of it."
    )
