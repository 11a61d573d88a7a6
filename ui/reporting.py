"""The report of a run: what will be in it, made on request, previewed and taken away."""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple

import streamlit as st

from influence_core.noisy.experiment import NoisyExperiment
from influence_core.pruning.experiment import Experiment
from influence_core.report.about_run import report_command
from influence_core.report.settings import ReportSettings
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from ui import access, forms, queries, shell, state
from ui.wording import counted, plain

PREVIEW_PIXELS = 900

_MADE = "_report_as_made"

_HERE, _OPEN = ":material/check_circle:", ":material/radio_button_unchecked:"


class Missing(NamedTuple):
    """What is to be done for a part of the report, on which page and which part of it."""

    act: str
    page: str
    part: str | None = None


class Part(NamedTuple):
    """A part of the report, and what it takes where it is not there yet."""

    told: str
    missing: Missing | None = None


def reportable() -> Run | None:
    """Return the run in view; where it has nothing to tell yet, say what to do."""
    run = shell.chosen_run()
    if run is None:
        shell.lens()
        return None
    if queries.manifest(run).dataset is None:
        st.info("The run has not read its data yet. Its report can be made as soon as it has.")
        shell.link("run", "See how far it is", ":material/arrow_forward:", run=run.name)
        return None
    return run


def settings(run: Run) -> ReportSettings:
    """Draw what the report shows and leaves out; the score is that of the sidebar."""
    fields = ReportSettings.model_fields
    tolerance, mask = st.columns(2, vertical_alignment="bottom")
    tolerated = forms.tolerance(
        tolerance, "report.tolerance", help=fields["tolerance"].description, width=280
    )
    if access.masked():
        mask.caption("Texts are masked: the report leaves them out, too.")
    else:
        mask.toggle(
            "Leave out all texts",
            key="mask",
            persist_state="session",
            help=fields["mask_texts"].description,
        )
    score = state.get("score") if queries.manifest(run).scores else None
    masked = access.masked() or state.get("mask")
    return ReportSettings(score=score, tolerance=tolerated, mask_texts=masked)


def contents(run: Run) -> None:
    """Draw what will be in the report, and what to run for the rest."""
    st.subheader("What will be in it?", anchor=False)
    with st.container(gap="xxsmall"):
        for told, missing in _parts(run):
            line, way = st.columns([2, 1], vertical_alignment="center")
            line.markdown(f"{_OPEN if missing else _HERE} {plain(told)}")
            if missing:
                act, page, part = missing
                with way:
                    shell.link(page, act, ":material/arrow_forward:", run=run.name, part=part)


def make(run: Run, wanted: ReportSettings) -> None:
    """Draw the button that makes the report; once it is made, its download and a preview."""
    asked = (run.name, queries.manifest(run).content_version, wanted)
    if st.button("Make the report", type="primary", icon=":material/description:"):
        from influence_core.report.page import render_report

        with st.spinner("Reading the run"):
            st.session_state[_MADE] = (asked, render_report(run, wanted))
    made_for, document = st.session_state.get(_MADE, (None, ""))
    if made_for != asked:
        return
    _take_away(run, wanted, document)
    _preview(document)


def _take_away(run: Run, wanted: ReportSettings, document: str) -> None:
    st.download_button(
        "Download the file",
        data=document.encode("utf-8"),
        file_name=f"{run.name}-report.html",
        mime="text/html",
        icon=":material/download:",
        on_click="ignore",
    )
    size = len(document.encode("utf-8")) / 1024
    st.caption(
        f"One file of {size:,.0f} kB that opens in any browser, offline, and prints. On the "
        f"command line: `{report_command(run.name, wanted)}`"
    )


def _preview(document: str) -> None:
    """Show the file in a frame of its own origin, which cannot reach the dashboard."""
    address = "data:text/html;charset=utf-8;base64," + b64encode(document.encode("utf-8")).decode()
    with st.container(border=True):
        st.iframe(address, height=PREVIEW_PIXELS, alt="Preview of the report")


def _parts(run: Run) -> list[Part]:
    """Return each part of the report, and what is to be done for those that are missing."""
    manifest = queries.manifest(run)
    pruning, noisy = (len(kind.of(run)) for kind in (Experiment, NoisyExperiment))
    selected = len(Selections(run).listed())
    return [
        Part("The data: rows, classes, how evenly they are filled"),
        Part(
            "What matters: where the hard rows are, the hardest and the easiest",
            None if manifest.scores else Missing("Finish the run", "run"),
        ),
        Part(
            "What is wrong: share of wrong labels, suspects, decisions of reviewers",
            None if run.noise_file.exists() else Missing("Look for wrong labels", "noise"),
        ),
        Part(
            f"What can go: {counted(pruning, 'pruning experiment')}",
            None if pruning else Missing("Plan an experiment", "pruning"),
        ),
        Part(
            f"Proof on labels made wrong: {counted(noisy, 'experiment')}",
            None if noisy else Missing("Make labels wrong", "noise", part="experiment"),
        ),
        Part(
            f"Rows put aside: {counted(selected, 'named selection')}",
            None if selected else Missing("Pick rows", "examples"),
        ),
        Part("How it was computed, and the commands that repeat it"),
    ]
