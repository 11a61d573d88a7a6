"""What an experiment found, in figures: with intervals, against random, and by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core import jobs
from influence_core.progress import duration
from influence_core.pruning.cells import curves
from influence_core.pruning.efficiency import cost
from influence_core.pruning.evidence import Difference
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.figures import Point
from influence_core.pruning.recommend import signed
from ui import advice, queries, tables
from ui.advice import ends
from ui.curves import Shown, averaged, findings
from ui.wording import count, counted, percent

if TYPE_CHECKING:
    import pandas as pd

CLASSES_LISTED = 25

_ENDS = {"lost": "that lose most", "gained": "that gain most"}

_WIDTHS = {
    "Curve": 184,
    "Pruned": 56,
    "Rows saved": 78,
    "Accuracy": 93,
    "Macro F1": 93,
    "Errors": 98,
    "σ": 88,
    "Against random": 190,
    "Seconds": 60,
}
"""Pixels of the table's columns: together they fit a window of 1280."""

_WORDED = ("Curve", "Against random")


def against_random(experiment: Experiment) -> dict[tuple[str, float], Difference]:
    """Compare every point with as many rows drawn at random, by curve and fraction."""
    found = findings(experiment)
    compared = {
        (point.curve.name, point.fraction): found.against_random(point)
        for point in found.points
        if point.curve and point.curve.name != "random"
    }
    return {place: one for place, one in compared.items() if one is not None}


def recalls(experiment: Experiment, curve: str, fraction: float, end: str) -> pd.DataFrame:
    """Return the recall of the classes at a point, those first that lose or gain most."""
    named = {one.name: one for one in curves(experiment.manifest().settings)}
    table = findings(experiment).recalls(Point(named[curve], fraction))
    return table.sort_values("change", ascending=end == "lost", kind="stable")


def read(shown: Shown) -> None:
    """Draw all that can be read off an experiment once it rests."""
    experiment = shown.experiments[0]
    if jobs.status(experiment).active:
        st.caption("Advice and figures follow when the work is done or cancelled.")
    elif not queries.ask(experiment, averaged).empty:
        advice.cards(shown)
        figures(shown)
        classes(shown)


def figures(shown: Shown) -> None:
    """Draw every point in figures, compared with random, with what it saves."""
    import pandas as pd

    st.subheader("What are the figures, and is it better than random?", anchor=False)
    experiment = shown.experiments[0]
    found = queries.ask(experiment, averaged)
    found = found[found["curve"].isin(shown.curves)]
    compared = queries.ask(experiment, against_random)
    table = pd.DataFrame(
        {
            "Curve": found["curve"].map(shown.titles),
            "Pruned": [percent(share, 0) for share in found["fraction"]],
            "Rows saved": [count(rows) for rows in _train_rows(experiment) - found["rows"]],
            **_saved(shown),
            "Accuracy": _spread(found, "accuracy", ".1%"),
            "Macro F1": _spread(found, "macro_f1", ".1%"),
            "Errors": _spread(found, "error_change", "+z.0%"),
            "σ": _spread(found, "sigma", "+z.2f"),
            "Against random": [
                _verdict(compared.get(place))
                for place in zip(found["curve"], found["fraction"], strict=True)
            ],
            "Seconds": [f"{seconds:.2f}" for seconds in found["seconds"]],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        height=tables.height(len(table), 14),
        column_config={
            name: st.column_config.TextColumn(
                width=width, alignment="left" if name in _WORDED else "right"
            )
            for name, width in _WIDTHS.items()
        },
    )
    _say_of_random(shown, compared)


def classes(shown: Shown) -> None:
    """Draw what happens to the classes at one point."""
    st.subheader("What happens to the classes?", anchor=False)
    picked = [curve.name for curve in shown.picked]
    left, middle, right = st.columns([2, 1, 1.2], vertical_alignment="bottom")
    curve = left.selectbox(
        "Curve", picked, format_func=shown.titles.get, key="pruning.curve", persist_state="session"
    )
    fraction = middle.selectbox(
        "Pruned",
        sorted(set(shown.settings.fractions)),
        index=len(set(shown.settings.fractions)) // 2,
        format_func=lambda share: percent(share, 0),
        key="pruning.share",
        persist_state="session",
    )
    end = right.selectbox(
        "Classes", list(_ENDS), format_func=_ENDS.get, key="pruning.end", persist_state="session"
    )
    if curve is None:
        return
    table = queries.ask(shown.experiments[0], recalls, curve, fraction, end)
    _recalls(table.head(CLASSES_LISTED))
    st.caption(
        f"{min(len(table), CLASSES_LISTED)} of {counted(len(table), 'class', 'classes')} with test "
        "rows. Recall is the share of a class's test rows that the models find; of few rows it "
        "moves by chance."
    )


def _verdict(difference: Difference | None) -> str:
    if difference is None:
        return "–"
    return f"{difference.verdict} {signed(difference.mean)} ({ends(difference)})"


def _spread(found: pd.DataFrame, name: str, digits: str) -> list[str]:
    """Word means and standard deviations over seeds; of one seed, there is no deviation."""
    pairs = zip(found[name], found[f"{name}_std"], strict=True)
    bare = digits.removeprefix("+z")
    return [
        "–" if mean != mean else f"{mean:{digits}}" + (f" ± {std:{bare}}" if std == std else "")
        for mean, std in pairs
    ]


def _train_rows(experiment: Experiment) -> int:
    return queries.manifest(experiment).train_rows


def _saved(shown: Shown) -> dict[str, list[str]]:
    """Draw the price of an hour, and return what pruning saves of training at it."""
    if shown.settings.equal == "steps":
        st.caption(
            "Equal steps: every model is trained as long as on the whole data, so that pruning "
            "saves rows and no training time. With equal epochs it would save time, too."
        )
        return {}
    price = st.number_input(
        "Price of an hour of training",
        min_value=0.0,
        value=0.0,
        step=0.5,
        format="%g",
        key="pruning.price",
        persist_state="session",
        width=260,
    )
    found = queries.ask(shown.experiments[0], averaged)
    if "full" not in set(found["curve"]):
        return {}
    drawn = found[found["curve"].isin(shown.curves)]
    saved = {"Time saved": [_saving(one) for one in drawn["seconds_saved"]]}
    if price:
        saved["Cost saved"] = [f"{one:,.4f}" for one in cost(drawn["seconds_saved"], price)]
    return saved


def _saving(seconds: float) -> str:
    return duration(seconds) if seconds >= 0 else f"−{duration(-seconds)}"


def _say_of_random(shown: Shown, compared: dict[tuple[str, float], Difference]) -> None:
    if not compared:
        st.caption(
            "Nothing to compare with: the experiment has no random curve yet, or was planned "
            "without the strategy random."
        )
        return
    seeds = shown.settings.seeds
    over = "test rows alone, as there is one seed" if seeds == 1 else "other seeds and test rows"
    st.caption(
        "Mean ± standard deviation over seeds. Against random: the difference in accuracy to as "
        f"many rows drawn at random, in points, paired by seed, with 95% intervals over {over}; "
        "better or worse only where zero lies outside. Seconds: training and testing one model. "
        f"{shown.settings.protection}"
    )


def _recalls(table: pd.DataFrame) -> None:
    import pandas as pd

    shares = {"Recall unpruned": 100 * table["whole"], "Recall pruned": 100 * table["recall"]}
    shown = pd.DataFrame(
        {
            "Class": table["label"].map(str),
            "Test rows": table["rows"].map(count),
            **shares,
            "Points": [signed(change) if change == change else "–" for change in table["change"]],
        }
    )
    columns = tables.by_group("Class", "Test rows", list(shares))
    columns["Points"] = st.column_config.TextColumn(width=76, alignment="right")
    st.dataframe(
        shown, hide_index=True, height=tables.height(len(shown), 14), column_config=columns
    )
