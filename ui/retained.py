"""What every class would keep at a share dropped, before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core.report import class_charts
from influence_core.selection.sampled import kept_by_normalisation
from ui import crossing, plots, queries, sampling, state, tables
from ui.classes import Groups
from ui.shell import NORMS, Lens
from ui.wording import count, percent, plain, short

if TYPE_CHECKING:
    import pandas as pd

LISTED = 25

TABLED = 15
"""Lines of the table of figures that are seen at once."""

ORDERS = {
    "least": "those that keep least",
    "most": "those that keep most",
    "largest": "the largest",
}

NAMED = 3
"""Classes without a row that a warning names."""

_PANELS = {"Within its class": "class", "Within the dataset": "dataset"}


def show(view: Lens, groups: Groups) -> None:
    """Draw what every class keeps under each normalisation, at the share of a slider."""
    wanted = sampling.slider(view)
    rest = crossing.others(view.query(), groups.by)
    with st.spinner("Selecting …", show_time=True):
        kept = queries.ask(view.run, kept_by_normalisation, wanted, groups.by, rest)
    table = groups.table[["group", "rows", "hardness"]].merge(
        kept.drop(columns="rows"), on="group", how="inner"
    )
    overall = float((table[view.norm] * table["rows"]).sum() / max(table["rows"].sum(), 1))
    plots.question(f"What would {groups.plural} keep, and what does the comparison change?")
    _warn(table, view, groups)
    plots.draw_clickable(
        class_charts.kept_by_size(table, _PANELS, overall, groups.chosen),
        "kept by size",
        crossing.pick_group(table["group"].tolist(), groups.by),
    )
    st.caption(
        f"A dot a {groups.noun}, orange hard and blue easy: the "
        f"share of its rows that is among the {percent(1 - wanted.fraction, 0)} kept. The line is "
        f"what a draw at random, or within every class, would keep of each: {percent(overall, 0)}. "
        "When rows are cut off by rank, the score as computed keeps the same as within the dataset."
    )
    _named(table, view, overall, groups)


def _warn(table: pd.DataFrame, view: Lens, groups: Groups) -> None:
    """Say which classes lose every row."""
    emptied = table.loc[table[view.norm] == 0, "group"]
    if len(emptied):
        named = ", ".join(plain(short(group, 40)) for group in emptied.head(NAMED))
        more = f" and {count(len(emptied) - NAMED)} more" if len(emptied) > NAMED else ""
        st.warning(
            f"{groups.counted(len(emptied))} would keep no row {NORMS[view.norm]}: {named}{more}.",
            icon=":material/warning:",
        )


def _named(table: pd.DataFrame, view: Lens, overall: float, groups: Groups) -> None:
    """Draw the first classes by name, and all of them in figures, what is lost most first."""
    many = groups.plural
    state.settle("keeping", list(ORDERS))
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    right.selectbox(
        "Show first", list(ORDERS), format_func=ORDERS.get, key="keeping", persist_state="session"
    )
    with left:
        plots.question(f"What do the {many} keep by name?")
    names = {NORMS[norm]: norm for norm in (view.norm, *_others(table, view.norm))}
    shown = _first(table, view.norm).head(LISTED)
    plots.draw(class_charts.kept_by_class(shown, names, overall), "kept by class")
    st.caption(f"{count(len(shown))} of {count(len(table))} {many}.")
    with st.expander(f"All {many} in figures"):
        _table(table.sort_values(view.norm, kind="stable"), groups.noun.capitalize())


def _first(table: pd.DataFrame, norm: str) -> pd.DataFrame:
    """Return the classes in the order asked for; they come with the largest first."""
    order = state.get("keeping")
    if order == "largest":
        return table
    return table.sort_values(norm, ascending=order == "least", kind="stable")


def _others(table: pd.DataFrame, norm: str) -> list[str]:
    """Return the normalisations that keep something else than the one in force."""
    rest = [one for one in ("class", "dataset", "raw") if one != norm]
    told = [one for one in rest if not table[one].equals(table[norm])]
    alike = len(told) == 2 and table[told[0]].equals(table[told[1]])
    return told[:1] if alike else told


def _table(table: pd.DataFrame, noun: str) -> None:
    import pandas as pd

    shares = {f"Kept {NORMS[norm]}": 100 * table[norm] for norm in ("raw", "class", "dataset")}
    frame = pd.DataFrame(
        {noun: table["group"].map(str), "Rows": table["rows"].map(count), **shares}
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=tables.height(len(frame), TABLED),
        column_config=tables.by_group(noun, "Rows", list(shares)),
    )
