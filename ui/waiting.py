"""A job that waits for its turn: what it waits for, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from influence_core import queue
from influence_core.access import read_only
from influence_core.errors import InfluenceError
from influence_core.mapping.work import MapWork
from influence_core.queue import Place, queue_of
from influence_core.store.run import Run
from ui.wording import counted, plain

PROBLEM = "job_problem"
"""Where the reason is kept why a button could not do what it says."""


def waits_for(place: Place) -> None:
    """Draw what a waiting job waits for."""
    present = queue_of(place.root)
    if place not in present.waiting:  # Its turn came between two looks.
        return
    ahead = present.ahead(place)
    if not ahead:
        st.markdown(":material/hourglass_top: Starting: its process is being loaded …")
        return
    names = ", ".join(plain(named(other)) for other in ahead[:3])
    more = f" and {len(ahead) - 3} more" if len(ahead) > 3 else ""
    st.markdown(
        f":material/hourglass_top: Waits for {counted(len(ahead), 'job')}: {names}{more}. It "
        "starts by itself, also when this page is closed."
    )


def buttons(place: Place, key: str = "") -> None:
    """Draw what can be done about a waiting job besides cancelling it."""
    if read_only():
        return
    st.button(
        "Start now",
        key=f"{key} at once {place.path}",
        help="Work beside what is running: both take longer.",
        on_click=act,
        args=(queue.go_at_once, place),
    )
    present = queue_of(place.root)
    if place in present.waiting[1:]:
        st.button(
            "Go next",
            key=f"{key} next {place.path}",
            help="Have the next turn, before the others that wait.",
            on_click=act,
            args=(queue.put_first, place),
        )


def named(place: Place) -> str:
    """Return what a job is called in a list: `demo`, `map of demo`."""
    if isinstance(place, Run):
        return place.name
    if isinstance(place, MapWork):
        return f"map of {place.run.name}"
    return f"{place.name} of {place.path.parent.parent.name}"


def act(do: Callable[[Place], object], place: Place) -> None:
    """Do what a button asks; a reason not to is shown in the next moment."""
    try:
        do(place)
    except InfluenceError as error:
        st.session_state[PROBLEM] = str(error)
