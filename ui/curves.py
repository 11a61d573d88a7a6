"""What an experiment found so far: its curves, drawn anew while models are being trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from influence_core.jobs import JobStatus
from influence_core.pruning.assignments import TOGETHER
from influence_core.pruning.cells import Curve, curves
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.figures import Findings
from influence_core.pruning.settings import ExperimentSettings
from influence_core.pruning.trust import shortfall
from influence_core.report import charts
from influence_core.scores.registry import ScoreSpec, specs_of
from influence_core.selection.select import WITHOUT_SCORE
from influence_core.store.run import Run
from ui import job, live, plots, queries, state
from ui.experiments import choose
from ui.wording import NORMS, count, counted, plain

if TYPE_CHECKING:
    import pandas as pd

CURVES_DRAWN = 8
"""Curves that are drawn unless others are asked for: more cannot be told apart."""

MEASURES = {
    "accuracy": ("Accuracy", ".1%"),
    "macro_f1": ("Macro F1", ".1%"),
    "error_change": ("Change of errors", "+.1%"),
    "sigma": ("Efficiency σ", "+.3f"),
}
"""What a curve can show: the column of the findings, how it is called, and its digits."""

_EXPLAINED = {
    "accuracy": "Share of the test rows that a model is right about.",
    "macro_f1": "F1 averaged over classes: small ones count as much as large ones.",
    "error_change": "Against the unpruned models of the same seeds: +10% is a tenth more errors.",
    "sigma": "−(change of errors) / (share pruned): 0 where nothing is lost, below 0 what each "
    "share costs.",
}

_WITHOUT_SCORE = {"random": "Random", "stratified": "Random in each class"}

_HOW = {"both": "both ends", "softmax": "softmax draw", "linear": "linear draw"}

_WHOLE = "full"
"""What the findings call the unpruned models."""


@dataclass(frozen=True)
class Shown:
    """Experiments that are looked at, the first in detail; the names of the curves drawn."""

    experiments: tuple[Experiment, ...]
    curves: tuple[str, ...]
    titles: Mapping[str, str]
    measure: str

    @property
    def settings(self) -> ExperimentSettings:
        """What the first experiment tries."""
        return queries.manifest(self.experiments[0]).settings

    @property
    def picked(self) -> list[Curve]:
        """The drawn curves of the first experiment."""
        return [curve for curve in curves(self.settings) if curve.name in self.curves]


def findings(experiment: Experiment) -> Findings:
    """Return what the experiment found; its files are read once for each content version."""
    return queries.share(experiment, Findings)


def averaged(experiment: Experiment) -> pd.DataFrame:
    """Return the figures of every point, averaged over seeds."""
    return findings(experiment).curves()


def doubted(experiment: Experiment) -> str | None:
    """Return why its probes may be no guide, if they may not."""
    found = shortfall(experiment, findings(experiment))
    return found.words if found else None


def controls(run: Run) -> Shown | None:
    """Draw which experiment, which figure and which curves are shown; None where there is none."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        experiments = choose(run)
        if not experiments:
            return None
        _measure()
        titles = _titles(experiments)
        first = _first(titles)
        drawn = _only(titles, first)
    return Shown(experiments, drawn or tuple(first), titles, state.get("measure"))


def watch(shown: Shown, answer: Callable[[Shown], None]) -> None:
    """Draw how the experiment stands, the answer once it rests, and its curves."""
    job.watch(shown.experiments[0], partial(_draw, shown, answer))


def _measure() -> None:
    state.settle("measure", list(MEASURES))
    st.segmented_control(
        "Figure",
        list(MEASURES),
        format_func=lambda key: MEASURES[key][0],
        key="measure",
        required=True,
        persist_state="session",
        help=" ".join(f"{MEASURES[key][0]}: {text}" for key, text in _EXPLAINED.items()),
    )


def _only(titles: Mapping[str, str], first: list[str]) -> tuple[str, ...]:
    """Draw the choice of curves; none chosen means the first ones."""
    state.put("curves", [name for name in state.get("curves") if name in titles])
    with st.popover("Curves", icon=":material/stacked_line_chart:"):
        st.multiselect(
            "Only these curves",
            list(titles),
            format_func=titles.get,
            key="curves",
            persist_state="session",
            placeholder="all" if len(first) == len(titles) else f"{len(first)} of {len(titles)}",
        )
    return tuple(state.get("curves"))


def _draw(
    shown: Shown, answer: Callable[[Shown], None], experiment: Experiment, status: JobStatus
) -> None:
    job.head(experiment, status, "experiment")
    _models(experiment, status)
    st.subheader("How much can go?", anchor=False)
    if not status.active:
        answer(shown)
    points = _points(shown)
    if points.empty:
        together = f", {TOGETHER} probes at a time" if shown.settings.mode == "probe" else ""
        st.caption(f"The curves are drawn here as soon as the first models are trained{together}.")
        return
    title, digits = MEASURES[shown.measure]
    plots.draw(charts.pruning_curves(points, title, digits), "pruning curves")
    for one in shown.experiments:
        st.caption(_said_of(one))
        doubt = queries.ask(one, doubted)
        if doubt:
            st.warning(plain(doubt), icon=":material/warning:")
    st.caption(
        f"{_EXPLAINED[shown.measure]} A line is the mean over seeds, its band one standard "
        "deviation; what was drawn at random is grey."
    )


def _models(experiment: Experiment, status: JobStatus) -> None:
    """Draw how many models are there, and how long the rest takes."""
    if status.state == "finished":
        return
    wanted = len(experiment.cells())
    trained = wanted - len(experiment.missing())
    told = f"{count(trained)} of {counted(wanted, 'model')} trained"
    if status.state != "running":
        st.caption(f"{told}; those that are there are shown, and stay." if trained else told)
        return
    st.markdown(f"**{live.STAGES.get(status.stage, 'Get ready')}** :gray[{told}]")
    job.bar(status if status.stage else None)


def _said_of(experiment: Experiment) -> str:
    """Say how far the figures can be relied on, and what the models have in common."""
    manifest = queries.manifest(experiment)
    how = manifest.settings.claim.capitalize()
    proxy = "" if manifest.settings.mode == "finetune" else ": heads on frozen features, a proxy"
    epochs = counted(manifest.epochs, "epoch")
    if manifest.settings.equal == "steps":
        equal = f"Equal steps: every model takes as many as the whole data in {epochs}."
    else:
        equal = f"Equal epochs: every model goes {epochs} over what is left to it."
    seeds = counted(manifest.settings.seeds, "seed")
    return f"**{plain(experiment.name)}**: {how}{proxy}, {seeds}. {equal}"


def _points(shown: Shown) -> pd.DataFrame:
    """Return what the chart takes: the curves of all experiments, one below the other."""
    import pandas as pd

    frames = [_of(one, shown) for one in shown.experiments]
    return pd.concat(frames, ignore_index=True)


def _of(experiment: Experiment, shown: Shown) -> pd.DataFrame:
    import pandas as pd

    found = queries.ask(experiment, averaged)
    if found.empty:
        return pd.DataFrame()
    found = found[found["curve"].isin((_WHOLE, *shown.curves))].dropna(subset=[shown.measure])
    return pd.DataFrame(
        {
            "experiment": experiment.name,
            "curve": found["curve"].map({_WHOLE: "Unpruned", **shown.titles}),
            "role": [_role(name) for name in found["curve"]],
            "fraction": found["fraction"],
            "mean": found[shown.measure],
            "std": found[f"{shown.measure}_std"],
        }
    )


def _role(curve: str) -> str:
    if curve == _WHOLE:
        return "whole"
    return "random" if curve in WITHOUT_SCORE else "score"


def _first(titles: Mapping[str, str]) -> list[str]:
    """Return the curves that are drawn unasked: the first, and those they are compared with."""
    scored = [name for name in titles if name not in WITHOUT_SCORE]
    return [*scored[:CURVES_DRAWN], *(name for name in titles if name in WITHOUT_SCORE)]


def _titles(experiments: tuple[Experiment, ...]) -> dict[str, str]:
    """Return what the curves of the experiments are called, by their names."""
    entries = specs_of(queries.manifest(experiments[0].run))
    settings = [queries.manifest(one).settings for one in experiments]
    return {curve.name: title_of(curve, entries) for one in settings for curve in curves(one)}


def title_of(curve: Curve, entries: Mapping[str, ScoreSpec]) -> str:
    """Return what a curve is called; `entries` describe the scores."""
    if curve.score is None:
        return _WITHOUT_SCORE[curve.strategy]
    label = entries[curve.score].label if curve.score in entries else curve.score
    how = _HOW.get(curve.strategy, curve.strategy)
    return f"{label} {how}, {NORMS[curve.normalise or 'raw']}"
