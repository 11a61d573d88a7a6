"""The guided path through a run: where to look, in which order, and what there is to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from influence_core.pruning.experiment import Experiment
from influence_core.report import tour
from influence_core.store.run import Run
from ui import queries, shell, state
from ui.wording import plain

PREFERRED = "vog"
"""Score of the walk, where the run has it."""


class Stop(NamedTuple):
    """A stop of the walk: what to do, the page in the right view, and what there is to see."""

    act: str
    page: str
    view: dict[str, object]
    tell: Callable[[], str]


def show(run: Run | None) -> None:
    """Draw the walk through the run in view, if there is something to see."""
    if run is None or not _finished(run):
        return
    st.subheader(f"A walk through {plain(run.name)}", anchor=False)
    st.caption("The run that is chosen at the left: what it has to show, in the order to look.")
    with st.container(border=True, gap="xsmall", key="walk_stops"):
        for number, stop in enumerate(stops(run), start=1):
            act, told = st.columns([1, 2.6], vertical_alignment="center")
            with act:
                _lead(run, number, stop, stop.act, f":material/counter_{number}:")
            told.markdown(plain(stop.tell()))


def guide(page: str) -> None:
    """Draw which step of the walk a page is and the way to the next, where one came by the walk."""
    asked, run = str(state.get("walk") or ""), shell.chosen_run()
    if not asked.isdecimal() or run is None or not _finished(run):
        return
    along, number = stops(run), int(asked)
    if not 1 <= number <= len(along) or along[number - 1].page != page:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="walk_guide"):
        step = f"Step {number} of {len(along)} of the walk"
        if number == len(along):
            st.caption(f"{step}: this is the end of it.", width="content")
            shell.link("home", "Back to Home", ":material/home:", run=run.name)
            return
        st.caption(step, width="content")
        after = along[number]
        _lead(run, number + 1, after, f"Next: {after.act}", ":material/arrow_forward:")
        st.button("End the walk", icon=":material/close:", type="tertiary", on_click=_end)


def stops(run: Run) -> list[Stop]:
    """Return the stops of the walk through a run with scores."""
    scores = queries.manifest(run).scores
    score = PREFERRED if PREFERRED in scores else scores[0]
    experiment = _measured(run)
    measured = {"experiment": experiment.name} if experiment else {}
    return [
        Stop(
            "See the hard and rare classes",
            "classes",
            {"score": score, "norm": "raw", "part": "hardness"},
            lambda: queries.ask(run, tour.rare_and_hard, score),
        ),
        Stop(
            "Read the hardest texts",
            "examples",
            {"score": score, "norm": "raw", "end": "hardest"},
            lambda: queries.ask(run, tour.misjudged, score),
        ),
        Stop(
            "Find wrong labels",
            "noise",
            {"rows": "open"},
            lambda: queries.ask(run, tour.wrong_labels),
        ),
        Stop("See what pruning costs", "pruning", measured, lambda: _cost(run, experiment)),
        Stop(
            "Take the rest away",
            "export",
            {"score": score},
            lambda: queries.ask(run, tour.kept, score),
        ),
        Stop("Tell others", "report", {"score": score}, lambda: _REPORT),
    ]


_REPORT = "All of this in one file that opens offline and is read in three minutes."


def _end() -> None:
    state.put("walk", None)


def _lead(run: Run, number: int, stop: Stop, label: str, icon: str) -> None:
    """Draw the link to a stop; its address says which step of the walk it is."""
    shell.link(stop.page, label, icon, run=run.name, walk=str(number), **stop.view)


def _cost(run: Run, experiment: Experiment | None) -> str:
    if experiment is None:
        return queries.ask(run, tour.cost_unknown)
    return queries.ask(experiment, tour.cost_measured)


def _finished(run: Run) -> bool:
    manifest = queries.manifest(run)
    return manifest.status == "complete" and bool(manifest.scores)


def _measured(run: Run) -> Experiment | None:
    """Return the newest finished pruning experiment of a run."""
    found = Experiment.of(run)
    return next((one for one in found if queries.manifest(one).status == "complete"), None)
