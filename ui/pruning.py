"""What to drop: how many rows, from which end of a score, and how they are chosen."""

from __future__ import annotations

from typing import Any

import streamlit as st

from influence_core.scores.registry import spec_of
from influence_core.selection.select import WITHOUT_SCORE, SelectionSettings
from influence_core.store.run import Manifest
from ui import forms, state
from ui.shell import NORMS, Lens
from ui.wording import plain

ENDS = {"easy": "Easy rows", "hard": "Hard rows", "both": "Both ends"}

STRATEGIES = {
    "cutoff": "Cut off by rank",
    "softmax": "Draw, softmax of the score",
    "linear": "Draw, linear in the score",
    "random": "Draw at random",
    "stratified": "Draw at random in each class",
}

JUDGED = {
    "class": "Every class gives up some of its rows. The safe start.",
    "dataset": "Easy classes give up most, and may be left empty.",
    "raw": "Ranks rows as the dataset does; draws follow the value itself.",
}
"""What to compare a row with, the safest first, and what that does to the classes."""

FRACTION = "prune.fraction"
"""Key of the share that goes, which several pages draw."""

_CLIP, _CLIPPED_OF = "prune.clip_suspicious", "_share_that_is_clipped_is_of"

MOST = 95
"""Largest share that can be dropped, in percent."""

_DRAWN = {"fraction", "prune", "strategy", "score", "normalise"}

PROTECTING = tuple(name for name in SelectionSettings.model_fields if name not in _DRAWN)
"""Settings that spare rows or send some before others, and the seed of the draws."""


def settings(view: Lens) -> SelectionSettings:
    """Draw the settings of the selection; the score is the one in view."""
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        values = _what_goes()
    with right:
        values["normalise"] = _compared(values["strategy"])
    _keep_clip_to_its_run(view)
    protect = "Protect small classes, drop wrong labels and near-duplicates first"
    with st.expander(protect, icon=":material/tune:"):
        columns = st.columns(len(PROTECTING), vertical_alignment="bottom")
        for place, name in zip(columns, PROTECTING, strict=True):
            with place:
                values[name] = forms.field(SelectionSettings, name, "prune")
    values["clip_suspicious"] = _clipped(view, values)
    made = forms.build(SelectionSettings, {"score": view.score, **values})
    _say_what_decides(view, made)
    return made


def _clipped(view: Lens, values: dict[str, Any]) -> float:
    """Return the share that goes first as likely wrong labels, as far as it can."""
    asked: float = values["clip_suspicious"]
    if asked and values["clip_by"] not in view.manifest.scores:
        st.caption(
            ":material/error: Likely wrong labels do not go first: the run has no score "
            f"{plain(values['clip_by'])} to tell them by."
        )
        return 0.0
    if asked > values["fraction"]:
        st.caption("Likely wrong labels go first, as many as the share that goes lets.")
    return min(asked, values["fraction"])


def _keep_clip_to_its_run(view: Lens) -> None:
    """Take back a share that was estimated for another run."""
    if st.session_state.get(_CLIPPED_OF, view.run.name) != view.run.name:
        st.session_state[_CLIP] = 0.0
        del st.session_state[_CLIPPED_OF]


def can_clip(manifest: Manifest, made: SelectionSettings, share: float) -> bool:
    """Say whether that share could go first as likely wrong labels, and does not yet."""
    told = made.clip_by in manifest.scores and spec_of(manifest, made.clip_by).suspicious
    return bool(told) and made.clip_suspicious < share <= made.fraction


def clip(share: float, run: str) -> None:
    """Let that share of a run go first as likely wrong labels, when the page is drawn next."""
    st.session_state[_CLIP] = share
    st.session_state[_CLIPPED_OF] = run


def share(help: str | None = None) -> int:
    """Draw how much of the training rows goes, and return it in percent."""
    return st.slider(
        "Share of the training rows to drop",
        0,
        MOST,
        round(100 * SelectionSettings.model_fields["fraction"].default),
        format="%d%%",
        key=FRACTION,
        persist_state="session",
        help=help,
    )


def _what_goes() -> dict[str, Any]:
    """Draw how many rows go, from which end, and how they are chosen."""
    fraction = share(
        help="Of the rows that are left to decide: those that no named selection keeps or leaves "
        "out."
    )
    end, way = st.columns(2)
    strategy = way.selectbox(
        "How they are chosen",
        list(STRATEGIES),
        format_func=STRATEGIES.get,
        key="prune.strategy",
        persist_state="session",
        help="Cut off by rank: rows stand in the order of the score, and exactly as many as you "
        "ask for go, from its end. Draws by the score: rows near that end are the likeliest to "
        "go, so that a few of every kind stay. Draws at random are what to compare with.",
    )
    prune = end.selectbox(
        "Which rows go",
        list(ENDS),
        format_func=ENDS.get,
        key="prune.prune",
        persist_state="session",
        disabled=strategy in WITHOUT_SCORE,
        help="Easy rows are what the model learns anyway: dropping them costs least. Among hard "
        "rows are rare and wrongly labelled ones.",
    )
    return {"fraction": fraction / 100, "prune": end_of(prune, strategy), "strategy": strategy}


def end_of(prune: str, strategy: str) -> str:
    """Return the end that goes: only a cut-off takes both, and a draw the easy one instead."""
    return "easy" if prune == "both" and strategy != "cutoff" else prune


def _compared(strategy: str) -> str:
    """Draw what a row is compared with before it counts as easy or hard."""
    state.settle("compare", list(JUDGED))
    choice: str = st.radio(
        "Compared",
        list(JUDGED),
        format_func=NORMS.get,
        captions=list(JUDGED.values()),
        key="compare",
        persist_state="session",
        disabled=strategy in WITHOUT_SCORE,
    )
    return choice


def _say_what_decides(view: Lens, made: SelectionSettings) -> None:
    if not made.fraction:
        st.caption("No row goes by a score or at random.")
        return
    if made.strategy in WITHOUT_SCORE:
        st.caption("No score decides: rows are drawn at random.")
        return
    st.caption(
        f"{plain(view.spec.label)} {NORMS[made.normalise]} decides: "
        f"{ENDS[made.prune].lower()} go. Validation and test rows always stay."
    )
