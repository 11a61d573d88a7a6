"""What to drop, and what that does to every class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from influence_core.report import charts
from influence_core.selection.retention import LENGTH, class_entropy, groupings, retention_of
from influence_core.selection.select import WITHOUT_SCORE, Selection, SelectionSettings, select
from influence_core.store.run import Run
from ui import forms, plots, queries, state
from ui.shell import NORMS, Lens
from ui.wording import count, counted, percent

if TYPE_CHECKING:
    import pandas as pd

GROUPS_DRAWN = 25

ENDS = {"easy": "Easy rows", "hard": "Hard rows", "both": "Both ends"}

STRATEGIES = {
    "cutoff": "Cut off by rank",
    "softmax": "Draw, softmax of the score",
    "linear": "Draw, linear in the score",
    "random": "Draw at random",
    "stratified": "Draw at random in each class",
}

JUDGED = {
    "class": "Every class gives up some of its rows. The safe start.",
    "dataset": "Easy classes give up most, and may be left empty.",
    "raw": "Ranks rows as the dataset does; draws follow the value itself.",
}
"""What to compare a row with, the safest first, and what that does to the classes."""

_DRAWN = {"fraction", "prune", "strategy", "score", "normalise"}


def settings(view: Lens) -> SelectionSettings:
    """Draw the settings of the selection; the score is the one in view."""
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        values = _what_goes()
    with right:
        values["normalise"] = _compared(values["strategy"])
    protect = "Protect small classes, drop wrong labels and near-duplicates first"
    with st.expander(protect, icon=":material/tune:"):
        others = [name for name in SelectionSettings.model_fields if name not in _DRAWN]
        columns = st.columns(len(others), vertical_alignment="bottom")
        for place, name in zip(columns, others, strict=True):
            with place:
                values[name] = forms.field(SelectionSettings, name, "prune")
    made = forms.build(SelectionSettings, {"score": view.score, **values})
    _say_what_decides(view, made)
    return made


def _what_goes() -> dict[str, Any]:
    """Draw how many rows go, from which end, and how they are chosen."""
    fields = SelectionSettings.model_fields
    fraction = st.slider(
        "Share of the training rows to drop",
        0,
        95,
        round(100 * fields["fraction"].default),
        format="%d%%",
        key="prune.fraction",
        persist_state="session",
    )
    end, way = st.columns(2)
    strategy = way.selectbox(
        "How they are chosen",
        list(STRATEGIES),
        format_func=STRATEGIES.get,
        key="prune.strategy",
        persist_state="session",
        help="By rank: exactly the lowest or highest. Draws by the score keep a few of every "
        "kind. Draws at random are what to compare with.",
    )
    prune = end.selectbox(
        "Which rows go",
        list(ENDS),
        format_func=ENDS.get,
        key="prune.prune",
        persist_state="session",
        disabled=strategy in WITHOUT_SCORE,
        help="Easy rows are what the model learns anyway: dropping them costs least. Among hard "
        "rows are rare and wrongly labelled ones.",
    )
    return {"fraction": fraction / 100, "prune": prune, "strategy": strategy}


def _compared(strategy: str) -> str:
    """Draw what a row is compared with before it counts as easy or hard."""
    state.settle("compare", list(JUDGED))
    choice: str = st.radio(
        "Easy and hard, compared",
        list(JUDGED),
        format_func=NORMS.get,
        captions=list(JUDGED.values()),
        key="compare",
        persist_state="session",
        disabled=strategy in WITHOUT_SCORE,
    )
    return choice


def preview(view: Lens, wanted: SelectionSettings) -> Selection:
    """Draw what every class keeps and loses; return the selection."""
    chosen = queries.ask(view.run, select, wanted)
    inputs = queries.ask(view.run, groupings)
    st.subheader("What does every class lose?", anchor=False)
    by = st.selectbox(
        "Group by",
        inputs,
        index=inputs.index("label"),
        format_func=lambda name: "length in words" if name == LENGTH else name,
        key="prune.by",
        persist_state="session",
        width=260,
    )
    table = queries.ask(view.run, kept_by, wanted, by)
    _figures(chosen, table)
    shown = table.head(GROUPS_DRAWN)
    frame = shown.rename(columns={"value": "label", "kept": "after"})
    plots.draw(charts.balance(frame), "balance")
    st.caption(f"{len(shown)} of {counted(len(table), 'group')}, the largest first.")
    with st.expander("All groups in figures"):
        _table(table, by)
    return chosen


def kept_by(run: Run, wanted: SelectionSettings, column: str) -> pd.DataFrame:
    """Return the retention of a selection by one column."""
    return retention_of(run, select(run, wanted).kept, column)


def _say_what_decides(view: Lens, made: SelectionSettings) -> None:
    if made.strategy in WITHOUT_SCORE:
        st.caption("No score decides: rows are drawn at random.")
        return
    st.caption(
        f"{view.spec.label} {NORMS[made.normalise]} decides: "
        f"{ENDS[made.prune].lower()} go. Validation and test rows always stay."
    )


def _figures(chosen: Selection, table: pd.DataFrame) -> None:
    rows = len(chosen.kept) + len(chosen.dropped)
    before, after = class_entropy(table["before"]), class_entropy(table["kept"])
    emptied = int((table["kept"] == 0).sum())
    kept, dropped, gone, balance = st.columns(4)
    kept.metric(
        "Kept", count(len(chosen.kept)), f"of {count(rows)}", delta_arrow="off", delta_color="off"
    )
    dropped.metric(
        "Removed",
        count(len(chosen.dropped)),
        percent(len(chosen.dropped) / max(rows, 1)),
        delta_arrow="off",
        delta_color="off",
    )
    gone.metric("Groups left empty", count(emptied))
    balance.metric(
        "Balance",
        f"{after:.2f} bits",
        f"{round(after - before, 2) + 0:+.2f}",
        help="Entropy of the groups' shares. Higher is more even.",
    )
    if emptied:
        st.warning(
            f"{counted(emptied, 'group')} would lose every row. Compare within the class, raise "
            "the floor, or drop the same share per class.",
            icon=":material/warning:",
        )
    if chosen.repeated:
        st.caption(f"{counted(chosen.repeated, 'row')} repeat others of their label and go first.")
    if chosen.unscored:
        st.caption(f"{counted(chosen.unscored, 'row')} without a score count as average.")


def _table(table: pd.DataFrame, by: str) -> None:
    import pandas as pd

    worded = pd.DataFrame(
        {
            by: table["value"].map(str),
            "Before": table["before"].map(count),
            "Kept": table["kept"].map(count),
            "Removed": table["lost"].map(count),
            "Kept share": table["kept_share"].map(percent),
            "Share of data before": table["share_before"].map(percent),
            "after": table["share_after"].map(percent),
        }
    )
    st.dataframe(worded, hide_index=True, height=min(len(worded), 12) * 35 + 38)
