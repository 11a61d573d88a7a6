"""The work on a run's map: started, watched, cancelled, gone on with."""

from __future__ import annotations

import streamlit as st

from influence_core import jobs
from influence_core.errors import InfluenceError
from influence_core.jobs import JobStatus
from influence_core.mapping.settings import MapSettings
from influence_core.mapping.work import MapWork, can_be_mapped, plan_map
from influence_core.store.run import Run
from ui import access, forms, job, waiting
from ui.wording import plain

STAGES = {
    "tokens": "Cut texts into tokens",
    "features": "Encode the texts",
    "neighbours": "Find the nearest rows of each",
    "layout": "Lay the rows out",
    "placing": "Put the other rows between them",
}
"""Stages of the work, and what each of them does."""

_PROBLEM = "map_problem"


def offer(run: Run, first: bool) -> None:
    """Draw how the map of meaning stands: what it takes, the work on it, or making it anew."""
    if not can_be_mapped(run):
        if first:
            st.info(
                "There is no encoder to map this run by: its scores were computed elsewhere. With "
                "the scores confidence and variability it would have a map of how it was learnt.",
                icon=":material/info:",
            )
        return
    work = MapWork.of(run)
    if work.manifest_file.exists() and jobs.status(work).active:
        job.watch(work, _draw)
        return
    if access.read_only():
        if first:
            access.say_only_read("This run has no map of meaning, and none can be made")
        return
    if first:
        with st.container(border=True):
            st.markdown(f"**Run {plain(run.name)} has no map of meaning yet.**")
            st.write(
                "It lays all examples out such that texts which the encoder finds alike lie close "
                "to each other. It takes about a minute for 10,000 examples, in the background."
            )
            _problem(work)
            _form(run, "Make the map")
        return
    with st.expander("Make the map of meaning anew", icon=":material/refresh:"):
        _problem(work)
        _form(run, "Make it anew")


def _form(run: Run, act: str) -> None:
    places = st.columns([1, 1, 1, 1.2], vertical_alignment="bottom")
    values = {}
    for place, name in zip(places, ("neighbours", "min_distance", "seed"), strict=False):
        with place:
            values[name] = forms.field(MapSettings, name, "mapping")
    settings = forms.build(MapSettings, values)
    places[-1].button(
        act,
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=_begin,
        args=(run, settings),
    )


def _begin(run: Run, settings: MapSettings) -> None:
    try:
        jobs.resume(plan_map(run, settings), queued=True)
    except InfluenceError as error:
        st.session_state[_PROBLEM] = str(error)


def _problem(work: MapWork) -> None:
    """Say what went wrong the last time."""
    if problem := st.session_state.pop(_PROBLEM, None):
        st.warning(plain(problem), icon=":material/info:")
    if not work.manifest_file.exists():
        return
    status = jobs.status(work)
    if status.error:
        st.error(plain(access.message(status.error)), icon=":material/error:")
    elif status.state == "cancelled":
        st.caption("The last attempt was cancelled.")


def _draw(work: MapWork, status: JobStatus) -> None:
    """Draw how far the work is."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            waits = status.state == "queued"
            doing = "wait" if waits else STAGES.get(status.stage, "Get ready").lower()
            st.markdown(f":blue[:material/autorenew:] **The map of meaning: {doing}**")
            if waits:
                waiting.buttons(work)
            if not access.read_only():
                st.button("Cancel", icon=":material/stop:", on_click=jobs.cancel, args=(work,))
        if waits:
            waiting.waits_for(work)
            return
        job.bar(status if status.stage else None)
        st.caption("It goes on when this page is closed.")
