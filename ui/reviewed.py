"""What becomes of the decisions: they go into an export, or into a new run."""

from __future__ import annotations

import streamlit as st

from influence_core import jobs
from influence_core.noise.mending import plan_reviewed
from influence_core.store.run import Run
from ui import access, shell, state
from ui.reviewing import Desk, changes


def go_on(run: Run, desk: Desk) -> None:
    """Draw the ways on from the decisions that stand."""
    st.subheader("What becomes of the decisions?", anchor=False)
    told = changes(desk.standing.values())
    if not told:
        st.caption(
            "As soon as a row is relabelled or dropped, the reviewed data can be exported, or "
            "trained on in a new run."
        )
        return
    st.markdown(f"The reviewed data differs in **{told}**. The run itself keeps the data it has.")
    if access.say_only_read("Training on it is switched off"):
        return
    export, name, start = st.columns([1.2, 2, 1.2], vertical_alignment="bottom")
    with export:
        shell.link("export", "Export it", ":material/download:", run=run.name, share="0")
    typed = name.text_input(
        "Name of the new run",
        placeholder=f"{run.name}-reviewed, with a number if need be",
        key="noise.name",
        help="It trains as this run did, or as a probe where this one was trained elsewhere. "
        "Letters, digits, '.', '_' and '-'.",
    )
    if start.button("Start a new run", icon=":material/play_arrow:", width="stretch"):
        _start(run, typed.strip())


def _start(run: Run, name: str) -> None:
    with st.spinner("Writing the reviewed data"):
        planned = plan_reviewed(run, name or None)
    jobs.start(planned.settings, planned.name, queued=True)
    st.switch_page(
        shell.PAGES / "run.py", query_params=state.link(run=planned.name, view="progress")
    )
