"""Where rows come from: the mix of every domain, what differs by source, and which rows may go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from influence_core.nlu import by_source
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.figures import Point
from influence_core.nlu.sources import MOST, source_column, sources_of
from influence_core.report import stack_charts
from influence_core.store.columns import Column, catalogue
from influence_core.store.lookup import training
from influence_core.store.run import Run
from ui import plots, queries, shell
from ui.shell import Lens
from ui.stacks import ENOUGH, RATES, changed, findings, lined, rated, relative, settings
from ui.wording import column_title, count, counted, percent, plain

if TYPE_CHECKING:
    import pandas as pd

_NAMED = 3
"""Sources that a sentence names."""

_VOG = {
    "median_dataset": "Median, data",
    "mean_dataset": "Mean, data",
    "std_dataset": "Std, data",
    "median_class": "Median, class",
    "mean_class": "Mean, class",
    "std_class": "Std, class",
}
"""Figures of VoG in a table."""


def composition(experiment: StackExperiment) -> pd.DataFrame:
    """Return how many training rows of every domain each source brings."""
    return by_source.composition(findings(experiment))


def hardness(experiment: StackExperiment) -> pd.DataFrame:
    """Return how hard the training rows of each source are."""
    return by_source.hardness(findings(experiment))


def whole(experiment: StackExperiment) -> pd.DataFrame:
    """Return the rates of the stacks of all rows, by the source of test rows."""
    return by_source.whole(findings(experiment))


def changes(experiment: StackExperiment, point: Point) -> pd.DataFrame:
    """Return how they change at a point."""
    found = by_source.changes(findings(experiment), [point])
    return found.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def known(run: Run, wanted: str | None = None) -> Column | None:
    """Return the column of the sources, unless it may hold texts and these are masked."""
    found = source_column(run, wanted)
    return found if found is not None and found.name in queries.ask(run, catalogue) else None


def offered(run: Run) -> list[str]:
    """Return the sources whose training rows may be the only ones to go, if there are several."""
    if known(run) is None:
        return []
    named = queries.ask(run, _trained_on)
    return named[:MOST] if len(named) > 1 else []


def prunable(experiment: StackExperiment) -> str:
    """Name the rows of which shares go, as Markdown: all training rows, or those of one source."""
    only = settings(experiment).prune_only
    return "training rows" if only is None else f"training rows of {_only(experiment)}"


def across(experiment: StackExperiment) -> str:
    """Name the axis of the shares that go."""
    only = settings(experiment).prune_only
    shown = known(experiment.run, settings(experiment).source)
    of = "" if only is None else f" of {only if shown else 'one source'}"
    return f"Share of the training rows{of} that was pruned"


def say_which(experiment: StackExperiment) -> None:
    """Say which source alone was pruned, if it was one."""
    if settings(experiment).prune_only is None:
        return
    rows, of = queries.ask(experiment, _counts)
    st.markdown(
        f":material/filter_alt: Only rows of {_only(experiment)} were pruned: shares that are "
        f"gone, and σ, are of these {count(rows)} of {count(of)} training rows. All others stayed."
    )


def show(view: Lens, experiment: StackExperiment) -> None:
    """Draw which sources the rows of every domain come from, and what differs between these."""
    column = known(experiment.run, settings(experiment).source)
    found = queries.ask(experiment, composition)
    if column is None or found.empty:
        return
    plots.question("Where do the rows come from?")
    overall = found[found["domain"].isna()]
    if len(overall) == 1:
        st.markdown(f"All training rows come from **{plain(overall['source'].iloc[0])}**.")
        return
    st.markdown(_said(found))
    _mix(found, len(overall))
    _differ(experiment)
    shell.link(
        "distributions",
        f"All scores, by {column_title(column.name)}",
        ":material/bar_chart:",
        run=view.run.name,
        part="groups",
        by=column.name,
    )


def pay(experiment: StackExperiment, point: Point, rates: Sequence[str]) -> None:
    """Draw how rates change at a point by the source of test rows."""
    import pandas as pd

    if known(experiment.run, settings(experiment).source) is None:
        return
    found = queries.ask(experiment, changes, point)
    if len(found) < 2:
        return
    plots.question("Which sources pay for it?")
    told = [
        f"**{plain(line['source'])}** {relative(line['irer'], 0)} on "
        f"{counted(line['rows'], 'test row')}"
        for line in found.head(_NAMED).to_dict("records")
    ]
    st.markdown(f"Change of IRER: {', '.join(told)}.")
    shown = pd.DataFrame(
        {
            "Source": found["source"],
            "Test rows": found["rows"].map(count),
            **{RATES[name]: changed(found, name, 0) for name in rates},
        }
    )
    lined(shown)
    st.caption("By the source of the test rows. Of few test rows rates move by chance.")


def _trained_on(run: Run) -> list[str]:
    column = source_column(run)
    return [] if column is None else sources_of(run, column, np.flatnonzero(training(run)))


def _counts(experiment: StackExperiment) -> tuple[int, int]:
    """Count the training rows that may go, and all."""
    material = findings(experiment).material
    return len(material.prunable), len(material.train_rows)


def _only(experiment: StackExperiment) -> str:
    told = settings(experiment)
    shown = known(experiment.run, told.source)
    return f"**{plain(told.prune_only)}**" if shown else "one source"


def _said(found: pd.DataFrame) -> str:
    """Say what the sources bring, and which domain is furthest from that."""
    overall = found[found["domain"].isna()]
    pairs = zip(overall["source"], overall["share"], strict=True)
    told = [f"**{plain(name)}** brings {percent(share)}" for name, share in pairs]
    more = len(told) - _NAMED
    words = ", ".join(told[:_NAMED]) + (f", {counted(more, 'other')} the rest" if more > 0 else "")
    words = f"Of {counted(overall['rows'].sum(), 'training row')} {words}."
    usual = overall.set_index("source")["share"]
    domains = found.dropna(subset=["domain"])
    sizes = domains.groupby("domain")["rows"].transform("sum")
    excess = (domains["share"] - domains["source"].map(usual))[sizes >= ENOUGH]
    if excess.empty or excess.max() <= 0:
        return words
    line = domains.loc[excess.idxmax()]
    return (
        f"{words} Furthest from that is **{plain(line['domain'])}**: {percent(line['share'])} of "
        f"its {counted(sizes[line.name], 'row')} are of **{plain(line['source'])}**."
    )


def _mix(found: pd.DataFrame, sources: int) -> None:
    table = found.assign(group=found["domain"].fillna("all domains"))
    drawn = table.head((stack_charts.MOST + 1) * sources)
    plots.draw(stack_charts.sources(drawn), "domain sources")
    domains = len(table) // sources - 1
    if domains > stack_charts.MOST:
        st.caption(f"The {stack_charts.MOST} largest of {counted(domains, 'domain')} are drawn.")


def _differ(experiment: StackExperiment) -> None:
    """Draw the figures of VoG and of errors by source."""
    plots.question("Are rows of one source harder, or understood worse?")
    hard, errors = queries.ask(experiment, hardness), queries.ask(experiment, whole)
    told = [_harder(hard), _worse(errors)]
    st.markdown(" ".join(filter(None, told)))
    if not hard.empty:
        lined(_hard(hard))
        st.caption(
            "VoG of the training rows, in standard deviations from the mean of the whole data and "
            "of their domain: the higher, the harder for the classifier of domains."
        )
    lined(rated(errors, "source", "all sources"))
    st.caption("Errors of the stacks of all rows, by the source of the test rows.")


def _harder(hard: pd.DataFrame) -> str:
    """Say which source is the hardest, and which the easiest."""
    enough = hard.iloc[1:][hard["rows"].iloc[1:] >= ENOUGH]
    if len(enough) < 2:
        return ""
    ranked = enough.sort_values("median_dataset", ascending=False, kind="stable")
    first, last = ranked.iloc[0], ranked.iloc[-1]
    return (
        f"Hardest are rows of **{plain(first['source'])}**: their median of VoG within the dataset "
        f"is {first['median_dataset']:+z.2f}, that of **{plain(last['source'])}** "
        f"{last['median_dataset']:+z.2f}."
    )


def _worse(errors: pd.DataFrame) -> str:
    """Say of which source most test rows are wrong."""
    enough = errors.iloc[1:][errors["rows"].iloc[1:] >= ENOUGH]
    if len(enough) < 2:
        return ""
    ranked = enough.sort_values("irer", ascending=False, kind="stable")
    first, last = (
        f"{percent(line['irer'])} of {counted(line['rows'], 'test row')} of "
        f"**{plain(line['source'])}**"
        for line in (ranked.iloc[0], ranked.iloc[-1])
    )
    return f"The stack gets {first} wrong in some way, and {last}."


def _hard(hard: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    figures = {
        title: [f"{one:.2f}" if name.startswith("std") else f"{one:+z.2f}" for one in hard[name]]
        for name, title in _VOG.items()
    }
    names, rows = hard["source"].fillna("all sources"), hard["rows"].map(count)
    return pd.DataFrame({"Source": names, "Training rows": rows, **figures})
