"""The form of a new run: data, settings, and the buttons that start it."""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic import BaseModel

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.estimate import estimate
from influence_core.progress import duration
from influence_core.store.run import Manifest
from ui import contrast, forms, loading, queries, queue, source, starting, state
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

_FILLED = "_form_filled_like"

Values = dict[type[BaseModel], dict[str, Any]]


def form() -> None:
    """Draw the whole form of a new run."""
    like = _like()
    queue.show()
    st.subheader("1. Which data?", anchor=False)
    way = source.choose_way()
    if way == "load":
        loading.form()
    else:
        _train(source.pick(way), like)


def _train(picked: DataSettings | None, like: Manifest | None) -> None:
    """Draw the form of a run that trains on what was picked."""
    usual = like.settings if like else RunSettings()
    if picked is not None and picked.source == usual.data.source:
        picked = usual.data
    seen = source.look(picked) if picked else None
    if seen is None:
        st.caption(
            "One column of texts and one of labels is enough. The columns are guessed and all rows "
            "are checked first; nothing starts before you press Start."
        )
        return
    prefix = f"new {like.name}" if like else "new"
    st.subheader("2. What does the check find?", anchor=False)
    checked = source.check(_with_typed(seen.settings, prefix))
    st.subheader("3. How should it be scored?", anchor=False)
    settings = _run_settings(seen.settings, _settings(prefix, usual), usual)
    that = contrast.choose(usual=like.name if like else None)
    if that is not None:
        contrast.planned(settings, checked.summary, that)
    _say_how_long(settings, checked.summary.rows if checked.summary else None)
    key = f"name {seen.settings.source} {seen.settings.label}"
    starting.offer(key, settings, checked.ready, pipeline.free_name(seen.settings))


def _like() -> Manifest | None:
    """Return the run whose settings fill the form, and say so; the first time, take its source."""
    name = state.get("like")
    cards = {card.name: card.manifest for card in queries.cards()}
    found = cards.get(name) if name else None
    if found is None or found.settings.origin not in ("probe", "finetune"):
        state.put("like", None)
        return None
    if st.session_state.get(_FILLED) != name:
        st.session_state[_FILLED] = name
        source.fill(found.settings.data)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/content_copy: Filled with the settings of **{plain(name)}**.")
        st.button("Use the defaults instead", on_click=_unlike)
    return found


def _unlike() -> None:
    state.put("like", None)
    state.put("versus", None)
    st.session_state.pop(_FILLED, None)


def _with_typed(data: DataSettings, prefix: str) -> DataSettings:
    """Return the data's settings with what was typed further down, so that the check knows it."""
    keys = {name: _key(prefix, DataSettings, name) for name in DataSettings.model_fields}
    typed = {name: st.session_state[key] for name, key in keys.items() if key in st.session_state}
    known = {name: None if value == "" else value for name, value in typed.items()}
    return forms.build(DataSettings, data.model_dump() | known)


def _prefix(prefix: str, model: type[BaseModel]) -> str:
    return f"{prefix}.{model.__name__}"


def _key(prefix: str, model: type[BaseModel], name: str) -> str:
    return f"{_prefix(prefix, model)}.{name}"


def _settings(prefix: str, usual: RunSettings) -> Values:
    """Draw the settings, filled with the usual ones."""
    filled = _parts(usual)
    values: Values = {model: {} for model in ADVANCED}
    basic = [(model, name) for model, names in BASIC.items() for name in names]
    for place, (model, name) in zip(st.columns(len(basic)), basic, strict=True):
        with place:
            values[model][name] = forms.field(model, name, prefix, filled[model])
    values[ScoringSettings] |= forms.fields(
        ScoringSettings, ("scores",), prefix, filled[ScoringSettings]
    )
    with st.expander("All other settings", icon=":material/tune:"):
        for place, model in zip(st.tabs(list(ADVANCED.values())), ADVANCED, strict=True):
            with place:
                values[model] |= _others(model, prefix, filled[model])
    return values


def _parts(settings: RunSettings) -> dict[type[BaseModel], BaseModel]:
    parts = (settings.data, settings.model, settings.training, settings.scoring)
    return {type(part): part for part in parts}


def _others(model: type[BaseModel], prefix: str, usual: BaseModel) -> dict[str, Any]:
    """Draw the fields of a model that nothing else draws, three in a row."""
    shown = {*BASIC.get(model, ()), "scores"} | (
        _NAMED_ELSEWHERE if model is DataSettings else set()
    )
    names = [name for name in model.model_fields if name not in shown]
    values: dict[str, Any] = {}
    for first in range(0, len(names), 3):
        for place, name in zip(st.columns(3), names[first : first + 3], strict=False):
            with place:
                values[name] = forms.field(model, name, _prefix(prefix, model), usual)
    return values


def _run_settings(data: DataSettings, values: Values, usual: RunSettings) -> RunSettings:
    return RunSettings(
        data=forms.build(DataSettings, data.model_dump() | values[DataSettings]),
        model=forms.build(ModelSettings, values[ModelSettings]),
        training=forms.build(TrainingSettings, values[TrainingSettings]),
        scoring=forms.build(ScoringSettings, values[ScoringSettings]),
        compute=usual.compute,
    )


def _say_how_long(settings: RunSettings, rows: int | None) -> None:
    """Draw how long the run is likely to take, and what that is judged by."""
    guessed = estimate(settings, rows) if rows else None
    if guessed is not None:
        by = f"run {plain(guessed.judged_by)}" if guessed.judged_by else "a typical laptop"
        st.caption(f":material/timer: About {duration(guessed.seconds)}, judged by {by}.")
