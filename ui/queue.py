"""The queue of jobs on a page: what works, what waits, and what can be done about it."""

from __future__ import annotations

import streamlit as st

from influence_core import jobs
from influence_core.access import read_only
from influence_core.mapping.work import MapWork
from influence_core.nlu.experiment import StackExperiment
from influence_core.noisy.experiment import NoisyExperiment
from influence_core.pruning.experiment import Experiment
from influence_core.queue import Place, Queue, queue_of
from influence_core.store.run import Run
from ui import live, queries, shell, waiting
from ui.wording import counted, percent, plain

REFRESH_SECONDS = 2.0


def show() -> None:
    """Draw what works and what waits in the folder of runs, as long as there is something."""
    present = queue_of(queries.root())
    if present.working or present.waiting:
        st.fragment(_live, run_every=REFRESH_SECONDS)()


def busy() -> Queue | None:
    """Return the queue where a new job would wait in it."""
    present = queue_of(queries.root())
    return present if present.working or present.waiting else None


def _live() -> None:
    with shell.guard():
        present = queue_of(queries.root())
        if not (present.working or present.waiting):
            st.rerun(scope="app")
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{_headline(present)}**")
            for place in present.working:
                _line(place, "Running", "blue")
            for number, place in enumerate(present.waiting, start=1):
                _line(place, f"Waiting, {number}", "violet")
            if problem := st.session_state.pop(waiting.PROBLEM, None):
                st.warning(plain(problem), icon=":material/info:")


def _headline(present: Queue) -> str:
    rest = f", {len(present.waiting)} waiting" if present.waiting else ""
    return f"{counted(len(present.working), 'job')} running{rest}"


def _line(place: Place, badge: str, colour: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(badge, color=colour)
        _link(place)
        st.caption(_progress(place))
        if place.manifest().status == "queued":
            waiting.buttons(place, "queue")
        if not read_only():
            st.button(
                "Cancel",
                key=f"queue cancel {place.path}",
                icon=":material/close:",
                on_click=waiting.act,
                args=(jobs.cancel, place),
            )


def _link(place: Place) -> None:
    """Draw a link to where the job is watched."""
    label = plain(waiting.named(place))
    if isinstance(place, Run):
        shell.link("run", label, run=place.name, view="progress")
    elif isinstance(place, Experiment):
        shell.link("pruning", label, run=place.run.name, experiment=place.name)
    elif isinstance(place, NoisyExperiment):
        shell.link("noise", label, run=place.run.name, part="experiment", noisy=place.name)
    elif isinstance(place, StackExperiment):
        shell.link("nlu", label, run=place.run.name, stack=place.name)
    elif isinstance(place, MapWork):
        shell.link("map", label, run=place.run.name)


def _progress(place: Place) -> str:
    """Say how far the stage at work is."""
    status = jobs.status(place)
    if status.state != "running" or not status.stage:
        return "" if status.state == "queued" else "getting ready"
    if status.loading:
        return plain(status.loading)
    share = f", {percent(status.done / status.total, 0)}" if status.total else ""
    return f"{plain(live.STAGES.get(status.stage, status.stage))}{share}"
