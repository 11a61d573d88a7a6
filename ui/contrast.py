"""What two runs have not in common, beside each other on the Run page."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from influence_core.comparing.settings import (
    Difference,
    differing_facts,
    differing_settings,
    figures,
    shared_settings,
)
from influence_core.config import RunSettings
from influence_core.errors import RunError
from influence_core.store.run import DatasetSummary, Manifest, anchored
from ui import forms, queries, state
from ui.wording import counted, percent, plain

_LETTERS = 12
"""Letters of a fingerprint that tell one from another."""


_SHARES = ("accuracy", "macro_f1")
"""Figures that are shown in percent."""


def choose(but: str = "", usual: str | None = None) -> Manifest | None:
    """Draw the choice of an earlier run and return its manifest; `usual` is chosen unasked."""
    names = [card.name for card in queries.cards() if card.manifest and card.name != but]
    if not names:
        return None
    if state.get("versus") not in names:
        state.put("versus", usual if usual in names else None)
    st.selectbox(
        "Compare settings with",
        names,
        index=None,
        key="versus",
        persist_state="session",
        placeholder="an earlier run",
    )
    chosen = state.get("versus")
    return _manifest(chosen) if chosen else None


def planned(settings: RunSettings, dataset: DatasetSummary | None, that: Manifest) -> None:
    """Draw where a run that is being planned differs from an earlier one."""
    _settings(anchored(settings), that, "this run")
    if dataset is not None and that.dataset is not None:
        same = dataset.fingerprint == that.dataset.fingerprint
        st.caption(
            f":material/database: The data is {'the same' if same else 'another'}: fingerprint "
            f"{_short(dataset.fingerprint)}"
            + ("." if same else f", that of {plain(that.name)} {_short(that.dataset.fingerprint)}.")
        )


def made(this: Manifest, that: Manifest) -> None:
    """Draw where two runs differ: settings, data, versions, and what their models reached."""
    facts = differing_facts(this, that)
    _settings(this.settings, that, this.name, facts)
    if not facts:
        st.caption(":material/database: The data and the versions are the same.")
    reached = figures(this, that)
    if reached:
        _table("What the models reached", reached, this.name, that.name)


def _manifest(name: str) -> Manifest | None:
    try:
        return queries.manifest(queries.open_run(name))
    except RunError:
        return None


def _settings(
    this: RunSettings, that: Manifest, called: str, facts: tuple[Difference, ...] = ()
) -> None:
    """Draw the settings that differ, with the facts that do, and fold those away that do not."""
    differences = differing_settings(this, that.settings)
    if differences or facts:
        _table("What differs", (*differences, *facts), called, that.name)
    if not differences:
        st.caption(f":material/check: All settings are those of {plain(that.name)}.")
    shared = shared_settings(this, that.settings)
    if not shared:
        return
    with st.expander(f"The same in both, and not the default: {counted(len(shared), 'setting')}"):
        rows = [{"Setting": _name(one), "Both": _value(one, one.this)} for one in shared]
        st.dataframe(rows, hide_index=True, height="content")


def _table(title: str, differences: Iterable[Difference], this: str, that: str) -> None:
    rows = [
        {title: _name(one), this: _value(one, one.this), f"{that} ": _value(one, one.that)}
        for one in differences
    ]
    st.dataframe(rows, hide_index=True, height="content")


def _name(one: Difference) -> str:
    """Return a setting as the form calls it, with the part it belongs to."""
    called = one.name if one.part == "version" else forms.label(one.name.replace(" ", "_"))
    return f"{one.part.capitalize()}: {called}"


def _value(one: Difference, value: object) -> str:
    if one.name == "fingerprint":
        return _short(str(value or "not there"))
    if one.name in _SHARES:
        return percent(None if value is None else float(str(value)))
    usual = " (default)" if value is not None and value == one.default else ""
    return f"{forms.worded(value)}{usual}"


def _short(fingerprint: str) -> str:
    return fingerprint[:_LETTERS]
