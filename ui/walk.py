"""The guided path through a run: where to look, in which order, and what there is to see."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from influence_core.pruning.experiment import Experiment
from influence_core.report import tour
from influence_core.store.run import Run
from ui import queries, shell
from ui.wording import plain

PREFERRED = "vog"
"""Score of the walk, where the run has it."""


class Stop(NamedTuple):
    """A stop of the walk: what to do, what there is to see, and the page in the right view."""

    act: str
    told: str
    page: str
    view: dict[str, object]


def show(run: Run | None) -> None:
    """Draw the walk through the run in view, if there is something to see."""
    if run is None or not _finished(run):
        return
    st.subheader(f"A walk through {plain(run.name)}", anchor=False)
    st.caption("The run that is chosen at the left: what it has to show, in the order to look.")
    with st.container(border=True, gap="xsmall", key="walk"):
        for number, stop in enumerate(stops(run), start=1):
            act, told = st.columns([1, 2.6], vertical_alignment="center")
            with act:
                icon = f":material/counter_{number}:"
                shell.link(stop.page, stop.act, icon, run=run.name, **stop.view)
            told.markdown(plain(stop.told))


def stops(run: Run) -> list[Stop]:
    """Return the stops of the walk through a run with scores."""
    scores = queries.manifest(run).scores
    score = PREFERRED if PREFERRED in scores else scores[0]
    experiment = _measured(run)
    cost = (
        queries.ask(run, tour.cost_unknown)
        if experiment is None
        else queries.ask(experiment, tour.cost_measured)
    )
    measured = {"experiment": experiment.name} if experiment else {}
    return [
        Stop(
            "See the hard and rare classes",
            queries.ask(run, tour.rare_and_hard, score),
            "classes",
            {"score": score, "norm": "raw", "part": "hardness"},
        ),
        Stop(
            "Read the hardest texts",
            queries.ask(run, tour.misjudged, score),
            "examples",
            {"score": score, "norm": "raw", "end": "hardest"},
        ),
        Stop("Find wrong labels", queries.ask(run, tour.wrong_labels), "noise", {"rows": "open"}),
        Stop("See what pruning costs", cost, "pruning", measured),
        Stop("Take the rest away", queries.ask(run, tour.kept, score), "export", {"score": score}),
        Stop("Tell others", _REPORT, "report", {"score": score}),
    ]


_REPORT = "All of this in one file that opens offline and is read in three minutes."


def _finished(run: Run) -> bool:
    manifest = queries.manifest(run)
    return manifest.status == "complete" and bool(manifest.scores)


def _measured(run: Run) -> Experiment | None:
    """Return the newest finished pruning experiment of a run."""
    found = Experiment.of(run)
    return next((one for one in found if queries.manifest(one).status == "complete"), None)
