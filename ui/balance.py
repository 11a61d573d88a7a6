"""How evenly rows are spread over classes, in figures and from the largest to the smallest."""

from __future__ import annotations

import numpy as np
import streamlit as st

from influence_core.report import class_charts
from influence_core.selection.imbalance import HEAD, Imbalance, imbalance, imbalance_of, mixture
from influence_core.store.query import ExampleQuery
from ui import plots, queries, tables
from ui.classes import Groups
from ui.shell import Lens
from ui.wording import count, counted, percent

SPLITS = ("train", "validation", "test")


def show(view: Lens, groups: Groups) -> None:
    """Draw the figures of imbalance, sizes in order, and the same by split."""
    many = groups.plural
    found = imbalance(groups.table["rows"])
    plots.question(f"How evenly are the rows spread over the {many}?")
    _figures(found, many)
    plots.draw_clickable(
        class_charts.sizes(groups.table, HEAD, groups.chosen), "sizes", groups.pick
    )
    first = int(np.ceil(HEAD * found.groups))
    st.caption(
        f"From the largest to the smallest. Green: the first {percent(HEAD, 0)}, "
        f"{groups.counted(first)}. Click a bar to see only its rows, here and on every page."
    )
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        _by_split(view, groups.by, many)
    with right:
        if groups.by != "label":
            _mixed(view, groups.by)


def _figures(found: Imbalance, many: str) -> None:
    most = np.log2(max(found.groups, 1))
    shown = (
        (many.capitalize(), count(found.groups), f"Different {many} among the rows in view."),
        (
            "Ratio",
            f"{found.ratio:,.0f} : 1" if found.ratio >= 10 else f"{found.ratio:.1f} : 1",
            f"Largest to smallest: {counted(found.largest, 'row')} to {count(found.smallest)}.",
        ),
        (
            "Entropy",
            f"{found.entropy:.2f} bits",
            f"How uncertain the label of a random row is. Balance would be {most:.2f} bits.",
        ),
        (
            "Evenness",
            percent(found.evenness, 0),
            "Entropy as a share of what balance would have. 100% is balanced.",
        ),
        (
            "Effective",
            f"{found.effective:.1f}",
            f"So many {many} of one size would be as uncertain: 2 to the power of the entropy.",
        ),
        (
            f"Head {percent(HEAD, 0)}",
            percent(found.head, 0) if found.groups >= 1 / HEAD else "–",
            f"Share of the rows in the largest {percent(HEAD, 0)} of the {many}.",
        ),
        (
            "Gini",
            f"{found.gini:.2f}",
            "Mean difference of two sizes over twice their mean. 0 is balanced, near 1 means that "
            "a few hold almost all.",
        ),
    )
    for place, (name, value, meaning) in zip(st.columns(len(shown)), shown, strict=True):
        place.metric(name, value, help=meaning)


def _by_split(view: Lens, by: str, many: str) -> None:
    """Compare the splits: a test set with another balance measures something else."""
    import pandas as pd

    lines = []
    for split in SPLITS:
        query = ExampleQuery(splits=(split,))
        found = queries.ask(view.run, imbalance_of, by, query)
        if found.groups:
            lines.append(
                {
                    "Split": split,
                    many.capitalize(): count(found.groups),
                    "Smallest": count(found.smallest),
                    "Ratio": f"{found.ratio:,.1f}",
                    "Entropy": f"{found.entropy:.2f}",
                    "Evenness": percent(found.evenness, 0),
                    "Gini": f"{found.gini:.2f}",
                }
            )
    plots.question("Are the splits alike?")
    frame = pd.DataFrame(lines)
    right = {
        name: st.column_config.TextColumn(alignment="right", width=66) for name in frame.columns[1:]
    }
    split = {"Split": st.column_config.TextColumn(width=92)}
    st.dataframe(frame, hide_index=True, column_config={**split, **right})
    st.caption("All rows of each split, whatever is filtered. Entropy in bits.")


def _mixed(view: Lens, by: str) -> None:
    """Tell how many classes the groups hold, and how mixed they are."""
    import pandas as pd

    plots.question("How mixed is every group?")
    found = queries.ask(view.run, mixture, by, view.query())
    frame = pd.DataFrame(
        {
            "Group": found["group"].map(str),
            "Rows": found["rows"].map(count),
            "Classes": found["values"].map(count),
            "Entropy": [f"{bits:.2f}" for bits in found["entropy"]],
        }
    )
    right = {
        name: st.column_config.TextColumn(alignment="right", width=66) for name in frame.columns[1:]
    }
    st.dataframe(
        frame,
        hide_index=True,
        height=tables.height(len(frame), 8),
        column_config={"Group": st.column_config.TextColumn(width=132), **right},
    )
    st.caption(
        "Entropy of the classes within the group, in bits: how uncertain the class of its rows is."
    )
