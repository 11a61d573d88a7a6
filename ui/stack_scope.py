"""Requests that no domain serves: how many find none, and what that costs the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core.nlu import scope
from influence_core.nlu.experiment import StackExperiment
from influence_core.report import stack_charts
from ui import plots, queries, state
from ui.stacks import TECHNIQUES, findings, lined, said_of, tested
from ui.wording import count, counted, percent, plain

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS = tuple(f"{number}%" for number in range(30, 100, 5))
"""Probabilities that a domain must exceed, as the address has them."""


def rates(experiment: StackExperiment, threshold: float) -> pd.DataFrame:
    """Return which share of rows finds no domain, for every point, overall and by domain."""
    return scope.scope(findings(experiment), threshold)


def by_threshold(experiment: StackExperiment) -> pd.DataFrame:
    """Return the rates of the stacks of all rows by threshold."""
    return scope.by_threshold(findings(experiment))


def too_low(experiment: StackExperiment, threshold: float) -> str:
    """Say that a threshold is too low to turn anything away, if it is."""
    return scope.too_low(findings(experiment), threshold)


def held_out(experiment: StackExperiment) -> bool:
    """Say whether the experiment held domains out."""
    return scope.held_out(findings(experiment))


def show(experiment: StackExperiment) -> None:
    """Draw how many requests find no domain, where that was measured."""
    if not queries.ask(experiment, held_out):
        return
    title, chosen = st.columns([2, 1], vertical_alignment="bottom")
    with title:
        plots.question("What of requests that no domain serves?")
    with chosen:
        least = _choose()
    found = queries.ask(experiment, rates, least)
    # The line of all domains is the first: it has the most rows.
    whole = found[found["fraction"] == 0].sort_values("rows", ascending=False, kind="stable")
    st.markdown(queries.ask(experiment, too_low, least) or _said(whole, least))
    curves, tables = st.columns([1.1, 1], gap="medium")
    with curves:
        plots.draw(
            stack_charts.turned_away(queries.ask(experiment, by_threshold), least),
            "stack scope",
        )
    with tables:
        _by_domain(whole)
    if len(found) > len(whole):
        _by_technique(found)
    st.caption(
        "Each domain is held out in turn, and a classifier that has never seen it is asked about "
        "its test rows. Unrecoverable: those that no domain is probable enough for; the others are "
        "taken for a request of another domain. Rejected: rows of domains that it knows and that "
        f"find none all the same. {said_of(experiment)}"
    )


def threshold() -> float:
    """Return the probability that a domain must exceed to be asked."""
    state.settle("sure", list(THRESHOLDS), f"{scope.THRESHOLD:.0%}")
    return float(state.get("sure").removesuffix("%")) / 100


def _choose() -> float:
    threshold()
    st.select_slider(
        "A domain must be more probable than",
        list(THRESHOLDS),
        key="sure",
        persist_state="session",
        help="What no domain reaches is turned away: the assistant says that it cannot help.",
    )
    return threshold()


def _said(whole: pd.DataFrame, threshold: float) -> str:
    overall, (domains, among) = whole.iloc[0], tested(whole.iloc[1:])
    words = (
        f"Of requests from a domain that it has never seen the stack turns away "
        f"**{percent(overall['unrecoverable'])}**, as none of its domains is more probable than "
        f"{percent(threshold, 0)}; so it does **{percent(overall['rejected'])}** of those it knows."
    )
    least = domains.sort_values("unrecoverable", kind="stable").iloc[0]
    return (
        f"{words} Of {among} requests of **{plain(least['domain'])}** are most often taken for "
        f"another domain's: {percent(1 - least['unrecoverable'])} of "
        f"{counted(least['rows'], 'row')}."
    )


def _by_domain(whole: pd.DataFrame) -> None:
    import pandas as pd

    names = ["all domains", *whole["domain"].iloc[1:]]
    lined(
        pd.DataFrame(
            {
                "Domain": names,
                "Test rows": whole["rows"].map(count).to_numpy(),
                "Unrecoverable": whole["unrecoverable"].map(percent).to_numpy(),
                "Rejected": whole["rejected"].map(percent).to_numpy(),
            }
        )
    )


def _by_technique(found: pd.DataFrame) -> None:
    """Draw the table of what pruning does to both."""
    import pandas as pd

    told = found[found["domain"].isna() & (found["fraction"] > 0)]
    lined(
        pd.DataFrame(
            {
                "Technique": told["technique"].map(TECHNIQUES).to_numpy(),
                "Pruned": [percent(one, 0) for one in told["fraction"]],
                "Unrecoverable": _changed(told, "unrecoverable"),
                "Rejected": _changed(told, "rejected"),
            }
        )
    )


def _changed(told: pd.DataFrame, name: str) -> list[str]:
    pairs = zip(told[name], told[f"{name}_change"], strict=True)
    return [f"{percent(rate)} ({100 * change:+z.1f} points)" for rate, change in pairs]
