"""Checkpoints of a training elsewhere: named, looked at, and scored with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core import pipeline
from influence_core.config import DataSettings, RunSettings, ScoringSettings
from influence_core.errors import DataError
from influence_core.store.names import placed
from ui import findings, forms, source, starting
from ui.wording import count

if TYPE_CHECKING:
    from influence_core.model.checkpoints import GivenCheckpoint
    from influence_core.store.run import DatasetSummary


def form(texts: DataSettings | None) -> None:
    """Draw the form of a run that scores with checkpoints."""
    named = _folders()
    if texts is None or not named:
        st.caption(
            "The texts that a classifier was trained on, and the checkpoints that its training "
            "left: folders with config.json and model.safetensors. Nothing is trained; the run "
            "looks at every text with every checkpoint."
        )
        return
    st.subheader("3. Do they fit together?", anchor=False)
    settings = _settings(texts, named)
    found = _found(settings)
    _told(found, settings)
    checked = source.check(settings.data)
    ready = checked.ready and (checked.summary is None or _labels_fit(found, checked.summary))
    if ready:
        pipeline.check(settings)
    key = f"load name {texts.source} {named}"
    starting.offer(key, settings, ready, pipeline.free_name(settings.data))


def _folders() -> tuple[str, ...]:
    typed = st.text_input(
        "Folders",
        placeholder="a folder of checkpoint-100, checkpoint-200, …, or several with commas between",
        key="load_checkpoints",
        persist_state="session",
        help="Paths of the machine that serves this page, in the order of training. Only "
        "safetensors are read.",
    )
    names = (name.strip() for name in typed.split(","))
    return tuple(str(placed(name)) for name in names if name)


def _settings(texts: DataSettings, named: tuple[str, ...]) -> RunSettings:
    """Draw what is computed with the checkpoints, and complete it by what lies beside them."""
    from influence_core.stages.replay import for_checkpoints

    scores = forms.fields(ScoringSettings, ("scores",), "load")
    with st.expander("Tokenizer and learning rate", icon=":material/tune:"):
        left, right = st.columns(2)
        tokenizer = left.text_input(
            "Tokenizer", placeholder="found beside the checkpoints", key="load_tokenizer"
        ).strip()
        rate = right.number_input(
            "Learning rate",
            min_value=0.0,
            value=None,
            format="%g",
            placeholder="what the Trainer logged",
            key="load_rate",
            help="What TracIn multiplies by.",
        )
    wanted = RunSettings(data=texts, scoring=forms.build(ScoringSettings, scores))
    return for_checkpoints(wanted, texts.source, named, tokenizer or None, rate or None)


def _found(settings: RunSettings) -> list[GivenCheckpoint]:
    from influence_core.model.checkpoints import find_checkpoints
    from influence_core.stages.replay import given

    return find_checkpoints(given(settings).folders)


def _told(found: list[GivenCheckpoint], settings: RunSettings) -> None:
    from influence_core.model.checkpoints import class_names

    figures = {
        "Checkpoints": count(len(found)),
        "First step": count(found[0].step),
        "Last step": count(found[-1].step),
        "Classes of the model": count(len(class_names(found[0].folder))),
        "Learning rate": f"{settings.training.encoder_lr:g}",
    }
    for place, (name, number) in zip(st.columns(len(figures)), figures.items(), strict=True):
        place.metric(name, number)


def _labels_fit(found: list[GivenCheckpoint], dataset: DatasetSummary) -> bool:
    """Say whether the model knows all labels; if not, draw which it does not know."""
    from influence_core.model.checkpoints import class_names
    from influence_core.stages.replay import ordered_as

    try:
        ordered_as(class_names(found[0].folder), dataset.label_names)
    except DataError as error:
        findings.report(findings.of(error))
        return False
    return True
