"""How a score is spread: over the rows in view, and by group, as curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from influence_core.report import spread_charts
from influence_core.selection.classes import MOST
from influence_core.store import tables
from influence_core.store.columns import catalogue, score_column
from influence_core.store.query import OneOf
from ui import crossing, plots, queries, state
from ui.shell import NORMS, Lens
from ui.wording import column_title, count, counted, group_words, plain

if TYPE_CHECKING:
    import pandas as pd

PARTS = {
    "shape": "Shape",
    "groups": "By group",
    "sampling": "Before and after",
    "timing": "Why it works",
}
"""Parts of the page: the key in the address and the title."""

GROUPS_LISTED = 20
"""Groups in a chart that has a line for each."""

GROUPS_COMPARED = 6
"""Groups whose curves lie over each other."""

BODY = (0.005, 0.995)
"""Quantiles between which a chart is drawn unless the tails are asked for."""

ORDERS = {"largest": "the largest", "hardest": "the hardest", "easiest": "the easiest"}


@dataclass(frozen=True)
class Grouping:
    """How rows are grouped, which groups are shown, and how many there are."""

    by: str
    noun: str
    shown: tuple[str, ...]
    total: int

    @property
    def plural(self) -> str:
        """What several of the groups are called, as Markdown."""
        return "classes" if self.noun == "class" else f"groups by {plain(self.noun)}"

    def counted(self, number: int) -> str:
        """Return how many of the groups there are, in words."""
        return counted(number, *group_words(self.by))


def group_by(view: Lens) -> str:
    """Draw the choice of the column that rows are grouped by, and return it."""
    columns = [
        column.name for column in queries.ask(view.run, catalogue).columns if column.groupable
    ]
    state.settle("by", columns, "label")
    st.selectbox(
        "Group by",
        columns,
        format_func=column_title,
        key="by",
        persist_state="session",
        on_change=_forget_groups,
    )
    chosen: str = state.get("by")
    return chosen


def controls(view: Lens) -> Grouping:
    """Draw the pickers of column and groups."""
    state.settle("order", list(ORDERS))
    by, order, chosen = st.columns([1, 1.1, 2.9], vertical_alignment="bottom")
    with by:
        column = group_by(view)
    order.selectbox(
        "Show first", list(ORDERS), format_func=ORDERS.get, key="order", persist_state="session"
    )
    boxes = boxes_of(view, view.column, column)
    names = boxes["group"].tolist()
    state.put("groups", [name for name in state.get("groups") if name in names])
    chosen.multiselect(
        "Only these",
        names,
        key="groups",
        persist_state="session",
        max_selections=GROUPS_LISTED,
        placeholder=f"the first {GROUPS_LISTED} of {count(len(names))}"
        if len(names) > GROUPS_LISTED
        else f"all {len(names)}",
        disabled=len(names) < 2,
    )
    shown = state.get("groups") or _first(boxes, view.spec.hard)
    noun = column_title(column)
    return Grouping(column, noun, tuple(shown), len(names))


def tails() -> tuple[float, float]:
    """Draw the switch of the tails; return the quantiles between which to draw."""
    st.toggle("Show the tails", key="tails", persist_state="session")
    return (0.0, 1.0) if state.get("tails") else BODY


def shape(view: Lens) -> None:
    """Draw how the values are spread, and beside it how they are once compared."""
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        _overall(view)
    with right:
        _compared_with(view)


def compared(view: Lens, grouping: Grouping) -> None:
    """Answer how the first groups differ in shape."""
    names = grouping.shown[:GROUPS_COMPARED]
    rest = crossing.others(view.query(), grouping.by)
    kept = OneOf(column=grouping.by, values=_values(names))
    query = rest.model_copy(update={"filters": (*rest.filters, kept)})
    arguments: dict[str, Any] = {"query": query, "groups": GROUPS_COMPARED}
    left, right = st.columns(2, gap="medium")
    with left:
        plots.question(f"What shape do these {grouping.plural} have?")
        bins = queries.ask(
            view.run, tables.histogram, view.column, 160, grouping.by, clip=BODY, **arguments
        )
        plots.draw(spread_charts.density(ordered(bins, names), view.title), "density")
    with right:
        plots.question("What share of rows lies below a value?")
        levels = queries.ask(view.run, tables.quantiles, view.column, grouping.by, 201, **arguments)
        inside = levels[levels["value"].between(bins["left"].min(), bins["right"].max())]
        plots.draw(spread_charts.cumulative(ordered(inside, names), view.title), "cumulative")
    if grouping.total > len(names):
        st.caption(
            f"The first {len(names)} of {grouping.counted(grouping.total)}, since more curves "
            "than that cannot be told apart: pick others under “Only these”."
        )


def boxes_of(view: Lens, column: str, by: str) -> pd.DataFrame:
    """Return the boxes of all groups of the rows that the other filters leave."""
    rest = crossing.others(view.query(), by)
    return queries.ask(view.run, tables.box, column, by, query=rest, groups=MOST)


def ordered(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Keep the named groups, in the order of their names."""
    place = {name: index for index, name in enumerate(names)}
    kept = frame[frame["group"].isin(place)]
    return kept.sort_values("group", key=lambda groups: groups.map(place), kind="stable")


def _overall(view: Lens) -> None:
    """Answer how the values are spread over the rows in view; a bar can be clicked."""
    title, switch = st.columns([2, 1], vertical_alignment="bottom")
    with title:
        plots.question(f"How is {plain(view.spec.label)} spread?")
    with switch:
        clip = tails()
    wanted = view.query()
    rest = crossing.others(wanted, view.column)
    bins = queries.ask(view.run, tables.histogram, view.column, 60, clip=clip, query=rest)
    chosen = crossing.range_chosen(wanted, view.column)
    last = float(bins["right"].max())
    plots.draw_clickable(
        spread_charts.histogram(bins, view.title, view.spec.hard, chosen),
        "histogram",
        crossing.pick_range(view.column, last),
    )
    rows = int(queries.ask(view.run, tables.summary, view.score, query=rest)["rows"].iloc[0])
    _say_clip(clip, int(bins["rows"].sum()), rows)


def _compared_with(view: Lens) -> None:
    """Answer what shape a score has under either normalisation."""
    plots.question("What does comparing change?")
    parts = {
        NORMS[norm]: queries.ask(
            view.run,
            tables.histogram,
            score_column(view.score, norm),
            160,
            clip=BODY,
            query=view.query(),
        )
        for norm in ("class", "dataset")
    }
    figure = spread_charts.densities(parts, "standard deviations from the mean")
    plots.draw(figure, "normalised density")
    figures = queries.ask(view.run, tables.summary, view.score, query=view.query())
    below = figures.set_index("normalise")["below_zero"]
    below_mean, above = ("easier", "harder")[:: 1 if view.spec.hard == "high" else -1]
    st.caption(
        f"{below['class']:.0%} of the rows are {below_mean} than the mean of their class, "
        f"{below['dataset']:.0%} than that of the dataset. Much more than half means that a few "
        f"far {above} rows move the mean."
    )


def _first(boxes: pd.DataFrame, hard: str) -> list[str]:
    """Return the groups that come first in the order asked for."""
    order = state.get("order")
    if order != "largest":
        boxes = boxes.sort_values(
            "median", ascending=(order == "hardest") != (hard == "high"), kind="stable"
        )
    return boxes["group"].head(GROUPS_LISTED).tolist()


def _values(names: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(None if name == tables.MISSING else name for name in names)


def _forget_groups() -> None:
    state.put("groups", [])


def _say_clip(clip: tuple[float, float], drawn: int, rows: int) -> None:
    click = "Click a bar to see only its rows, here and on every page."
    if clip == BODY:
        st.caption(
            f"Orange is hard, blue is easy. Drawn from the {100 * clip[0]:g}% to the "
            f"{100 * clip[1]:g}% quantile: {counted(drawn, 'row')} of {count(rows)}; "
            f"{counted(rows - drawn, 'row')} in the tails are left out. {click}"
        )
    else:
        st.caption(f"Orange is hard, blue is easy. All {counted(rows, 'row')}. {click}")
