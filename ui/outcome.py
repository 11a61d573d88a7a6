"""What a curated set does to every class, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from influence_core.errors import InfluenceError
from influence_core.report import about_export, charts
from influence_core.report.about_export import Suspects
from influence_core.report.wording import sentence
from influence_core.scores.registry import spec_of
from influence_core.selection.curate import Curated, CurationSettings, curate
from influence_core.selection.retention import LENGTH, class_entropy, groupings, retention_of
from influence_core.selection.select import SelectionSettings
from influence_core.store.corrections import corrections
from influence_core.store.run import Run
from ui import plots, pruning, queries, shell
from ui.curating import Draft
from ui.shell import Lens
from ui.wording import column_title, count, counted, group_words, percent, plain, short

if TYPE_CHECKING:
    import pandas as pd

GROUPS_DRAWN = 25
GROUPS_NAMED = 5

SLIGHT_POINTS = 1.0
"""A change of the balance below it is neither good nor bad."""

SLIGHT_RISE = 0.001
"""A rise of the share of wrong labels below it is none."""

_QUIET: dict[str, Any] = {"delta_arrow": "off", "delta_color": "off"}

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
    doubted = queries.ask(view.run, likely_wrong, wanted.settings, wanted.curation, wanted.reviews)
    _figures(table, by, doubted)
    _say_of_wrong(view, wanted.settings, doubted)
    _say_how(curated, table)
    _say_of_overruled(view.run, wanted)
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


def likely_wrong(
    run: Run, settings: SelectionSettings, curation: CurationSettings, reviews: int | None
) -> Suspects | None:
    """Count the likely wrong labels of a curated set, reviewers heard; None if never estimated."""
    decided = None if reviews is None else corrections(run, reviews)
    curated = queries.share(run, curate, settings, curation)
    return about_export.suspects(run, about_export.left(run, curated.kept, decided), decided)


def overruled(
    run: Run, settings: SelectionSettings, curation: CurationSettings, reviews: int
) -> str:
    """Word which rows go that reviewers relabelled or found right."""
    curated = queries.share(run, curate, settings, curation)
    return about_export.overruled(run, curated.kept, corrections(run, reviews)).words


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


def _figures(table: pd.DataFrame, by: str, doubted: Suspects | None) -> None:
    rows, left = int(table["before"].sum()), int(table["kept"].sum())
    kept, dropped, gone, balance, *wrong = st.columns(5 if doubted else 4)
    kept.metric("Kept", count(left), f"of {count(rows)}", **_QUIET)
    share = percent((rows - left) / max(rows, 1))
    dropped.metric("Removed", count(rows - left), share, **_QUIET)
    left_empty = f"{group_words(by)[1].capitalize()} left empty"
    gone.metric(left_empty, count(len(_emptied(table))), f"of {count(len(table))}", **_QUIET)
    _balance(balance, table)
    for place in wrong:
        _wrong(place, doubted)


def _balance(place: DeltaGenerator, table: pd.DataFrame) -> None:
    before, after = class_entropy(table["before"]), class_entropy(table["kept"])
    most = float(np.log2(max(len(table), 2)))
    change = 100 * (after - before) / most
    place.metric(
        "Balance",
        f"{percent(after / most, 0)} even" if len(table) > 1 else "–",
        f"{change:+z.1f} points",
        **(_QUIET if abs(change) < SLIGHT_POINTS else {}),
        help="Entropy of the groups' shares, of what groups of one size would have: "
        f"{before:.2f} bits before, {after:.2f} after, {most:.2f} at most.",
    )


def _wrong(place: DeltaGenerator, doubted: Suspects) -> None:
    place.metric(
        "Likely wrong labels",
        count(doubted.after),
        f"{percent(doubted.share_after)}, was {percent(doubted.share_before)}",
        delta_arrow="off",
        delta_color="orange" if _noisier(doubted) else "off",
        help=f"The data has about {count(doubted.before)} wrong labels. Of as many rows, those "
        "whose label looks least right, these stay and were not judged; beside them, their share "
        "of the rows that stay, and what it was of all training rows.",
    )


def _noisier(doubted: Suspects) -> bool:
    """Whether more of what stays is likely wrong than of the whole, by more than a trifle."""
    return doubted.share_after - doubted.share_before >= SLIGHT_RISE


def _say_of_wrong(view: Lens, settings: SelectionSettings, doubted: Suspects | None) -> None:
    """Say whether what stays is noisier than the whole, and offer what changes that."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if doubted is None:
            st.caption("How many of the labels that stay are wrong was not estimated.")
            shell.link("noise", "Look for wrong labels", ":material/rule:", run=view.run.name)
            return
        if not doubted.after:
            return
        noisier = _noisier(doubted)
        st.caption(
            "What stays is noisier than the whole: easy rows are seldom wrong, and they go."
            if noisier and settings.prune == "easy" and settings.score_needed
            else "What stays is noisier than the whole."
            if noisier
            else counted(
                doubted.after,
                "label that stays is likely wrong.",
                "labels that stay are likely wrong.",
            )
        )
        share = round(doubted.share_before, 3)
        if pruning.can_clip(view.manifest, settings, share):
            st.button(
                "Drop likely wrong labels first",
                icon=":material/rule:",
                on_click=pruning.clip,
                args=(share, view.run.name),
                help=f"{percent(share)} of the training rows, those that look least right by "
                f"{plain(spec_of(view.manifest, settings.clip_by).label)}. They count towards the "
                "share that goes, and the setting is among those that protect.",
            )
        shell.link("noise", "Review them", ":material/arrow_forward:", run=view.run.name)


def _say_of_overruled(run: Run, wanted: Draft) -> None:
    """Say which rows go all the same that reviewers relabelled or found right."""
    if wanted.reviews is None:
        return
    told = queries.ask(run, overruled, wanted.settings, wanted.curation, wanted.reviews)
    if told:
        st.caption(
            f"**{told} are among the rows that go.** A selection that is always kept holds such "
            "rows."
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
