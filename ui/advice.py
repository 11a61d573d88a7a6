"""What an experiment advises: how much can go, by every way of pruning that was tried."""

from __future__ import annotations

import streamlit as st

from influence_core.pruning.evidence import Difference
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.figures import Point
from influence_core.pruning.recommend import Recommendation, in_points, recommend, signed
from influence_core.report.about_pruning import AGAINST_RANDOM
from influence_core.report.wording import sentence
from ui import forms, queries
from ui.curves import Shown, findings
from ui.wording import counted, percent, plain

CARDS = 3
"""Recommendations in a row."""

_TOLERANCE = "pruning.tolerance"
"""Key of how much accuracy may be lost."""


def advised(experiment: Experiment, tolerance: float) -> list[Recommendation]:
    """Recommend a fraction for every curve."""
    return recommend(findings(experiment), tolerance)


def against_random(experiment: Experiment, best: Recommendation) -> Difference | None:
    """Compare a recommended share with as many rows drawn at random."""
    if best.curve.score is None or best.fraction is None:
        return None
    return findings(experiment).against_random(Point(best.curve, best.fraction))


def answer(shown: Shown) -> None:
    """Say in a sentence how much can go, dropped how, and whether chance allows as much."""
    listed = _listed(shown, forms.tolerated(_TOLERANCE))
    safe = [one for one in listed if one.fraction is not None]
    if safe:
        best = max(safe, key=lambda one: (one.fraction, one.curve.score is not None))
        st.markdown(_best(best, safe, shown))
    elif listed:
        least = min(one.judged for one in listed)
        st.markdown(
            f"**None of the shares that were tried is safe:** even {percent(least, 0)} may cost "
            f"more than {_allowed(listed[0])} of accuracy."
        )


def cards(shown: Shown) -> None:
    """Draw how much each way of pruning can be trusted with, that which takes most first."""
    title, field = st.columns([3, 1], vertical_alignment="bottom")
    title.subheader("How much is safe?", anchor=False)
    listed = _listed(shown, forms.tolerance(field, _TOLERANCE))
    if not listed:
        st.caption("Advice follows as soon as unpruned models are trained to compare with.")
    safe = [one for one in listed if one.fraction is not None]
    unsafe = listed[len(safe) :]
    _rows(safe, shown)
    if unsafe:
        with st.expander(f"{counted(len(unsafe), 'way')} without a safe share", expanded=not safe):
            _rows(unsafe, shown)
    st.caption(
        "Safe: with 95% confidence this share and all smaller tested ones cost no more accuracy "
        "than you allow, over other seeds and over other test rows."
    )


def ends(difference: Difference) -> str:
    """Word what is certain of a difference, in points."""
    return f"{signed(difference.low)} to {signed(difference.high)}"


def _listed(shown: Shown, tolerance: float) -> list[Recommendation]:
    """Return what is advised of the curves drawn, the largest safe share first."""
    found = queries.ask(shown.experiments[0], advised, tolerance)
    drawn = [one for one in found if one.curve.name in shown.curves]
    return sorted(drawn, key=lambda one: one.fraction or 0.0, reverse=True)


def _best(best: Recommendation, safe: list[Recommendation], shown: Shown) -> str:
    """Word the largest safe share; of shares as large, one that a score decides."""
    as_good = [one for one in safe if one.fraction == best.fraction and one is not best]
    words = (
        f"**Up to {percent(best.fraction, 0)} can go** for {_allowed(best)} of accuracy at most. "
        f"Best dropped: {plain(shown.titles[best.curve.name])}"
    )
    if as_good:
        words += f", or by {counted(len(as_good), 'other way')}"
    compared = queries.ask(shown.experiments[0], against_random, best)
    if compared is not None:
        words += f". That {AGAINST_RANDOM[compared.verdict]}"
    chance = best.curve.score is not None and any(one.curve.score is None for one in as_good)
    return words + (". **Drawn at random, as much can go.**" if chance else ".")


def _allowed(one: Recommendation) -> str:
    points = 100 * one.tolerance
    return f"{points:g} {'point' if points == 1 else 'points'}"


def _rows(listed: list[Recommendation], shown: Shown) -> None:
    """Draw some recommendations as cards, a few in a row."""
    for start in range(0, len(listed), CARDS):
        for place, one in zip(st.columns(CARDS), listed[start : start + CARDS], strict=False):
            with place:
                _card(one, shown.titles[one.curve.name])


def _card(one: Recommendation, title: str) -> None:
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.text(title)
        safe = "No safe fraction" if one.fraction is None else f"Up to {percent(one.fraction, 0)}"
        st.metric("May go", safe, label_visibility="collapsed")
        smallest = ", the smallest tested" if one.fraction is None else ""
        at = f"At {percent(one.judged, 0)}{smallest}"
        st.caption(f"{at}, accuracy changes by {in_points(one.loss.mean)} ({ends(one.loss)}).")
        if one.worst is not None and not one.worst.loses:
            st.caption(f"{sentence(one.worst.words)} there.")
        elif one.worst is not None:
            st.caption(
                f"Worst class there: {plain(one.worst.label)}, recall "
                f"{percent(one.worst.recall, 0)} ({in_points(one.worst.change, 0)}) on "
                f"{counted(one.worst.rows, 'test row')}."
            )
        if one.remark:
            st.caption(one.remark)
