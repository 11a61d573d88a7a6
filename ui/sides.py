"""Which two models stand side by side: those that answered the same test rows, and no others."""

from __future__ import annotations

import streamlit as st

from influence_core.comparing.comparable import comparable, judged
from influence_core.comparing.sides import FULL
from influence_core.pruning.cells import curves
from influence_core.pruning.experiment import Experiment
from influence_core.scores.registry import specs_of
from influence_core.store.run import Run
from ui import access, queries, shell, state
from ui.curves import title_of
from ui.shell import Lens
from ui.wording import counted, plain

_ANEW = (
    "“All rows, trained anew” is what the experiment measures pruning against: models of the same "
    "rows as the run, trained as the experiment trains, once for each of its seeds."
)

_WHY = "no test row of the same text and label, or no predictions"


def choose(view: Lens) -> tuple[str, str] | None:
    """Draw the pickers of both sides; None where there is nothing to compare with."""
    complete = [
        card.name
        for card in queries.cards()
        if card.status == "complete" and card.name != view.run.name
    ]
    alike = [name for name in complete if _comparable(view.run, name)]
    first = {**_itself(view.run), **_sides_of(view)}
    second = {**{name: f"Run {name}" for name in alike}, **first}
    if len(second) < 2:
        _nothing(view, len(complete))
        return None
    left, right = st.columns(2)
    state.settle("first", list(first))
    rest = [one for one in second if one != state.get("first")]
    state.settle("second", rest)
    left.selectbox(
        "First", list(first), format_func=first.get, key="first", persist_state="session"
    )
    right.selectbox("Second", rest, format_func=second.get, key="second", persist_state="session")
    if any(one.endswith(f"/{FULL}") for one in (state.get("first"), state.get("second"))):
        st.caption(_ANEW)
    if other := len(complete) - len(alike):
        st.caption(f"{counted(other, 'other run')} cannot be compared: {_WHY}.")
    return state.get("first"), state.get("second")


def _nothing(view: Lens, others: int) -> None:
    """Say how a run is made that can be compared with the one in view."""
    name = plain(view.run.name)
    with st.container(border=True):
        if not judged(view.run):
            st.markdown(f"**Run {name} has no predictions for test rows to be compared by.**")
            st.write("Choose another run, or make one of data of which some rows are held out.")
        else:
            st.markdown(f"**There is nothing to compare {name} with yet.**")
            st.write(
                "Train a second run on the same data with something changed, as the encoder or "
                "the epochs; or measure what is left of the accuracy when rows are pruned."
            )
        if others:
            st.caption(f"{counted(others, 'other run')} cannot be compared with it: {_WHY}.")
        if access.say_only_read("Starting runs and experiments is switched off"):
            return
        again = view.manifest.settings.origin in ("probe", "finetune")
        like = {"like": view.run.name} if again else {}
        label = f"Use the settings of {name} in a new run" if again else "Start a new run"
        shell.link("run", label, ":material/content_copy:", view="new", **like)
        shell.link(
            "pruning", "Plan a pruning experiment", ":material/content_cut:", run=view.run.name
        )


def _comparable(run: Run, name: str) -> bool:
    other = queries.open_run(name)
    return queries.ask(run, _with, name, queries.manifest(other).content_version)


def _with(run: Run, name: str, version: str) -> bool:
    return comparable(run, queries.open_run(name))


def _itself(run: Run) -> dict[str, str]:
    return {run.name: f"Run {run.name}"} if judged(run) else {}


def _sides_of(view: Lens) -> dict[str, str]:
    """Return the models of the run's experiments that are there, by address."""
    entries = specs_of(view.manifest)
    found = {}
    for experiment in Experiment.of(view.run):
        manifest = queries.manifest(experiment)
        settings = manifest.settings
        missing = {
            (cell.curve, cell.fraction) for cell in queries.ask(experiment, Experiment.missing)
        }
        address = f"{view.run.name}/{experiment.name}"
        if (None, 0.0) not in missing:
            long = f" for {counted(manifest.epochs, 'epoch')}" if manifest.epochs else ""
            found[f"{address}/{FULL}"] = f"{experiment.name}: all rows, trained anew{long}"
        for curve in curves(settings):
            title = title_of(curve, entries)
            for fraction in settings.fractions:
                if (curve, fraction) not in missing:
                    told = f"{experiment.name}: {title}, {fraction:.0%} pruned"
                    found[f"{address}/{curve.name}@{fraction:g}"] = told
    return found
