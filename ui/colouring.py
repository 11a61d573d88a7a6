"""Colours of a map: by class, by any score or column, by selection, by what reviewers decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import streamlit as st

from influence_core.report import maps
from influence_core.scores.registry import ScoreSpec, specs_of
from influence_core.store import tables
from influence_core.store.columns import Column, catalogue, rank_column, score_column
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from ui import queries, selecting, state
from ui.shell import Lens
from ui.wording import glosses

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["groups", "hardness", "values", "selection", "decisions"]

TOLD_APART = 20
"""Groups that all get a colour and a mark."""

COLOURED = 10
"""Groups that do where there are more than that."""

LISTED = 2_000
"""Groups that can be brought to the front."""

_SCORE, _SELECTION, _DECISIONS = "score:", "selection:", "decisions:"
_OWN = ("id", "text", "text_pair", "label")
"""Columns that tell every row apart, and that which comes first anyway."""


@dataclass(frozen=True)
class Colour:
    """What colours the points: a column, a selection or decisions; `names` are told apart.

    `value` is the column without which a row has no colour, where `column` alone does not tell.
    """

    kind: Kind
    title: str
    column: str | None
    name: str = ""
    hard: str = "high"
    names: tuple[str, ...] = ()
    value: str | None = None


def choose(view: Lens) -> Colour:
    """Draw the choice of what colours the points."""
    options = _options(view)
    state.settle("colour", list(options))
    picked = st.selectbox(
        "Colour",
        list(options),
        format_func=lambda option: options[option].title,
        key="colour",
        persist_state="session",
        on_change=state.put,
        args=("front", []),
        help=glosses(specs_of(view.manifest).values()),
    )
    return options[picked]


def bring_to_front(view: Lens, colour: Colour) -> Colour:
    """Draw the choice of groups that stand out; return the colour with those told apart."""
    if colour.kind != "groups":
        state.put("front", [])
        return colour
    found = queries.ask(view.run, tables.value_counts, colour.column, groups=LISTED)
    names = [_named(value) for value in found["value"].tolist()]
    state.put("front", [name for name in state.get("front") if name in names])
    many = len(names) > TOLD_APART
    st.multiselect(
        "In front",
        names,
        key="front",
        persist_state="session",
        max_selections=TOLD_APART,
        placeholder=f"the {COLOURED} largest of {len(names)}" if many else f"all {len(names)}",
        disabled=len(names) < 2,
    )
    first = names[:COLOURED] if many else names
    return replace(colour, names=tuple(state.get("front") or first))


def ranked(points: pd.DataFrame, colour: Colour) -> pd.DataFrame:
    """Return points whose score is the share of all of them that is easier."""
    if colour.kind != "hardness":
        return points
    known = points["colour"].where(points["score"].notna())
    return points.assign(colour=known.rank(pct=True, ascending=colour.hard == "high"))


def paint(figure: Any, view: Lens, colour: Colour, points: pd.DataFrame, size: float) -> None:
    """Put points on a map in their colours; those of a score are `ranked`."""
    palette = maps.colours("streamlit")
    if colour.kind == "groups":
        maps.add_groups(figure, _as_groups(points), colour.names, palette, size)
    elif colour.kind == "hardness":
        maps.add_hardness(figure, points, colour.title, size)
    elif colour.kind == "values":
        maps.add_values(figure, points, colour.title, size)
    else:
        groups = (_selected if colour.kind == "selection" else _decided)(view.run, colour, points)
        names = [name for name in dict.fromkeys(groups) if name]
        marked = points.assign(colour=groups.where(groups != "", None))
        maps.add_groups(figure, marked, names, palette, size)


def _options(view: Lens) -> dict[str, Colour]:
    """Return everything that can colour the points, by what stands for it in the address."""
    known = queries.ask(view.run, catalogue)
    entries = specs_of(view.manifest)
    scores = {
        f"{_SCORE}{key}": _of_score(key, entry, view.norm)
        for key, entry in entries.items()
        if key in known.scores
    }
    columns = {column.name: _of_column(column) for column in known.columns if _colours(column)}
    label = {"label": Colour("groups", "Class", "label")}
    chosen = {
        f"{_SELECTION}{one.name}": Colour("selection", f"Selection {one.name}", None, one.name)
        for one in selecting.listed(view.run)
    }
    decisions = (
        {_DECISIONS: Colour("decisions", "Review decision", None)}
        if view.run.review_file.exists()
        else {}
    )
    return {**label, **scores, **columns, **chosen, **decisions}


def _colours(column: Column) -> bool:
    """Say whether a column that is no score can colour points."""
    if column.table == "scores":
        return column.name == "never_learnt"
    return column.kind not in ("nested", "time") and column.name not in _OWN


def _of_score(key: str, entry: ScoreSpec, norm: str) -> Colour:
    """Colour by rank, which knows that what was never learnt is hard though nothing was forgotten.

    Within its class a row has no rank of its own.
    """
    value = score_column(key, norm)
    if norm == "class":
        return Colour("hardness", entry.label, value, key, entry.hard, value=value)
    return Colour("hardness", entry.label, rank_column(key), key, "low", value=value)


def _of_column(column: Column) -> Colour:
    kind: Kind = "values" if column.kind in ("number", "integer") else "groups"
    return Colour(kind, column.name, column.name)


def _named(value: object) -> str:
    import pandas as pd

    return tables.MISSING if pd.isna(value) else str(value)


def _as_groups(points: pd.DataFrame) -> pd.DataFrame:
    return points.assign(colour=[_named(value) for value in points["colour"]])


def _selected(run: Run, colour: Colour, points: pd.DataFrame) -> pd.Series:
    rows = Selections(run).rows(colour.name)
    inside = points["row"].isin(rows)
    return inside.map({True: f"in {colour.name}", False: ""})


def _decided(run: Run, colour: Colour, points: pd.DataFrame) -> pd.Series:
    """Return what was decided about each row, "" where nothing was."""
    standing = {one.id: one.action for one in Reviews(run).standing().values()}
    ids = run.examples(["id"])["id"]
    decided = ids.iloc[points["row"].to_numpy(np.int64)].map(standing)
    return decided.fillna("").set_axis(points.index)
