"""A run as a whole: its progress, then what was found, measured and set."""

from __future__ import annotations

from typing import Any

import streamlit as st

from influence_core.config import RunSettings
from influence_core.store.run import Manifest, Run
from ui import findings, forms, live, queries, shell, state
from ui.wording import count, percent

VIEWS = {"new": "Start a new run", "progress": "Progress and report"}


def chosen_view() -> Run | None:
    """Draw the choice between a new run and the run in view; return the latter if it is meant."""
    name = state.get("run")
    if not name:
        return None
    state.settle("view", list(VIEWS), "progress" if state.linked("run") else _usual(name))
    st.segmented_control(
        "View",
        list(VIEWS),
        format_func=VIEWS.get,
        key="view",
        required=True,
        persist_state="session",
        label_visibility="collapsed",
    )
    return queries.open_run(name) if state.get("view") == "progress" else None


def show(run: Run) -> None:
    """Draw progress and report of a run."""
    live.progress(run)
    manifest = queries.manifest(run)
    for note in manifest.notes:
        st.text(note)
    if manifest.scores:
        _measured(manifest)
    if manifest.dataset is not None:
        st.subheader("What did the data check find?", anchor=False)
        findings.sizes(manifest.dataset)
        findings.report(manifest.dataset.findings)
    _settings(manifest)


def _usual(name: str) -> str:
    complete = queries.manifest(queries.open_run(name)).status == "complete"
    return "new" if complete else "progress"


def _measured(manifest: Manifest) -> None:
    """Draw how good the model is, and the way on."""
    st.subheader("How good is the model?", anchor=False)
    if not manifest.metrics:
        st.caption("No model was trained here, and no predictions were imported.")
    table = [
        {
            "Split": split.capitalize(),
            "Rows": count(values.get("rows")),
            "Accuracy": percent(values.get("accuracy")),
            "Macro F1": percent(values.get("macro_f1")),
        }
        for split, values in manifest.metrics.items()
    ]
    if table:
        st.dataframe(table, hide_index=True, height="content", width=460)
    with st.container(horizontal=True):
        shell.link("distributions", "Distributions", ":material/bar_chart:", run=manifest.name)
        shell.link("examples", "Examples", ":material/table_rows:", run=manifest.name)
        shell.link("export", "Export", ":material/download:", run=manifest.name)


def _settings(manifest: Manifest) -> None:
    with st.expander("Settings and versions", icon=":material/tune:"):
        rows = [
            {"Part": part.capitalize(), "Setting": forms.label(name), "Value": str(value)}
            for part, values in _in_force(manifest.settings).items()
            for name, value in values.items()
            if value is not None
        ]
        rows += [
            {"Part": "Version", "Setting": name, "Value": version}
            for name, version in manifest.versions.items()
        ]
        st.dataframe(rows, hide_index=True, height=400)


def _in_force(settings: RunSettings) -> dict[str, dict[str, Any]]:
    """Return the parts of the settings that had a say: an import trains nothing."""
    silent = {"model", "training"} if settings.imported else set()
    parts = settings.model_dump(mode="json", exclude=silent)
    return {part: values for part, values in parts.items() if values is not None}
