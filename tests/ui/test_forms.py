"""Every setting can be drawn, and a form that nobody touched means the defaults."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _page() -> None:
    import streamlit as st

    from influence_core.config import DataSettings, ModelSettings, ScoringSettings, TrainingSettings
    from influence_core.pruning.settings import ExperimentSettings
    from influence_core.selection.select import SelectionSettings
    from ui import forms

    models = (
        *(DataSettings, ModelSettings, TrainingSettings, ScoringSettings, SelectionSettings),
        ExperimentSettings,
    )
    for model in models:
        values = forms.fields(model, model.model_fields, model.__name__)
        st.text(str(forms.build(model, values) == model()))


def test_untouched_forms_mean_the_defaults() -> None:
    page = AppTest.from_function(_page, default_timeout=30).run()
    assert not page.exception
    assert [text.value for text in page.text] == ["True"] * 6


def _numbers() -> None:
    import streamlit as st

    from influence_core.pruning.settings import ExperimentSettings
    from ui import forms, shell

    with shell.guard():
        st.text(str(forms.field(ExperimentSettings, "fractions", "typed")))


def test_numbers_are_typed_with_commas_or_refused() -> None:
    page = AppTest.from_function(_numbers, default_timeout=30).run()
    page.text_input[0].input(".25, 0.5,").run()
    assert page.text[0].value == "(0.25, 0.5)"
    page.text_input[0].input("half").run()
    assert "numbers, as in 0\\.1" in page.error[0].value
