"""The form of a new run: data, settings, and the button that starts it."""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic import BaseModel

from influence_core import jobs, pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.estimate import estimate
from influence_core.progress import duration
from ui import forms, shell, source, state
from ui.wording import plain

BASIC: dict[type[BaseModel], tuple[str, ...]] = {
    TrainingSettings: ("mode", "epochs", "seeds"),
    ModelSettings: ("encoder",),
}
"""Settings that everybody meets, beside the scores; all others are folded away."""

ADVANCED: dict[type[BaseModel], str] = {
    DataSettings: "Data",
    ModelSettings: "Model",
    TrainingSettings: "Training",
    ScoringSettings: "Scores",
}

_NAMED_ELSEWHERE = {"source", "config", "hub_split", "language", *source.ROLES}

Values = dict[type[BaseModel], dict[str, Any]]


def form() -> None:
    """Draw the whole form of a new run."""
    st.subheader("1. Which data?", anchor=False)
    picked = source.pick()
    seen = source.look(picked) if picked else None
    if seen is None:
        st.caption(
            "One column of texts and one of labels is enough. The columns are guessed and all rows "
            "are checked first; nothing starts before you press Start."
        )
        return
    st.subheader("2. What does the check find?", anchor=False)
    checked = source.check(_with_typed(seen.settings))
    st.subheader("3. How should it be scored?", anchor=False)
    values = _settings()
    name = st.text_input(
        "Name of the run",
        value=pipeline.free_name(seen.settings),
        key=f"name {seen.settings.source} {seen.settings.label}",
        help="Letters, digits, '.', '_' and '-'. The run's folder is called so.",
    )
    settings = _run_settings(seen.settings, values)
    _say_how_long(settings, checked.rows)
    if st.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not checked.ready,
        help=None if checked.ready else "The check found errors that must be mended first.",
    ):
        _start(name.strip(), settings)


def _with_typed(data: DataSettings) -> DataSettings:
    """Return the data's settings with what was typed further down, so that the check knows it."""
    typed = {
        name: st.session_state[f"{_prefix(DataSettings)}.{name}"]
        for name in DataSettings.model_fields
        if f"{_prefix(DataSettings)}.{name}" in st.session_state
    }
    return forms.build(DataSettings, data.model_dump() | typed)


def _prefix(model: type[BaseModel]) -> str:
    return f"new.{model.__name__}"


def _settings() -> Values:
    values: Values = {model: {} for model in ADVANCED}
    basic = [(model, name) for model, names in BASIC.items() for name in names]
    for place, (model, name) in zip(st.columns(len(basic)), basic, strict=True):
        with place:
            values[model][name] = forms.field(model, name, "new")
    values[ScoringSettings] |= forms.fields(ScoringSettings, ("scores",), "new")
    with st.expander("All other settings", icon=":material/tune:"):
        for place, model in zip(st.tabs(list(ADVANCED.values())), ADVANCED, strict=True):
            with place:
                values[model] |= _others(model)
    return values


def _others(model: type[BaseModel]) -> dict[str, Any]:
    """Draw the fields of a model that nothing else draws, three in a row."""
    shown = {*BASIC.get(model, ()), "scores"} | (
        _NAMED_ELSEWHERE if model is DataSettings else set()
    )
    names = [name for name in model.model_fields if name not in shown]
    values: dict[str, Any] = {}
    for start in range(0, len(names), 3):
        for place, name in zip(st.columns(3), names[start : start + 3], strict=False):
            with place:
                values[name] = forms.field(model, name, _prefix(model))
    return values


def _run_settings(data: DataSettings, values: Values) -> RunSettings:
    return RunSettings(
        data=forms.build(DataSettings, data.model_dump() | values[DataSettings]),
        model=forms.build(ModelSettings, values[ModelSettings]),
        training=forms.build(TrainingSettings, values[TrainingSettings]),
        scoring=forms.build(ScoringSettings, values[ScoringSettings]),
    )


def _say_how_long(settings: RunSettings, rows: int | None) -> None:
    """Draw how long the run is likely to take, and what that is judged by."""
    guessed = estimate(settings, rows) if rows else None
    if guessed is not None:
        by = f"run {plain(guessed.judged_by)}" if guessed.judged_by else "a typical laptop"
        st.caption(f":material/timer: About {duration(guessed.seconds)}, judged by {by}.")


def _start(name: str, settings: RunSettings) -> None:
    """Start the run in the background and show its progress."""
    pipeline.check(settings)
    jobs.start(settings, name)
    st.switch_page(shell.PAGES / "run.py", query_params=state.link(run=name, view="progress"))
