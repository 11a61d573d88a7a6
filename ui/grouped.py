"""How hard groups are: boxes, what normalisation changes, and the figures of every group."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from influence_core.report import spread_charts
from influence_core.selection.classes import MOST
from influence_core.store import tables
from influence_core.store.columns import score_column
from ui import crossing, plots, queries, shell, state
from ui.shell import Lens
from ui.spread import Grouping, boxes_of, ordered
from ui.wording import count, figures, percent, plain

if TYPE_CHECKING:
    import pandas as pd

_NARROW, _WIDE = 76, 108
"""Pixels of the table's columns: together they fit a window of 1280."""


def hardness(view: Lens, grouping: Grouping) -> None:
    """Answer which groups are hard; a box can be clicked."""
    plots.question(f"Which {grouping.plural} are hard?")
    summary = _picked(view, view.column, _by_hardness(view, grouping))
    chosen = crossing.groups_chosen(view.query(), grouping.by)
    plots.draw_clickable(
        spread_charts.boxes(summary, view.title, chosen),
        "boxes",
        crossing.pick_group(summary["group"].tolist(), grouping.by),
    )
    st.caption(
        f"{len(grouping.shown)} of {grouping.counted(grouping.total)}. A box holds the middle "
        "half of the rows, its line is the median, and whiskers reach 1.5 box widths further. "
        f"{_hard_end(view)} Click a box to see only its rows, here and on every page."
    )
    shell.link(
        "noise",
        "Hard, or wrongly labelled? Look at the suspects",
        ":material/rule:",
        run=view.run.name,
    )


def normalised(view: Lens, grouping: Grouping) -> None:
    """Answer what normalisation changes, side by side."""
    plots.question("What does it change to compare within the class, or within the whole dataset?")
    panels = {
        f"Within its class: {view.spec.label}": score_column(view.score, "class"),
        f"Within the dataset: {view.spec.label}": score_column(view.score, "dataset"),
    }
    ranked = _by_hardness(view, grouping)
    frames = {name: _picked(view, column, ranked) for name, column in panels.items()}
    figure = spread_charts.boxes_side_by_side(frames, "standard deviations from the mean")
    plots.draw(figure, "normalised")
    st.caption(
        "Within its class every class has mean 0, so a subset takes its share from each. Within "
        "the dataset whole classes are hard or easy, and a subset shifts towards the hard ones."
    )


def table(view: Lens, grouping: Grouping) -> None:
    """Draw the figures by group and normalisation."""
    plots.question(f"What are the figures of every {plain(grouping.noun)}?")
    rest = crossing.others(view.query(), grouping.by)
    groups = queries.ask(view.run, tables.summary, view.score, grouping.by, query=rest, groups=MOST)
    everything = queries.ask(view.run, tables.summary, view.score, query=rest)
    wide = _wide(everything.assign(group="all rows"), groups)
    st.dataframe(
        wide,
        hide_index=True,
        height=min(len(wide), 14) * 35 + 38,
        column_config={
            "group": st.column_config.TextColumn(grouping.noun.capitalize(), width=125),
            **{
                name: st.column_config.TextColumn(
                    width=_WIDE if ", " in name else _NARROW, alignment="right"
                )
                for name in wide.columns[1:]
            },
        },
    )
    st.caption(
        "Median: of the score as computed. Class and data: of its standard deviations from the "
        "mean within the class and within the dataset. Below 0: easier than the mean "
        f"{'' if view.spec.hard == 'high' else '(here: harder) '}of what it is compared with."
    )


def _wide(*parts: pd.DataFrame) -> pd.DataFrame:
    """Lay the normalisations beside each other, worded for people.

    Mean and standard deviation are told within the dataset only: in a class they are 0 and 1.
    """
    import pandas as pd

    everything = pd.concat(parts, ignore_index=True)
    raw = everything[everything["normalise"] == "raw"].set_index("group")
    wide = pd.DataFrame(
        {"Rows": raw["rows"].map(count), "Median": figures(raw["median"])}, index=raw.index
    )
    told = {"class": ("class", ("median",)), "dataset": ("data", ("median", "mean", "std"))}
    for key, (name, columns) in told.items():
        part = everything[everything["normalise"] == key].set_index("group")
        for column in columns:
            rounded = part[column].map(lambda value: f"{round(value, 2) + 0:.2f}")
            wide[f"{column.capitalize()}, {name}"] = rounded
        wide[f"Below 0, {name}"] = part["below_zero"].map(lambda share: percent(share, 0))
    return wide.reset_index()


def _by_hardness(view: Lens, grouping: Grouping) -> Grouping:
    """Return the groups shown with the hardest first, or the easiest where these are asked for."""
    summary = _picked(view, view.column, grouping)
    rising = (state.get("order") == "easiest") == (view.spec.hard == "high")
    ranked = summary.sort_values("median", ascending=rising, kind="stable")
    return replace(grouping, shown=tuple(ranked["group"]))


def _picked(view: Lens, column: str, grouping: Grouping) -> pd.DataFrame:
    return ordered(boxes_of(view, column, grouping.by), grouping.shown)


def _hard_end(view: Lens) -> str:
    return f"{'Further right' if view.spec.hard == 'high' else 'Further left'} is harder."
