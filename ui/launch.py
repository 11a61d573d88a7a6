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
from ui import forms, shell, source, state

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
        st.caption("Settings follow once there is a source that can be read.")
        return
    st.subheader("2. What does the check find?", anchor=False)
    ready = source.check(_with_typed(seen.settings))
    st.subheader("3. How should it be scored?", anchor=False)
    values = _settings()
    name = st.text_input(
        "Name of the run",
        value=pipeline.free_name(seen.settings),
        key=f"name {seen.settings.source} {seen.settings.label}",
        help="Letters, digits, '.', '_' and '-'. The run's folder is called so.",
    )
    if st.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not ready,
        help=None if ready else "The check found errors that must be mended first.",
    ):
        _start(name, seen.settings, values)


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


def _start(name: str, data: DataSettings, values: Values) -> None:
    """Start the run in the background and show its progress."""
    settings = RunSettings(
        data=forms.build(DataSettings, data.model_dump() | values[DataSettings]),
        model=forms.build(ModelSettings, values[ModelSettings]),
        training=forms.build(TrainingSettings, values[TrainingSettings]),
        scoring=forms.build(ScoringSettings, values[ScoringSettings]),
    )
    pipeline.check(settings)
    jobs.start(settings, name.strip())
    st.switch_page(
        shell.PAGES / "run.py", query_params=state.link(run=name.strip(), view="progress")
    )
