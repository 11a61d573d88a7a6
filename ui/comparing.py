"""Two models side by side: what each is better at, what each finds hard, and what each keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from influence_core.comparing.comparison import compare
from influence_core.comparing.sides import parse
from influence_core.comparing.together import together
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.recommend import in_points, signed
from influence_core.report import differences
from influence_core.selection.overlap import Overlap
from influence_core.store.run import Run
from ui import plots, queries, state
from ui.shell import Lens
from ui.wording import count, counted, percent, plain

if TYPE_CHECKING:
    import pandas as pd

CLASSES_DRAWN = 12
"""Classes in the chart for each end."""

METRICS = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "balanced_accuracy": "Mean recall",
}

BY_CLASS = {"recall": "Recall", "precision": "Precision", "f1": "F1"}


@dataclass(frozen=True)
class Found:
    """A comparison as the page draws it."""

    rows: int
    left_out: str
    overall: pd.DataFrame
    classes: dict[str, pd.DataFrame]


def metrics(view: Lens, first: str, second: str) -> None:
    """Answer which is better, and how sure that is."""
    versions = tuple(_version(one) for one in (first, second))
    with st.spinner("Drawing test rows again and again", show_time=False):
        found = queries.ask(view.run, compared, first, second, versions)
    st.subheader("Which is better?", anchor=False)
    st.markdown(_answer(found.overall))
    shown = found.overall.assign(metric=found.overall["metric"].map(METRICS))
    plots.draw(differences.differences(shown, "metric"), "overall differences")
    st.caption(
        f"{counted(found.rows, 'test row')} of both{found.left_out}. A bar is the 95% "
        "interval of the difference: test rows are drawn anew 2,000 times, the same for both."
    )
    _by_class(found)


def compared(run: Run, first: str, second: str, versions: tuple[str, ...]) -> Found:
    """Compare two sides; `versions` tell answers of changed runs apart."""
    root = run.path.parent
    made = compare(parse(first, root), parse(second, root))
    return Found(
        rows=made.rows,
        left_out=made.left_out,
        overall=made.overall(),
        classes={name: made.by_class(name) for name in BY_CLASS},
    )


def scores(view: Lens, first: str, second: str) -> None:
    """Answer how alike both find the rows hard, and what each would keep, for two runs."""
    if "/" in first or "/" in second:
        return
    other = queries.open_run(second)
    st.subheader("Do both find the same rows hard?", anchor=False)
    if view.score not in queries.manifest(other).scores:
        st.caption(f"{plain(other.title)} has no {plain(view.spec.label)}. Choose another score.")
        return
    share = st.slider(
        "Share of the easiest rows that each drops", 5, 95, 30, 5, format="%d%%", key="compare.drop"
    )
    version = queries.manifest(other).content_version
    found = queries.ask(view.run, _together, second, view.score, share / 100, version)
    chart, told = st.columns([1.5, 1], gap="large")
    with chart:
        figure = differences.scores_together(found.bins, view.run.name, second)
        plots.draw(figure, "scores together")
    with told:
        st.metric(
            f"Rank correlation of {view.spec.label}",
            f"{found.spearman:.2f}",
            help="Spearman: 1 where both order the rows alike, 0 where they have nothing to do "
            "with one another.",
        )
        _kept(found.kept)
    st.markdown("**Which rows do they judge most differently?**")
    st.dataframe(
        found.apart.assign(first=100 * found.apart["first"], second=100 * found.apart["second"]),
        hide_index=True,
        column_config={
            "id": None,
            "text": st.column_config.TextColumn("Text", width=420),
            "label": st.column_config.TextColumn("Label", width=140),
            "first": _share("Harder than, first"),
            "second": _share("Harder than, second"),
        },
    )


def _together(run: Run, second: str, score: str, fraction: float, version: str) -> object:
    return together(run, queries.open_run(second), score, fraction)


def _version(address: str) -> str:
    """Return what changes with the answers of a side."""
    name, *rest = address.split("/")
    run = queries.open_run(name)
    place = Experiment.open(run, rest[0]) if rest else run
    return str(queries.manifest(place).content_version)


def _answer(overall: pd.DataFrame) -> str:
    row = overall.set_index("metric").loc["accuracy"]
    figures = (
        f"accuracy {percent(row['first'])} against {percent(row['second'])}, "
        f"{in_points(row['mean'])} ({signed(row['low'])} to {signed(row['high'])})"
    )
    if row["verdict"] == "undecided":
        return f"**That is undecided**: {figures}."
    return f"**The {'first' if row['verdict'] == 'better' else 'second'}**: {figures}."


def _by_class(found: Found) -> None:
    asked, chosen = st.columns([2, 1], vertical_alignment="bottom")
    asked.subheader("At which classes?", anchor=False)
    state.settle("measured", list(BY_CLASS))
    chosen.segmented_control(
        "Figure",
        list(BY_CLASS),
        format_func=BY_CLASS.get,
        key="measured",
        persist_state="session",
        required=True,
        label_visibility="collapsed",
    )
    table = found.classes[state.get("measured")].dropna(subset=["mean"])
    table = table.sort_values("mean", kind="stable", ascending=False)
    better, worse = (int((table["verdict"] == one).sum()) for one in ("better", "worse"))
    by_chance = round(0.05 * len(table))
    chance = f"; about {count(by_chance)} would seem so by chance" if by_chance else ""
    st.markdown(
        f"The first is certainly better at **{count(better)}** and worse at **{count(worse)}** of "
        f"{counted(len(table), 'class', 'classes')}{chance}."
    )
    if len(table) > 2 * CLASSES_DRAWN:
        import pandas as pd

        st.caption(f"The {CLASSES_DRAWN} it is best at, and the {CLASSES_DRAWN} it is worst at.")
        table = pd.concat([table.head(CLASSES_DRAWN), table.tail(CLASSES_DRAWN)])
    plots.draw(differences.differences(table, "label"), "class differences")


def _kept(kept: Overlap) -> None:
    st.markdown(
        f"Both would keep **{count(kept.both)}** rows, the first alone {count(kept.only_first)}, "
        f"the second alone {count(kept.only_second)}."
    )
    st.caption(
        f"Overlap (Jaccard) {kept.jaccard:.2f}; two random sets of these sizes have "
        f"{kept.chance.mean:.2f} ({kept.chance.low:.2f} to {kept.chance.high:.2f})."
    )


def _share(title: str) -> object:
    return st.column_config.ProgressColumn(
        title, format="%.0f%%", min_value=0, max_value=100, width=130
    )
