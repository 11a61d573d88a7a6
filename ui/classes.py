"""Classes, or groups by any column: how large, how hard, and what the model learnt of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from influence_core.report import class_charts, class_scatter
from influence_core.selection.classes import by_hardness
from ui import crossing, parts, plots, queries, spread, tables
from ui.shell import Lens
from ui.wording import count, counted, figure, figures, group_words, percent, plain

if TYPE_CHECKING:
    import pandas as pd

PARTS = {
    "hardness": "Size and hardness",
    "balance": "Balance",
    "kept": "What pruning keeps",
    "recall": "What was learnt",
}
"""Parts of the page: the key in the address and the title."""

CORNER_LISTED = 200
"""Classes that the list of the corner holds at most."""


@dataclass(frozen=True)
class Groups:
    """The groups in view: by which column, their figures, and which of them are chosen."""

    by: str
    table: pd.DataFrame
    chosen: tuple[str, ...]

    @property
    def noun(self) -> str:
        """What one of the groups is called."""
        return group_words(self.by)[0]

    def counted(self, number: int) -> str:
        """Word a number of the groups."""
        return counted(number, *group_words(self.by))

    @property
    def plural(self) -> str:
        """What several of the groups are called."""
        return group_words(self.by)[1]

    @property
    def pick(self) -> Callable[[list[Any]], None]:
        """What a click on one of them does."""
        return crossing.pick_group(self.table["group"].tolist(), self.by)


def controls(view: Lens) -> tuple[str, str]:
    """Draw the choice of the part of the page and of the column; return both."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        part = parts.choose(PARTS)
    with right:
        by = spread.group_by(view)
    return part, by


def groups_of(view: Lens, by: str) -> Groups:
    """Return the groups of the rows that the other filters leave."""
    wanted = view.query()
    rest = crossing.others(wanted, by)
    table = queries.ask(view.run, by_hardness, view.column, view.spec.hard, by, rest)
    return Groups(by, table, crossing.groups_chosen(wanted, by))


def hardness(view: Lens, groups: Groups) -> None:
    """Answer which classes are small, hard, or both; a dot can be clicked."""
    plots.question(f"Which {groups.plural} are small, hard, or both?")
    plots.draw_clickable(
        class_scatter.size_and_hardness(
            groups.table, f"Median {view.title}", view.spec.hard, groups.chosen
        ),
        "size and hardness",
        groups.pick,
    )
    st.caption(" ".join(_said(view, groups)))
    _corner(view, groups)


def recall(view: Lens, groups: Groups) -> None:
    """Answer whether small or hard classes are learnt worse; a dot can be clicked."""
    known = groups.table[groups.table["recall"].notna()]
    plots.question(f"Are small or hard {groups.plural} learnt worse?")
    if known.empty:
        with st.container(border=True):
            st.markdown("**No test row was predicted.**")
            st.write(
                "Recall needs test rows and the predictions of a trained model: a test file or a "
                "split column gives the first, a run that trains the second."
            )
        return
    plots.draw_clickable(
        class_charts.recall(known, f"Median {view.title}", view.spec.hard, groups.chosen),
        "recall",
        groups.pick,
    )
    by_score = _correlation(known["recall"], known["hardness"])
    by_size, larger = "", ""
    if known["rows"].nunique() > 1:
        by_size = f"with size {_correlation(known['recall'], known['rows'])}, "
        larger = "larger, and "
    tested = int(known["tested"].median())
    st.caption(
        f"{groups.counted(len(known))} with test rows, {counted(tested, 'row')} each in the "
        f"median: recall moves in steps of {percent(1 / max(tested, 1), 0)}. Rank correlation of "
        f"recall {by_size}with hardness {by_score}. Further right is {larger}harder. Test rows "
        "are never filtered."
    )


def _said(view: Lens, groups: Groups) -> list[str]:
    """Say what the dots are, and whether small classes are the hard ones."""
    table = groups.table
    sizes = table["rows"]
    lines = ", lines at the medians" if table["corner"].any() else ""
    words = [
        f"{groups.counted(len(table))}, orange hard and blue easy{lines}. Higher is harder. "
        "Click a dot to see only its rows, here and on every page."
    ]
    if len(table) > class_scatter.MANY:
        words.append("Triangles at the edge lie further out.")
    if view.norm == "class" and groups.by == "label":
        words.append(
            "Compared within its class, every class has mean 0 and hardly differs: compare within "
            "the dataset to see which are hard."
        )
    elif len(table) > 2 and sizes.max() > sizes.min():
        words.append(
            f"Rank correlation of size and hardness: {_correlation(sizes, table['hardness'])}; "
            "below 0, smaller ones are harder."
        )
    if len(table) > 1 and not table["corner"].any():
        words.append(
            f"None is rare and hard: they have {count(sizes.min())} to {count(sizes.max())} rows."
            if sizes.max() > sizes.min()
            else f"None is rare: all have {counted(sizes.max(), 'row')}."
        )
    return words


def _corner(view: Lens, groups: Groups) -> None:
    """List the classes that are rare and hard, the hardest first."""
    corner = groups.table[groups.table["corner"]]
    if corner.empty:
        return
    shown = corner.sort_values("hardness", ascending=False, kind="stable").head(CORNER_LISTED)
    rows = int(corner["rows"].sum())
    share = percent(rows / groups.table["rows"].sum())
    plots.question(
        f"Hard and rare: {groups.counted(len(corner))}, {counted(rows, 'row')}, {share} of all"
    )
    st.dataframe(
        _listed(shown, view, groups.noun),
        hide_index=True,
        height=tables.height(len(shown), 10),
        column_config={
            groups.noun.capitalize(): st.column_config.TextColumn(width=300),
            **{
                name: st.column_config.TextColumn(alignment="right", width=120)
                for name in ("Rows", "Median", "Test rows", "Test recall")
            },
        },
    )
    limit = groups.table["rows"].median(), groups.table["median"].median()
    st.caption(
        f"Fewer than {count(limit[0])} rows and a median of {plain(view.spec.label)} harder than "
        f"{figure(limit[1])}. Compared within the dataset, pruning easy rows by rank leaves "
        "such classes most of theirs; compared within the class, it takes from them as from any."
    )


def _listed(shown: pd.DataFrame, view: Lens, noun: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            noun.capitalize(): shown["group"].map(str),
            "Rows": shown["rows"].map(count),
            "Median": figures(shown["median"]),
            "Test rows": [count(one if one == one else 0) for one in shown["tested"]],
            "Test recall": [percent(one, 0) for one in shown["recall"]],
        }
    )


def _correlation(one: pd.Series, other: pd.Series) -> str:
    """Word the rank correlation of two columns; a column of one value has none."""
    if one.nunique() < 2 or other.nunique() < 2:
        return "none"
    return f"{one.rank().corr(other.rank()):.2f}".replace("-", "−")
