"""The last step of a new run: its name, and the buttons that start it or put it into the queue."""

from __future__ import annotations

import streamlit as st

from influence_core import jobs, pipeline
from influence_core.config import RunSettings
from ui import queue, shell, state
from ui.wording import counted


def offer(key: str, settings: RunSettings, ready: bool, usual: str) -> None:
    """Draw the name of a run and the buttons that start it, at once or after what works now."""
    typed, *acts = st.columns([3, 1, 1], vertical_alignment="bottom")
    called = typed.text_input(
        "Name of the run",
        value=usual,
        key=f"{key} {usual}",
        help="Letters, digits, '.', '_' and '-'. The run's folder is called so.",
    ).strip()
    present = queue.busy()
    look = {"disabled": not ready, "width": "stretch", "type": "primary", "key": "start_run"}
    why = None if ready else "The check found errors that must be mended first."
    if present is None:
        if acts[0].button("Start", icon=":material/play_arrow:", help=why, **look):
            _begin(called, settings, queued=True)
        return
    ahead = len(present.working) + len(present.waiting)
    after = why or f"Starts by itself after {counted(ahead, 'job')}, also when this page is closed."
    if acts[0].button("Queue", icon=":material/schedule:", help=after, **look):
        _begin(called, settings, queued=True)
    beside = why or "Works beside what is running: both take longer."
    if acts[1].button("Start now", disabled=not ready, help=beside, width="stretch"):
        _begin(called, settings, queued=False)


def _begin(name: str, settings: RunSettings, queued: bool) -> None:
    """Start a run in the background and show its progress."""
    pipeline.check(settings)
    jobs.start(settings, name, queued=queued)
    st.switch_page(shell.PAGES / "run.py", query_params=state.link(run=name, view="progress"))
