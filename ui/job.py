"""A process at work on a run or an experiment: how it stands, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from influence_core import jobs
from influence_core.errors import InfluenceError, RunError
from influence_core.jobs import JobStatus, Place
from influence_core.progress import duration
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from ui import access, shell, state, waiting
from ui.wording import count, counted, percent, plain

REFRESH_SECONDS = 1.0

_ACTED = "job_was_told"
"""Set when a button was pressed: the page around the fragment must be drawn anew, too."""

_STATES = {
    "idle": ("Not started", "gray"),
    "queued": ("Waiting", "violet"),
    "running": ("Running", "blue"),
    "finished": ("Complete", "green"),
    "failed": ("Failed", "red"),
    "cancelled": ("Cancelled", "gray"),
    "interrupted": ("Interrupted", "orange"),
}

Here = TypeVar("Here", bound=Place)


def watch(place: Here, draw: Callable[[Here, JobStatus], None]) -> None:
    """Call `draw`, and call it anew every second while a process works or waits there."""
    status = jobs.status(place)
    every = REFRESH_SECONDS if status.active else None
    st.fragment(_live, run_every=every)(place, draw, status.active)


def _live(place: Here, draw: Callable[[Here, JobStatus], None], was_active: bool) -> None:
    if st.session_state.pop(_ACTED, False):
        st.rerun(scope="app")
    with shell.guard():
        status = jobs.status(place)
        if was_active and not status.active:
            st.rerun(scope="app")
        draw(place, status)


def head(place: Place, status: JobStatus, chosen_by: str) -> None:
    """Draw the state, what went wrong, and the buttons.

    `chosen_by` is the parameter that names the place in the address.
    """
    label, colour = _STATES[status.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(plain(place.name), anchor=False, width="content")
        st.badge(label, color=colour)
        if status.state == "queued":
            waiting.buttons(place)
        if not access.read_only():
            _buttons(place, status, chosen_by)
    if status.state == "queued":
        waiting.waits_for(place)
    if status.error:
        st.error(plain(access.message(status.error)), icon=":material/error:")
    if problem := st.session_state.pop(waiting.PROBLEM, None):
        st.warning(plain(problem), icon=":material/info:")


def _buttons(place: Place, status: JobStatus, chosen_by: str) -> None:
    """Draw what can be done about the work."""
    if status.active:
        st.button("Cancel", icon=":material/stop:", on_click=jobs.cancel, args=(place,))
        return
    if status.resumable:
        st.button(
            "Start" if status.state == "idle" else "Resume",
            icon=":material/play_arrow:",
            type="primary",
            on_click=_resume,
            args=(place,),
        )
    _delete(place, chosen_by)


def bar(status: JobStatus | None) -> None:
    """Draw how far the stage at work is; None for one that is being prepared."""
    if status is None or status.loading:
        st.progress(0.0, text=f"{status.loading} …" if status else "Getting ready …")
        return
    share = status.done / status.total if status.total else 0.0
    left = f", {duration(status.seconds_left)} left" if status.seconds_left is not None else ""
    done = f"{count(status.done)} of {count(status.total)} {plain(status.unit)}"
    st.progress(min(share, 1.0), text=f"{done}, {percent(share, 0)}{left}")


def _delete(place: Place, chosen_by: str) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(
            f"Delete **{plain(place.name)}** with everything computed for it{_decided(place)}?"
        )
        st.button("Delete for good", type="primary", on_click=_remove, args=(place, chosen_by))


def _decided(place: Place) -> str:
    """Say how many decisions of people leave with a run; no computation brings them back."""
    if not isinstance(place, Run) or not place.review_file.exists():
        return ""
    try:
        decisions = len(Reviews(place).standing())
    except RunError:
        return " and the decisions about its labels"
    return f" and **{counted(decisions, 'decision')}** about its labels" if decisions else ""


def _resume(place: Place) -> None:
    _try(lambda: jobs.resume(place, queued=True))


def _remove(place: Place, chosen_by: str) -> None:
    if _try(place.delete):
        state.put(chosen_by, None)


def _try(act: Callable[[], object]) -> bool:
    """Do what a button asks; a reason not to is shown in the next moment."""
    st.session_state[_ACTED] = True
    try:
        act()
    except InfluenceError as error:
        st.session_state[waiting.PROBLEM] = str(error)
        return False
    return True
