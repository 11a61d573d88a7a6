"""What a curated set does to every class, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import streamlit as st

from influence_core.errors import InfluenceError
from influence_core.report import charts
from influence_core.report.wording import sentence
from influence_core.selection.curate import Curated, CurationSettings, curate
from influence_core.selection.retention import LENGTH, class_entropy, groupings, retention_of
from influence_core.selection.select import SelectionSettings
from influence_core.store.corrections import corrections
from influence_core.store.run import Run
from ui import plots, queries
from ui.curating import Draft
from ui.shell import Lens
from ui.wording import column_title, count, counted, group_words, percent, plain, short

if TYPE_CHECKING:
    import pandas as pd

GROUPS_DRAWN = 25
GROUPS_NAMED = 5

SLIGHT_BITS = 0.05
"""A change of the balance below it is neither good nor bad."""

ORDERS = {"size": "Largest first", "loss": "Most lost first"}

USES = {"keep": "always kept", "drop": "always left out", "only": "to start from"}


def preview(view: Lens, wanted: Draft) -> Curated | None:
    """Draw what every class keeps and loses; return the set, None where it contradicts itself."""
    st.subheader("What does every class lose?", anchor=False)
    try:
        curated = queries.share(view.run, curate, wanted.settings, wanted.curation)
    except InfluenceError as error:
        st.error(plain(error), icon=":material/error:")
        return None
    by, order = _controls(view.run)
    table = queries.ask(
        view.run, kept_by, wanted.settings, wanted.curation, by, reviews=wanted.reviews
    )
    _figures(table, by)
    _say_how(curated, table)
    _warn_of_empty(table, by)
    _draw(table, order, by)
    with st.expander(f"All {group_words(by)[1]} in figures"):
        _table(table, by)
    return curated


def kept_by(
    run: Run,
    settings: SelectionSettings,
    curation: CurationSettings,
    column: str,
    reviews: int | None = None,
) -> pd.DataFrame:
    """Return the retention of a curated set by one column, reviewers heard."""
    decided = None if reviews is None else corrections(run, reviews)
    curated = queries.share(run, curate, settings, curation)
    return retention_of(run, curated.kept, column, decided)


def _controls(run: Run) -> tuple[str, str]:
    """Draw what rows are grouped by and which groups come first."""
    inputs = queries.ask(run, groupings)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox(
            "Group by",
            inputs,
            index=inputs.index("label"),
            format_func=lambda name: "length in words" if name == LENGTH else column_title(name),
            key="prune.by",
            persist_state="session",
            width=260,
        )
        order = st.segmented_control(
            "Order",
            list(ORDERS),
            default="size",
            required=True,
            format_func=ORDERS.get,
            key="prune.order",
            persist_state="session",
        )
    return by, order


def _figures(table: pd.DataFrame, by: str) -> None:
    rows, left = int(table["before"].sum()), int(table["kept"].sum())
    before, after = class_entropy(table["before"]), class_entropy(table["kept"])
    kept, dropped, gone, balance = st.columns(4)
    quiet = {"delta_arrow": "off", "delta_color": "off"}
    kept.metric("Kept", count(left), f"of {count(rows)}", **quiet)
    share = percent((rows - left) / max(rows, 1))
    dropped.metric("Removed", count(rows - left), share, **quiet)
    left_empty = f"{group_words(by)[1].capitalize()} left empty"
    gone.metric(left_empty, count(len(_emptied(table))), f"of {count(len(table))}", **quiet)
    change = round(after - before, 2) + 0
    balance.metric(
        "Balance",
        f"{after:.2f} bits",
        f"{change:+.2f}",
        **(quiet if abs(change) < SLIGHT_BITS else {}),
        help=f"Entropy of the groups' shares: {before:.2f} bits before, {after:.2f} after. Higher "
        "is more even.",
    )


def _say_how(curated: Curated, table: pd.DataFrame) -> None:
    """Say how many rows each part of the draft moves, where there is more than one."""
    told = list(_moves(curated, len(curated.kept) - int(table["kept"].sum())))
    if told:
        st.caption(sentence(" · ".join(told)))
    selection = curated.selection
    if selection.repeated:
        rows = counted(selection.repeated, "row")
        st.caption(f"{rows} repeat others of their label and go first.")
    if selection.unscored:
        st.caption(f"{counted(selection.unscored, 'row')} without a score count as average.")


def _moves(curated: Curated, by_reviewers: int) -> Iterator[str]:
    for use in curated.uses:
        yield f"{counted(use.rows, 'training row')} of {plain(use.name)} {USES[use.use]}"
    if curated.uses:
        gone = len(curated.selection.dropped)
        yield f"of {count(curated.decided)} left to decide {count(gone)} go"
    if by_reviewers:
        yield f"reviewers remove {count(by_reviewers)} more"


def _emptied(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["kept"] == 0) & (table["before"] > 0)]


def _warn_of_empty(table: pd.DataFrame, by: str) -> None:
    emptied = _emptied(table)
    if emptied.empty:
        return
    named = ", ".join(plain(short(name, 40)) for name in emptied["value"].head(GROUPS_NAMED))
    more = len(emptied) - GROUPS_NAMED
    st.warning(
        f"{_counted(len(emptied), by)} would lose every row: {named}"
        f"{f' and {count(more)} more' if more > 0 else ''}. Compare within the class, raise the "
        "floor, drop the same share per class, or always keep a selection of such rows.",
        icon=":material/warning:",
    )


def _draw(table: pd.DataFrame, order: str, by: str) -> None:
    ordered = table if order == "size" else table.sort_values("kept_share", kind="stable")
    shown = ordered.head(GROUPS_DRAWN)
    plots.draw(charts.balance(shown.rename(columns={"value": "label", "kept": "after"})), "balance")
    first = "the largest" if order == "size" else "those that lose most"
    st.caption(f"{len(shown)} of {_counted(len(table), by)}, {first} first.")


def _counted(number: int, by: str) -> str:
    return counted(number, *group_words(by))


def _table(table: pd.DataFrame, by: str) -> None:
    import pandas as pd

    worded = pd.DataFrame(
        {
            column_title(by): table["value"].map(str),
            "Before": table["before"].map(count),
            "Kept": table["kept"].map(count),
            "Removed": table["lost"].map(count),
            "Kept share": table["kept_share"].map(percent),
            "Share of data before": table["share_before"].map(percent),
            "after": table["share_after"].map(percent),
        }
    )
    st.dataframe(worded, hide_index=True, height=min(len(worded), 12) * 35 + 38)
