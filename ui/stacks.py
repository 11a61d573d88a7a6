"""Experiments with a voice assistant's stack: which one is looked at, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core import jobs
from influence_core.jobs import JobStatus
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.figures import WHOLE, Point, StackFindings
from influence_core.nlu.metrics import TITLES
from influence_core.nlu.settings import StackSettings
from influence_core.store.run import Run
from ui import job, live, parts, queries, state, tables
from ui.wording import count, counted, percent, plain

if TYPE_CHECKING:
    import pandas as pd

PARTS = {"figures": "Figures", "pruning": "Pruning", "data": "Data", "try": "Try it"}
"""Parts of the page: the key in the address and the title."""

RATES = {name: TITLES[name] for name in ("irer", "dcer", "icer", "f_semer", "semer")}
"""Rates of errors, the one first that counts all of them."""

MEANT = (
    "IRER: rows with any error. DCER: rows with the wrong domain. ICER: rows with the wrong "
    "intent. SEMER: wrong intents and slots by rows and slots; F-SEMER: the same, judged against "
    "the truth and against the prediction."
)

TECHNIQUES = {
    "random": "Random",
    "stratified": "Random in each domain",
    "vog-class": "VoG, within its domain",
    "vog-dataset": "VoG, within the dataset",
    "vog-entropy": "VoG and slot entropy",
}
"""Which rows go: the key of the core, and how it is called."""

ROLES = {name: "score" if name.startswith("vog") else "random" for name in TECHNIQUES}

_FULL = "full"

ENOUGH = 10
"""Test rows from which on a domain is told to be the worst: of fewer rates move by chance."""

_LINES = 16
"""Lines of a table before it scrolls."""


def findings(experiment: StackExperiment) -> StackFindings:
    """Return what the experiment found; its files are read once for each content version."""
    return queries.share(experiment, StackFindings)


def points(experiment: StackExperiment) -> list[Point]:
    """Return the techniques and fractions of which stacks are there."""
    return findings(experiment).points


def changes(experiment: StackExperiment) -> pd.DataFrame:
    """Return how the rates change with pruning."""
    return findings(experiment).changes()


def settings(experiment: StackExperiment) -> StackSettings:
    """Return what the experiment tries."""
    return queries.manifest(experiment).settings


def named(found: list[Point]) -> dict[str, Point]:
    """Return points by what stands for them in the address."""
    return {_FULL if point == WHOLE else f"{point[0]}-{point[1]:g}": point for point in found}


def title(point: Point) -> str:
    """Return what a point is called."""
    technique, fraction = point
    if technique is None:
        return "All rows"
    return f"{TECHNIQUES[technique]}, {percent(fraction, 0)} gone"


def pick(place: str, label: str, found: list[Point], usual: Point | None = None) -> Point:
    """Draw the choice of a point; `place` is its parameter of the address."""
    options = named(found)
    default = next((name for name, point in options.items() if point == usual), None)
    state.settle(place, list(options), default)
    st.selectbox(
        label,
        list(options),
        format_func=lambda name: title(options[name]),
        key=place,
        persist_state="session",
    )
    return options[state.get(place)]


def controls(run: Run) -> tuple[StackExperiment | None, str]:
    """Draw which experiment and which part of the page is shown; None where there is none."""
    found = {one.name: one for one in StackExperiment.of(run)}
    if not found:
        return None, ""
    state.settle("stack", list(found))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(found) > 1:
            st.selectbox("Experiment", list(found), key="stack", persist_state="session", width=230)
        part = parts.choose(PARTS)
    return found[state.get("stack")], part


def watch(experiment: StackExperiment) -> None:
    """Draw how the experiment stands, anew every second while it works."""
    job.watch(experiment, _draw)


def readable(experiment: StackExperiment) -> bool:
    """Say whether there is something to read: it rests, and stacks of all rows are there."""
    if jobs.status(experiment).active:
        st.caption("Figures follow when the work is done or cancelled.")
        return False
    if WHOLE in queries.ask(experiment, points):
        return True
    st.caption("Figures are drawn here as soon as the first stacks are trained.")
    return False


def said_of(experiment: StackExperiment) -> str:
    """Say how far the figures can be relied on."""
    found = settings(experiment)
    proxy = "" if found.mode == "finetune" else ": heads on frozen features, a proxy"
    return f"{found.claim.capitalize()}{proxy}, {counted(found.seeds, 'seed')}."


def lined(shown: pd.DataFrame, words: int = 1) -> None:
    """Draw a table of which the first columns are words, and the others numbers."""
    st.dataframe(
        shown,
        hide_index=True,
        height=tables.height(len(shown), _LINES),
        column_config={
            name: st.column_config.TextColumn(alignment="left" if place < words else "right")
            for place, name in enumerate(shown.columns)
        },
    )


def rated(found: pd.DataFrame, group: str, overall: str) -> pd.DataFrame:
    """Word rows and rates of the stacks of all rows, by the groups in a column."""
    import pandas as pd

    return pd.DataFrame(
        {
            group.capitalize(): found[group].fillna(overall),
            "Test rows": found["rows"].map(count),
            **{title: found[name].map(percent) for name, title in RATES.items()},
            "Slot F1": [f"{one:.3f}" if one == one else "–" for one in found["slot_f1"]],
        }
    )


def tested(domains: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the domains with test rows enough to be singled out, and how they are called."""
    enough = domains[domains["rows"] >= ENOUGH]
    if len(enough) < 2 or len(enough) == len(domains):
        return domains, "all domains"
    return enough, f"the {counted(len(enough), 'domain')} with at least {ENOUGH} test rows"


def changed(found: pd.DataFrame, name: str, digits: int = 1) -> list[str]:
    """Word relative changes of a rate, with their standard deviations over seeds if known."""
    if f"{name}_std" not in found:
        return [relative(mean, digits) for mean in found[name]]
    return [
        relative(mean, digits) + (f" ± {percent(std, digits)}" if std == std and seeds > 1 else "")
        for mean, std, seeds in zip(found[name], found[f"{name}_std"], found["seeds"], strict=True)
    ]


def relative(change: float, digits: int = 1) -> str:
    """Word a relative change; without errors before there is none."""
    return f"{change:+z.{digits}%}" if change == change else "–"


def _draw(experiment: StackExperiment, status: JobStatus) -> None:
    job.head(experiment, status, "stack")
    if status.state == "finished":
        return
    wanted = len(experiment.cells())
    trained = wanted - len(experiment.missing())
    told = f"{count(trained)} of {counted(wanted, 'stack')} trained"
    if status.state != "running":
        st.caption(f"{told}; those that are there are shown, and stay." if trained else told)
        return
    doing = live.STAGES.get(status.stage, "Get ready")
    st.markdown(f"**{plain(doing)}** :gray[{told}]")
    job.bar(status if status.stage else None)
