"""A run as a whole: its progress, then what was found, measured and set."""

from __future__ import annotations

import streamlit as st

from influence_core.comparing.settings import in_force
from influence_core.store.run import Manifest, Run
from ui import access, cards, contrast, findings, forms, live, queries, shell, state
from ui.wording import count, percent, plain

VIEWS = {"new": "Start a new run", "progress": "This run"}

_NEXT = ("examples", "noise", "pruning", "export")
"""Pages that lead from a finished run to the data without what need not stay."""


def chosen_view() -> Run | None:
    """Draw the choice between a new run and the run in view; return the latter if it is meant."""
    name = state.get("run")
    if not name:
        return None
    if access.say_only_read("New runs are switched off"):
        return queries.open_run(name)
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
    if manifest.scores and manifest.status == "complete":
        st.subheader("What next?", anchor=False)
        cards.ways(run, _NEXT, columns=len(_NEXT))
    if manifest.scores:
        _measured(manifest)
    if manifest.dataset is not None:
        st.subheader("What did the data check find?", anchor=False)
        findings.sizes(manifest.dataset)
        findings.report(manifest.dataset.findings)
    _settings(manifest)
    _contrast(manifest)


def _contrast(manifest: Manifest) -> None:
    """Draw what is different from another run, if there is one, and the way to do it again."""
    if any(card.manifest and card.name != manifest.name for card in queries.cards()):
        st.subheader("What is different from another run?", anchor=False)
    that = contrast.choose(but=manifest.name)
    if that is not None:
        contrast.made(manifest, that)
    for one in (manifest, that):
        if (
            one is not None
            and not access.read_only()
            and one.settings.origin in ("probe", "finetune")
        ):
            label = f"Use the settings of {plain(one.name)} in a new run"
            shell.link("run", label, ":material/content_copy:", view="new", like=one.name)


def _usual(name: str) -> str:
    complete = queries.manifest(queries.open_run(name)).status == "complete"
    return "new" if complete else "progress"


def _measured(manifest: Manifest) -> None:
    """Draw how good the model is."""
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


def _settings(manifest: Manifest) -> None:
    with st.expander("Settings and versions", icon=":material/tune:"):
        rows = [
            {"Part": part.capitalize(), "Setting": forms.label(name), "Value": str(value)}
            for part, values in in_force(manifest.settings).items()
            for name, value in values.items()
            if value is not None
        ]
        rows += [
            {"Part": "Version", "Setting": name, "Value": version}
            for name, version in manifest.versions.items()
        ]
        st.dataframe(rows, hide_index=True, height=400)
