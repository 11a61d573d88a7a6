"""The paper's experiment on noisy data: started, watched, and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core import jobs
from influence_core.jobs import JobStatus
from influence_core.noisy.experiment import NoisyExperiment
from influence_core.noisy.figures import CONSENSUS, OVERLAPS, curves, overlaps, shares
from influence_core.noisy.settings import JUDGED, NoisySettings
from influence_core.pruning.cells import cells
from influence_core.pruning.cells import curves as curves_of
from influence_core.report.panels import pruning_panels
from influence_core.scores.registry import SCORES
from influence_core.selection.select import WITHOUT_SCORE
from influence_core.store.run import Run
from ui import access, experiments, forms, job, live, plots, queries, state
from ui.curves import title_of
from ui.shell import Lens, guard
from ui.wording import count, counted, percent, plain

if TYPE_CHECKING:
    import pandas as pd

_ASKED = ("shares", "fractions")
_HOW = ("mode", "seeds", "epochs")

WHOLE = "full"
"""What the findings call the unpruned models."""


def show(view: Lens) -> None:
    """Draw the section: its question, the form, and the experiment in view."""
    st.subheader("Does pruning help where labels are wrong?", anchor=False)
    st.caption(
        "An experiment: a share of the training labels is replaced by labels drawn at random, "
        "scores are computed on this noisy copy of the data, and models trained on what is left "
        "after dropping rows by them. Test labels stay right."
    )
    if not experiments.possible(view):
        return
    found = {one.name: one for one in NoisyExperiment.of(view.run)}
    if not access.read_only():
        _plan(view.run, first=not found)
    if not found:
        access.say_only_read("Nobody has asked that of this run, and nothing can be started")
        return
    state.settle("noisy", list(found))
    if len(found) > 1:
        st.selectbox("Experiment", list(found), key="noisy", persist_state="session", width=320)
    job.watch(found[state.get("noisy")], _draw)


def _plan(run: Run, first: bool) -> None:
    """Draw the form of a new experiment; it is folded away where there is one to look at."""
    folded = st.expander("New experiment", icon=":material/science:", expanded=first)
    with folded, guard():
        st.caption(
            "Shares: how many labels are drawn anew, some by chance as they were. Fractions: how "
            "many rows are dropped."
        )
        left, right = st.columns(2)
        values = {}
        for place, name in zip((left, right), _ASKED, strict=True):
            with place:
                values[name] = forms.field(NoisySettings, name, "noisy")
        *places, act = st.columns([1.4, 1, 1, 1], vertical_alignment="bottom")
        for place, name in zip(places, _HOW, strict=True):
            with place:
                values[name] = forms.field(NoisySettings, name, "noisy")
        settings = forms.build(NoisySettings, values)
        models = len(settings.shares) * len(cells(settings.pruning))
        st.caption(
            f":material/timer: {counted(len(settings.shares), 'noisy copy', 'noisy copies')} of "
            f"the data, scored anew, and {counted(models, 'model')}. What is there survives a "
            "cancel."
        )
        if act.button("Start", type="primary", icon=":material/play_arrow:", width="stretch"):
            _start(run, settings)


def _start(run: Run, settings: NoisySettings) -> None:
    # Trainers load torch, which reading a page must not wait for.
    from influence_core.noisy.measure import plan_noisy

    with st.spinner("Drawing the labels"):
        planned = plan_noisy(run, settings)
    jobs.resume(planned, queued=True)
    state.put("noisy", planned.name)
    st.rerun()


def _draw(experiment: NoisyExperiment, status: JobStatus) -> None:
    job.head(experiment, status, "noisy")
    settings = _settings(experiment)
    _standing(experiment, status)
    found = queries.ask(experiment, curves)
    if found.empty:
        st.caption("Curves are drawn here as soon as the first noisy copy is done.")
        return
    plots.draw(pruning_panels(_points(experiment, found), "Test accuracy"), "noisy curves")
    st.caption(
        f"{settings.pruning.claim.capitalize()}, {counted(settings.seeds, 'seed')}, equal "
        f"{settings.equal}. A line is the mean over seeds, its band one standard deviation; random "
        "pruning is grey. A label that is drawn anew may stay what it was, so fewer are wrong."
    )
    _against_random(experiment, found)
    _overlaps(experiment)


def _standing(experiment: NoisyExperiment, status: JobStatus) -> None:
    """Draw how many copies are done, and how far the one at work is."""
    if status.state == "finished":
        return
    copies = experiment.copies()
    done = sum(copy.finished for copy in copies)
    told = f"{count(done)} of {counted(len(copies), 'share')} of noise done"
    if status.state != "running":
        st.caption(f"{told}; those that are there are shown, and stay.")
        return
    share, _, stage = status.stage.rpartition(" ")
    doing = _STAGES.get(stage) or live.STAGES.get(stage, "Get ready")
    at = f" at {plain(share)} noise" if share else ""
    st.markdown(f"**{doing}{at}** :gray[{told}]")
    job.bar(status if status.stage else None)


_STAGES = {"labels": "Draw the labels", "overlap": "Judge the labels"}
"""Stages that no run has."""


def _titles(experiment: NoisyExperiment) -> dict[str, str]:
    """Return what the ways of pruning are called, by their names."""
    return {one.name: title_of(one, SCORES) for one in curves_of(_settings(experiment).pruning)}


def _settings(experiment: NoisyExperiment) -> NoisySettings:
    return queries.manifest(experiment).settings


def _points(experiment: NoisyExperiment, found: pd.DataFrame) -> pd.DataFrame:
    """Return what the chart takes."""
    noise = zip(found["share"], found["wrong_share"], strict=True)
    roles = {WHOLE: "whole", **dict.fromkeys(WITHOUT_SCORE, "random")}
    return found.assign(
        panel=[f"{percent(drawn, 0)} drawn, {percent(wrong)} wrong" for drawn, wrong in noise],
        experiment=experiment.name,
        role=[roles.get(name, "score") for name in found["curve"]],
        curve=found["curve"].map({WHOLE: "Unpruned", **_titles(experiment)}),
        mean=found["accuracy"],
        std=found["accuracy_std"],
    )


def _against_random(experiment: NoisyExperiment, found: pd.DataFrame) -> None:
    """Draw at which fractions each way of pruning is certainly better or worse than random."""
    import pandas as pd

    compared = found.dropna(subset=["against_random"])
    if compared.empty:
        return
    titles = _titles(experiment)
    lines = [
        {"Pruned": titles[str(name)], **dict(map(_verdict, part.groupby("share")))}
        for name, part in compared.groupby("curve", sort=False)
    ]
    st.markdown("**Against random pruning of as many rows**")
    st.dataframe(pd.DataFrame(lines), hide_index=True, height="content")
    st.caption(
        "Fractions at which the difference is certain: the 95% interval of the paired difference "
        "in test accuracy, over seeds and over test rows, leaves 0 out."
    )


def _verdict(group: tuple[float, pd.DataFrame]) -> tuple[str, str]:
    """Return the heading of a share of noise, and at which fractions something is certain."""
    share, part = group
    parts = []
    for word, certain in (
        ("better", part["against_random_low"] > 0),
        ("worse", part["against_random_high"] < 0),
    ):
        if certain.any():
            parts.append(f"{word} at {_percents(part.loc[certain, 'fraction'])}")
    return f"{100 * share:g}% noise", ", ".join(parts) or "undecided"


def _percents(fractions: pd.Series) -> str:
    return " ".join(percent(fraction, 0) for fraction in fractions)


def _overlaps(experiment: NoisyExperiment) -> None:
    """Draw what the top of every score has in common with the wrong labels."""
    import pandas as pd

    found = queries.ask(experiment, overlaps)
    below = queries.ask(experiment, shares)
    named = {CONSENSUS: "Consensus", **{key: SCORES[key].label for key in JUDGED}}
    lines = []
    for (share, wrong), part in found.groupby(["share", "wrong_share"]):
        overlap = part.set_index("name")["overlap"]
        low, mean, high = part[["chance_low", "chance_mean", "chance_high"]].iloc[0]
        lines.append(
            {
                "Drawn anew": f"{100 * share:g}%",
                "Really wrong": percent(wrong, 2),
                **{named[key]: f"{overlap[key]:.3f}" for key in OVERLAPS},
                "Chance": f"{mean:.3f} ({low:.3f} to {high:.3f})",
            }
        )
    st.markdown("**What the top of every score has in common with the wrong labels**")
    numbers = {name: st.column_config.TextColumn(alignment="right") for name in lines[0]}
    st.dataframe(pd.DataFrame(lines), hide_index=True, height="content", column_config=numbers)
    least, most = (percent(edge(below["pvi_below_zero"]), 0) for edge in (min, max))
    st.caption(
        "Jaccard index of the wrong labels and as many rows, the hardest by each score: 1 would be "
        "all of them. Beside it that of random sets, with 95% of them. Of the wrong labels "
        f"{least} to {most} have a PVI below 0."
    )
