"""How a score is spread: over all training rows, by group, and under each normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from influence_core.report import spread_charts as charts
from influence_core.store import tables
from influence_core.store.columns import catalogue, score_column
from influence_core.store.query import ExampleQuery, OneOf
from ui import plots, queries, shell, state
from ui.shell import Lens
from ui.wording import count, counted, figures, percent

if TYPE_CHECKING:
    import pandas as pd

GROUPS_LISTED = 20
"""Groups in a chart that has a line for each."""

GROUPS_COMPARED = 6
"""Groups whose curves lie over each other."""

MOST_GROUPS = 5_000

BODY = (0.005, 0.995)
"""Quantiles between which a chart is drawn unless the tails are asked for."""

ORDERS = {"largest": "the largest", "hardest": "the hardest", "easiest": "the easiest"}

_NARROW, _WIDE = 76, 92
"""Pixels of the table's columns: together they fit a window of 1280."""

_TRAINING = ExampleQuery(scored_only=True)


@dataclass(frozen=True)
class Grouping:
    """How rows are grouped, which groups are shown, and how many there are."""

    by: str
    noun: str
    shown: tuple[str, ...]
    total: int
    clip: tuple[float, float]


def controls(view: Lens) -> Grouping:
    """Draw the pickers of column, groups and tails."""
    columns = [
        column.name for column in queries.ask(view.run, catalogue).columns if column.groupable
    ]
    state.settle("by", columns, "label")
    state.settle("order", list(ORDERS))
    by, order, chosen, tails = st.columns([1, 1.1, 2, 0.9], vertical_alignment="bottom")
    by.selectbox("Group by", columns, key="by", persist_state="session", on_change=_forget_groups)
    order.selectbox(
        "Show first", list(ORDERS), format_func=ORDERS.get, key="order", persist_state="session"
    )
    boxes = _boxes(view, view.column, state.get("by"))
    names = boxes["group"].tolist()
    state.put("groups", [name for name in state.get("groups") if name in names])
    chosen.multiselect(
        "Only these",
        names,
        key="groups",
        persist_state="session",
        max_selections=GROUPS_LISTED,
        placeholder=f"the first {min(GROUPS_LISTED, len(names))} of {count(len(names))}",
        disabled=len(names) < 2,
    )
    tails.toggle("Show the tails", key="tails", persist_state="session")
    shown = state.get("groups") or _first(boxes, view.spec.hard)
    by_name = state.get("by")
    noun = "class" if by_name == "label" else by_name
    clip = (0.0, 1.0) if state.get("tails") else BODY
    return Grouping(by_name, noun, tuple(shown), len(names), clip)


def overall(view: Lens, grouping: Grouping) -> None:
    """Answer how the values are spread over all training rows."""
    _question(f"How is {view.spec.label} spread over all training rows?")
    bins = queries.ask(
        view.run, tables.histogram, view.column, 60, clip=grouping.clip, query=_TRAINING
    )
    plots.draw(charts.histogram(bins, view.title, view.spec.hard), "histogram")
    rows = int(queries.ask(view.run, tables.summary, view.score, query=_TRAINING)["rows"].iloc[0])
    _say_clip(grouping.clip, int(bins["rows"].sum()), rows)


def by_group(view: Lens, grouping: Grouping) -> None:
    """Answer which groups are hard."""
    _question(f"Which {_plural(grouping.noun)} are hard?")
    plots.draw(charts.boxes(_picked(view, view.column, grouping), view.title), "boxes")
    st.caption(
        f"{len(grouping.shown)} of {counted(grouping.total, 'group')}. A box holds the middle "
        "half of the rows, its line is the median, and whiskers reach 1.5 box widths further. "
        + _hard_end(view)
    )
    shell.link(
        "noise",
        "Hard, or wrongly labelled? Look at the suspects",
        ":material/rule:",
        run=view.run.name,
    )


def compared(view: Lens, grouping: Grouping) -> None:
    """Answer how the first groups differ in shape."""
    names = grouping.shown[:GROUPS_COMPARED]
    query = ExampleQuery(
        scored_only=True, filters=(OneOf(column=grouping.by, values=_values(names)),)
    )
    arguments: dict[str, Any] = {"query": query, "groups": GROUPS_COMPARED}
    left, right = st.columns(2, gap="medium")
    with left:
        _question(f"What shape do these {_plural(grouping.noun)} have?")
        bins = queries.ask(
            view.run,
            tables.histogram,
            view.column,
            160,
            grouping.by,
            clip=grouping.clip,
            **arguments,
        )
        plots.draw(charts.density(_ordered(bins, names), view.title), "density")
    with right:
        _question("What share of rows lies below a value?")
        levels = queries.ask(view.run, tables.quantiles, view.column, grouping.by, 201, **arguments)
        inside = levels[levels["value"].between(bins["left"].min(), bins["right"].max())]
        plots.draw(charts.cumulative(_ordered(inside, names), view.title), "cumulative")
    if grouping.total > len(names):
        st.caption(
            f"The first {len(names)} of the {_plural(grouping.noun)} shown above, since more "
            "curves than that cannot be told apart."
        )


def normalised(view: Lens, grouping: Grouping) -> None:
    """Answer what normalisation changes, side by side."""
    _question("What does it change to compare within the class, or within the whole dataset?")
    panels = {
        f"Within its class: {view.spec.label}": score_column(view.score, "class"),
        f"Within the dataset: {view.spec.label}": score_column(view.score, "dataset"),
    }
    frames = {name: _picked(view, column, grouping) for name, column in panels.items()}
    plots.draw(charts.boxes_side_by_side(frames, "standard deviations from the mean"), "normalised")
    st.caption(
        "Within its class every class has mean 0, so a subset takes its share from each. Within "
        "the dataset whole classes are hard or easy, and a subset shifts towards the hard ones."
    )


def table(view: Lens, grouping: Grouping) -> None:
    """Draw the figures by group and normalisation."""
    _question(f"What are the figures of every {grouping.noun}?")
    groups = queries.ask(
        view.run, tables.summary, view.score, grouping.by, query=_TRAINING, groups=MOST_GROUPS
    )
    everything = queries.ask(view.run, tables.summary, view.score, query=_TRAINING)
    wide = _wide(everything.assign(group="all rows"), groups)
    st.dataframe(
        wide,
        hide_index=True,
        height=min(len(wide), 14) * 35 + 38,
        column_config={
            "group": st.column_config.TextColumn(grouping.noun.capitalize(), width=125),
            **{
                name: st.column_config.TextColumn(
                    width=_WIDE if " median" in name else _NARROW, alignment="right"
                )
                for name in wide.columns[1:]
            },
        },
    )
    st.caption(
        "Median: of the score as computed. Class and data: of its standard deviations within the "
        "class and within the dataset. Below 0: easier than the mean "
        f"{'' if view.spec.hard == 'high' else '(here: harder) '}of what it is compared with."
    )


def _wide(*parts: pd.DataFrame) -> pd.DataFrame:
    """Lay the normalisations beside each other, worded for people."""
    import pandas as pd

    everything = pd.concat(parts, ignore_index=True)
    raw = everything[everything["normalise"] == "raw"].set_index("group")
    wide = pd.DataFrame(
        {"Rows": raw["rows"].map(count), "Median": figures(raw["median"])}, index=raw.index
    )
    for key, name in (("class", "class"), ("dataset", "data")):
        part = everything[everything["normalise"] == key].set_index("group")
        for column in ("median", "mean", "std"):
            wide[f"{name} {column}"] = part[column].map(lambda value: f"{round(value, 2) + 0:.2f}")
        wide[f"{name} < 0"] = part["below_zero"].map(lambda share: percent(share, 0))
    return wide.reset_index()


def _boxes(view: Lens, column: str, by: str) -> pd.DataFrame:
    return queries.ask(view.run, tables.box, column, by, query=_TRAINING, groups=MOST_GROUPS)


def _first(boxes: pd.DataFrame, hard: str) -> list[str]:
    """Return the groups that come first in the order asked for."""
    order = state.get("order")
    if order != "largest":
        boxes = boxes.sort_values(
            "median", ascending=(order == "hardest") != (hard == "high"), kind="stable"
        )
    return boxes["group"].head(GROUPS_LISTED).tolist()


def _picked(view: Lens, column: str, grouping: Grouping) -> pd.DataFrame:
    return _ordered(_boxes(view, column, grouping.by), grouping.shown)


def _ordered(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Keep the named groups, in the order of their names."""
    place = {name: index for index, name in enumerate(names)}
    kept = frame[frame["group"].isin(place)]
    return kept.sort_values("group", key=lambda groups: groups.map(place), kind="stable")


def _values(names: Sequence[str]) -> tuple[str | None, ...]:
    return tuple(None if name == tables.MISSING else name for name in names)


def _forget_groups() -> None:
    state.put("groups", [])


def _question(question: str) -> None:
    st.subheader(question, anchor=False)


def _plural(noun: str) -> str:
    return "classes" if noun == "class" else f"groups by {noun}"


def _hard_end(view: Lens) -> str:
    return f"{'Further right' if view.spec.hard == 'high' else 'Further left'} is harder."


def _say_clip(clip: tuple[float, float], drawn: int, rows: int) -> None:
    if clip == BODY:
        st.caption(
            f"Orange is hard, blue is easy. Drawn from the {100 * clip[0]:g}% to the "
            f"{100 * clip[1]:g}% quantile: {counted(drawn, 'row')} of {count(rows)}; "
            f"{counted(rows - drawn, 'row')} in the tails are left out."
        )
    else:
        st.caption(f"Orange is hard, blue is easy. All {counted(rows, 'row')}.")
