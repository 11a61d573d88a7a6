"""What the stacks get wrong: their rates, overall and by domain, and domains that are confused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.figures import WHOLE, Point
from influence_core.report import stack_charts
from ui import plots, queries, stack_scope
from ui.stacks import MEANT, findings, lined, pick, points, rated, said_of, tested
from ui.wording import count, counted, percent, plain

if TYPE_CHECKING:
    import pandas as pd

LISTED = 12
"""Pairs of domains in the list of those that are confused most."""


NAMED = 6
"""Domains that a sentence names."""


def whole(experiment: StackExperiment) -> pd.DataFrame:
    """Return rows and rates of the stacks of all rows, overall and by domain."""
    return findings(experiment).whole()


def confusion(experiment: StackExperiment, point: Point) -> pd.DataFrame:
    """Return how many rows of a domain the stacks of a point take for which."""
    return findings(experiment).confusion(point)


def confused(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs of domains that are confused, the most rows first: true, told, rows, of."""
    import numpy as np
    import pandas as pd

    table = counts.to_numpy(float)
    wrong = np.argwhere((table > 0) & ~np.eye(len(table), dtype=bool))
    sizes, names = table.sum(axis=1), counts.index
    lines = [(names[true], names[told], table[true, told], sizes[true]) for true, told in wrong]
    found = pd.DataFrame(lines, columns=["true", "told", "rows", "of"])
    return found.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def show(experiment: StackExperiment) -> None:
    """Draw the rates of the stacks of all rows, and which domains are confused."""
    plots.question("How often does the stack err, before anything is pruned?")
    found = queries.ask(experiment, whole)
    st.markdown(_said(found))
    lined(rated(found, "domain", "all domains"))
    small = queries.manifest(experiment).small_domains
    st.caption(f"{MEANT} {said_of(experiment)}{_without_models(small)}")
    _confused(experiment)
    stack_scope.show(experiment)


def _without_models(small: tuple[str, ...]) -> str:
    """Say which domains have too few rows for models of their own, the first by name."""
    if not small:
        return ""
    more = f" and {count(len(small) - NAMED)} more" if len(small) > NAMED else ""
    names = plain(", ".join(small[:NAMED]))
    return f" Too few rows for models of their own, and the usual intent instead: {names}{more}."


def _said(found: pd.DataFrame) -> str:
    overall, (domains, among) = found.iloc[0], tested(found.iloc[1:])
    words = (
        f"Of {counted(overall['rows'], 'test row')} the stack gets **{percent(overall['irer'])}** "
        f"wrong in some way: the domain of {percent(overall['dcer'])}, the intent of "
        f"{percent(overall['icer'])}"
    )
    words += f", the slots with F1 {overall['slot_f1']:.3f}." if _known(overall) else "."
    worst = domains.sort_values("irer", ascending=False, kind="stable").iloc[0]
    if len(domains) < 2 or not worst["irer"]:
        return words
    return (
        f"{words} Worst of {among} is **{plain(worst['domain'])}**: {percent(worst['irer'])} of "
        f"{counted(worst['rows'], 'row')}."
    )


def _known(line: pd.Series) -> bool:
    return bool(line["slot_f1"] == line["slot_f1"])


def _confused(experiment: StackExperiment) -> None:
    title, chosen = st.columns([2, 1], vertical_alignment="bottom")
    with title:
        plots.question("Which domains are taken for which?")
    with chosen:
        point = pick("seen", "Stacks trained on", queries.ask(experiment, points), WHOLE)
    counts = queries.ask(experiment, confusion, point)
    pairs = confused(counts)
    if pairs.empty:
        st.markdown("No test row is taken for another domain.")
        return
    first = pairs.iloc[0]
    st.markdown(
        f"Most often **{plain(first['true'])}** is taken for **{plain(first['told'])}**: "
        f"{first['rows']:.1f} of {counted(first['of'], 'row')}."
    )
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        plots.draw(stack_charts.confusion(counts), "stack confusion")
    with right:
        _pairs(pairs)
    cap = ""
    if len(counts) > stack_charts.MOST:
        cap = f" The {stack_charts.MOST} largest of {counted(len(counts), 'domain')} are drawn."
    st.caption(
        f"Orange: the share of a domain's test rows that is taken for another, the fuller the "
        f"more. Green, on the diagonal: the share that is found. Mean over seeds.{cap}"
    )


def _pairs(pairs: pd.DataFrame) -> None:
    import pandas as pd

    listed = pairs.head(LISTED)
    shares = zip(listed["rows"], listed["of"], strict=True)
    shown = pd.DataFrame(
        {
            "Domain": listed["true"],
            "Taken for": listed["told"],
            "Rows": [f"{rows:.1f}" for rows in listed["rows"]],
            "Share": [percent(rows / of) for rows, of in shares],
        }
    )
    lined(shown, words=2)
    if len(pairs) > LISTED:
        st.caption(f"The first {LISTED} of {counted(len(pairs), 'pair')}.")
