"""Every setting can be drawn, and a form that nobody touched means the defaults."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from influence_core.config import DataSettings, ModelSettings, ScoringSettings, TrainingSettings
    from influence_core.selection.select import SelectionSettings
    from ui import forms

    models = (DataSettings, ModelSettings, TrainingSettings, ScoringSettings, SelectionSettings)
    for model in models:
        values = forms.fields(model, model.model_fields, model.__name__)
        st.text(str(forms.build(model, values) == model()))


def test_untouched_forms_mean_the_defaults() -> None:
    page = AppTest.from_function(_page, default_timeout=30).run()
    assert not page.exception
    assert [text.value for text in page.text] == ["True"] * 5
