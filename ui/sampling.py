"""What would be dropped: the setting of the Export page, at any share, seen from other pages."""

from __future__ import annotations

import streamlit as st

from influence_core.selection.select import WITHOUT_SCORE, SelectionSettings
from influence_core.store.query import Normalise
from ui import carried, forms, pruning, shell
from ui.carried import KEEP, OMIT, START
from ui.pruning import ENDS, STRATEGIES, end_of
from ui.shell import NORMS, Lens
from ui.wording import plain

_KEY = "prune."
"""Prefix of the keys that the widgets of the Export page have."""


def settings(view: Lens, fraction: float, normalise: Normalise) -> SelectionSettings:
    """Return what the Export page would drop, were it that share, compared like that."""
    drawn = {
        name: st.session_state[f"{_KEY}{name}"]
        for name in SelectionSettings.model_fields
        if f"{_KEY}{name}" in st.session_state and name != "fraction"
    }
    if {"strategy", "prune"} <= drawn.keys():
        drawn["prune"] = end_of(drawn["prune"], drawn["strategy"])
    drawn["clip_suspicious"] = min(drawn.get("clip_suspicious", 0.0), fraction)
    chosen = {"score": view.score, "normalise": normalise, "fraction": fraction}
    return forms.build(SelectionSettings, {**chosen, **drawn})


def words(wanted: SelectionSettings) -> str:
    """Word what decides which rows go, and what of the Export page does not."""
    way = STRATEGIES[wanted.strategy].lower()
    if any(st.session_state.get(key) for key in (KEEP, OMIT, START)):
        way += ", named selections left aside"
    if wanted.strategy in WITHOUT_SCORE:
        return f"Without a score: {way}"
    return f"{ENDS[wanted.prune]}, {NORMS[wanted.normalise]}: {way}"


def slider(view: Lens) -> SelectionSettings:
    """Draw the share that goes, and the way to where the rest is set; return the settings."""
    left, right = st.columns([2, 1.6], gap="large", vertical_alignment="center")
    with left:
        carried.take_share()
        share = pruning.share()
        carried.give_share()
    wanted = settings(view, share / 100, view.norm)
    with right, st.container(gap=None):
        st.caption(f"{plain(view.spec.label)} decides. {words(wanted)}.")
        shell.link(
            "export",
            f"Export what is left after {share}%",
            ":material/download:",
            run=view.run.name,
            score=view.score,
            compare=view.norm,
        )
    return wanted
