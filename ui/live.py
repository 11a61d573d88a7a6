"""The progress of a run, read from its log, as long as the page is open."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from influence_core import jobs
from influence_core.jobs import JobStatus
from influence_core.progress import Event, Progress, duration
from influence_core.report import charts
from influence_core.stages.job import Job
from influence_core.stages.plan import plan
from influence_core.stages.replay import plan_replay
from influence_core.store.run import Manifest, Run
from ui import access, job, plots, queries
from ui.wording import plain

STAGES = {
    "data": "Read and check the data",
    "import": "Read and join what was computed elsewhere",
    "tokens": "Cut texts into tokens",
    "features": "Encode the texts",
    "frozen features": "Encode the texts before training",
    "training": "Train",
    "snapshots": "Look at the rows with every checkpoint",
    "outlook": "Predict every row with the last checkpoint",
    "trace": "Trace gradients over the checkpoints",
    "null model": "Train a model without texts",
    "out of fold": "Judge every row by models that did not see it",
    "activations": "Keep what explains a prediction",
    "cleanup": "Remove the checkpoints",
    "scores": "Compute the scores",
    "models": "Train the models",
    "places": "Find where every token stands",
    "states": "Encode every token",
    "stacks": "Train the stacks",
}
"""Stages in their order, and what each of them does."""

POINTS_DRAWN = 1_500


@dataclass
class Watch:
    """What was read of a log so far."""

    offset: int = 0
    begun: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)
    losses: dict[int, float] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take one event in."""
        if event.kind == "begin":
            self.begun.add(event.stage)
        if event.kind == "message" and event.message:
            self.messages.append(event.message)
        if "loss" in event.values:
            self.losses[event.done] = event.values["loss"]


def progress(run: Run) -> None:
    """Draw how a run stands, anew every second while it works."""
    job.watch(run, _draw)


def _draw(run: Run, status: JobStatus) -> None:
    manifest, watch = queries.manifest(run), _read(run)
    job.head(run, status, "run")
    if status.state == "queued":
        return
    left, right = st.columns(2, gap="medium")
    with left:
        _stages(run, manifest, status, watch)
    with right:
        if manifest.settings.imported is None:
            _losses(watch)
    for message in _news(manifest, watch)[-3:] if status.state != "finished" else ():
        st.caption(plain(message))


def _news(manifest: Manifest, watch: Watch) -> list[str]:
    """Return the messages that the report on the data does not show anyway."""
    findings = manifest.dataset.findings if manifest.dataset else ()
    told = {finding.message for finding in findings}
    return [message for message in watch.messages if message not in told and not access.masked()]


def _read(run: Run) -> Watch:
    """Go on reading the log where the last look ended."""
    key = f"watch {run.name} {queries.manifest(run).created}"
    watch: Watch = st.session_state.setdefault(key, Watch())
    events, watch.offset = jobs.events(run, watch.offset)
    for event in events:
        watch.take(event)
    return watch


def _stages(run: Run, manifest: Manifest, status: JobStatus, watch: Watch) -> None:
    st.subheader("How far is it?", anchor=False)
    expected = _expected(run, manifest, watch)
    present = _present(status, [stage for stage, _ in expected if stage not in manifest.stages])
    for stage, what in expected:
        finished = manifest.stages.get(stage)
        if finished is not None:
            st.markdown(
                f":green[:material/check_circle:] {plain(what)} :gray[{duration(finished.seconds)}]"
            )
        elif stage == present:
            st.markdown(f":blue[:material/autorenew:] **{plain(what)}**")
            job.bar(status if status.stage == stage else None)
        else:
            icon = "radio_button_unchecked" if stage not in watch.begun else "pause_circle"
            st.markdown(f":gray[:material/{icon}: {plain(what)}]")


def _present(status: JobStatus, unfinished: list[str]) -> str | None:
    """Return the stage at work; between two it is the one that is being prepared."""
    if status.state != "running":
        return None
    return status.stage if status.stage in unfinished else next(iter(unfinished), None)


def _expected(run: Run, manifest: Manifest, watch: Watch) -> list[tuple[str, str]]:
    """Return the stages of this run in their order; other seeds have theirs named after them."""
    work = Job(run, manifest.settings, Progress())
    planned = plan_replay(work) if manifest.settings.checkpoints else plan(work)
    names = {*(step.name for step in planned), *manifest.stages, *watch.begun}
    return [(name, _what(name)) for name in sorted(names, key=_place)]


def _place(stage: str) -> tuple[int, str]:
    kind = stage.partition(" (")[0]
    return (list(STAGES).index(kind) if kind in STAGES else len(STAGES)), stage


def _what(stage: str) -> str:
    kind, _, seed = stage.partition(" (")
    what = STAGES.get(kind, kind.capitalize())
    return f"{what} ({seed}" if seed else what


def _losses(watch: Watch) -> None:
    st.subheader("Is it learning?", anchor=False)
    if len(watch.losses) < 2:
        st.caption("The loss is drawn here as soon as the training has begun.")
        return
    import pandas as pd

    steps = sorted(watch.losses)
    shown = steps[:: max(len(steps) // POINTS_DRAWN, 1)]
    points = pd.DataFrame({"step": shown, "loss": [watch.losses[step] for step in shown]})
    plots.draw(charts.loss(points), "loss")
