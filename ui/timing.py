"""Why a score works or not: EL2N early against late, and forgetting by how often one looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core.report import timing_charts
from influence_core.scores.timing import (
    FLAT,
    Cadence,
    EarlyLate,
    by_cadence,
    early_and_late,
    watched,
)
from ui import plots, queries, shell
from ui.shell import Lens
from ui.wording import count, counted, percent

if TYPE_CHECKING:
    import pandas as pd

TIED = 0.8
"""Share of rows with one value from which on a score says little."""


def show(view: Lens) -> None:
    """Draw what the training dynamics say of scores that depend on when one looks."""
    if not watched(view.run):
        _nothing(view)
        return
    st.caption(
        "Both scores are read from snapshots of training, so that it matters when and how often "
        "one looks. Counted again here from the snapshots of the first training."
    )
    _early_and_late(view)
    _cadences(view)


def _nothing(view: Lens) -> None:
    with st.container(border=True):
        st.markdown("**This run kept no training dynamics.**")
        st.write(
            "Why EL2N and forgetting work or not can be told from looks at the rows during "
            "training. A run that trains keeps them; scores computed elsewhere come without."
        )
        shell.link("run", "Train on these texts", ":material/arrow_forward:", view="new")


def _early_and_late(view: Lens) -> None:
    """Answer whether EL2N is read early enough."""
    epoch = view.manifest.settings.scoring.el2n_epoch
    with st.spinner("Reading snapshots …", show_time=True):
        found = queries.ask(view.run, early_and_late, view.query(), epoch)
    plots.question("Is EL2N read early enough to tell rows apart?")
    st.markdown(_verdict(found))
    names = f"early, epoch {found.early:g}", f"late, epoch {found.late:g}"
    left, right = st.columns(2, gap="medium")
    with left:
        plots.draw(timing_charts.early_and_late(found.bins, names), "el2n early and late")
    with right:
        titles = f"EL2N {names[0]}", f"EL2N {names[1]}"
        plots.draw(timing_charts.joint(found.cells, titles), "el2n joint")
    st.caption(
        f"{counted(found.rows, 'row')} in view. Rows on the dotted line did not change; those "
        "below it became easy, those above it were unlearnt. At 0 the model is sure of the label, "
        "at 1.41 sure of another one."
    )


def _verdict(found: EarlyLate) -> str:
    """Say what the two distributions mean for whoever prunes by EL2N."""
    spearman, similar = found.likeness.spearman, found.likeness.similarity
    flat = (
        f"{percent(found.flat_early, 0)} of the rows lie below {FLAT} after epoch "
        f"{found.early:g}, {percent(found.flat_late, 0)} after epoch {found.late:g}."
    )
    if found.flat_early > TIED:
        meaning = (
            "The model is sure of most rows already at the early look: EL2N tells them hardly "
            "apart. An earlier epoch, or another score, says more."
        )
    elif found.flat_late > TIED:
        meaning = (
            "Late EL2N has collapsed and tells few rows apart; the early one still ranks them. "
            "That is why it is read early."
        )
    else:
        meaning = "Both looks still tell rows apart."
    order = (
        ""
        if spearman is None
        else f" The two orders have a rank correlation of {spearman:.2f}, and the hardest 10% by "
        f"each share {percent(similar, 0)} of what is in either."
    )
    return f"{flat} **{meaning}**{order}"


def _cadences(view: Lens) -> None:
    """Answer whether forgetting was looked for often enough."""
    found = queries.ask(view.run, by_cadence, view.query())
    plots.question("Is forgetting looked for often enough?")
    if not found:
        st.caption("Forgetting takes at least two looks at the rows in view.")
        return
    st.markdown(_worth(found))
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        plots.draw(timing_charts.cadences(_counts(found)), "cadences")
    with right:
        _table(found)
        st.caption(
            "Events: the model was right at one look and wrong at the next. Zero: rows that were "
            "learnt and never forgotten, which nothing tells apart. Never: rows never learnt. "
            "Mean: events a row. Rank: rank correlation with the finest cadence, rows never "
            "learnt counted as the hardest."
        )


def _worth(found: list[Cadence]) -> str:
    finest, coarsest = found[0], found[-1]
    said = (
        f"Looking {finest.looks} times, {percent(finest.zero, 0)} of the learnt rows have no "
        "event at all."
    )
    if finest.zero > TIED:
        said += " **Forgetting ranks only the few others: draw by softmax instead of by rank.**"
    else:
        said += " **Enough rows have events to rank by.**"
    if finest is not coarsest:
        said += (
            f" Looking {coarsest.looks} times, it would be {percent(coarsest.zero, 0)}: a coarse "
            "cadence misses what happens in between."
        )
    return said


def _counts(found: list[Cadence]) -> pd.DataFrame:
    """Return the rows and their share by cadence and number of events."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            {
                "cadence": one.name,
                "events": range(len(one.events)),
                "rows": one.events,
                "share": one.events / max(one.events.sum(), 1),
            }
        )
        for one in found
    ]
    return pd.concat(parts, ignore_index=True)


def _table(found: list[Cadence]) -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {
            "Looks": [f"{one.name} ({count(one.looks)})" for one in found],
            "Zero": [percent(one.zero) for one in found],
            "Never": [percent(one.never) for one in found],
            "Mean": [f"{one.mean:.2f}" for one in found],
            "Rank": ["–" if one.spearman is None else f"{one.spearman:.2f}" for one in found],
        }
    )
    right = {
        name: st.column_config.TextColumn(alignment="right", width=66) for name in frame.columns[1:]
    }
    st.dataframe(
        frame,
        hide_index=True,
        column_config={"Looks": st.column_config.TextColumn(width=146), **right},
    )
