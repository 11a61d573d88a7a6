"""What pruning leaves of every domain, how varied domains are, and how hard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core.nlu.experiment import StackExperiment
from influence_core.report import spread_charts, stack_charts
from influence_core.scores.registry import SCORES
from influence_core.store import tables
from influence_core.store.columns import score_column
from ui import plots, queries, shell, stack_composition, stack_sources, state
from ui.shell import NORMS, Lens
from ui.spread import BODY, GROUPS_COMPARED, ordered
from ui.stacks import ROLES, TECHNIQUES, findings, relative
from ui.wording import counted, percent, plain

if TYPE_CHECKING:
    import pandas as pd

_BEFORE = "before"


def shares(experiment: StackExperiment) -> pd.DataFrame:
    """Return the share of every domain in the training rows, before and after every technique."""
    return findings(experiment).shares()


def show(view: Lens, experiment: StackExperiment) -> None:
    """Draw where rows come from, the shares of the domains, and what these are like."""
    stack_sources.show(view, experiment)
    _shares(experiment)
    stack_composition.show(experiment)
    _densities(view, experiment)


def _shares(experiment: StackExperiment) -> None:
    told = queries.ask(experiment, shares)
    fractions = sorted(set(told.loc[told["fraction"] > 0, "fraction"]), reverse=True)
    title, chosen = st.columns([3, 1], vertical_alignment="bottom")
    with title:
        plots.question("Which domains gain and lose share of the training rows?")
    if not fractions:
        st.caption("No stack is trained on pruned data yet.")
        return
    with chosen:
        fraction = _gone(fractions)
    table, techniques = wide(told, fraction)
    st.markdown(_said(table, techniques, fraction, stack_sources.prunable(experiment)))
    drawn = table.head(stack_charts.MOST)
    plots.draw(stack_charts.shares(drawn, techniques, ROLES), "domain shares")
    cap = ""
    if len(table) > len(drawn):
        cap = f" The {len(drawn)} largest of {counted(len(table), 'domain')} are drawn."
    st.caption(
        "Bar: before. Right of it a domain has a larger share afterwards, left of it a smaller "
        f"one. Mean over seeds.{cap}"
    )


def wide(told: pd.DataFrame, fraction: float) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the shares at a fraction, a line a domain, the largest first, and the techniques."""
    import pandas as pd

    before = told[told["fraction"] == 0].set_index("domain")["share"]
    after = told[told["fraction"] == fraction]
    techniques = {
        name: TECHNIQUES[name] for name in TECHNIQUES if (after["technique"] == name).any()
    }
    columns = {
        name: after[after["technique"] == name].set_index("domain")["share"] for name in techniques
    }
    table = pd.DataFrame({_BEFORE: before, **columns}).rename_axis("group").reset_index()
    table = table.sort_values(_BEFORE, ascending=False, kind="stable", ignore_index=True)
    return table, techniques


def _gone(fractions: list[float]) -> float:
    named = {f"{one:g}": one for one in fractions}
    state.settle("gone", list(named))
    st.selectbox(
        "Rows gone",
        list(named),
        format_func=lambda name: percent(named[name], 0),
        key="gone",
        persist_state="session",
    )
    return named[state.get("gone")]


def _said(table: pd.DataFrame, techniques: dict[str, str], fraction: float, prunable: str) -> str:
    """Say which technique moves the shares most, by how much in all, and for which domain."""
    moved = {name: (table[name] - table[_BEFORE]).abs().sum() / 2 for name in techniques}
    name = max(moved, key=lambda one: moved[one])
    line = table.loc[(table[name] - table[_BEFORE]).abs().idxmax()]
    change = line[name] / line[_BEFORE] - 1 if line[_BEFORE] else float("nan")
    return (
        f"With {percent(fraction, 0)} of the {prunable} gone, **{techniques[name]}** moves the "
        f"shares of the domains most, by {100 * moved[name]:.1f} points in all: "
        f"**{plain(line['group'])}** goes from {percent(line[_BEFORE])} to {percent(line[name])} "
        f"({relative(change, 0)})."
    )


def _densities(view: Lens, experiment: StackExperiment) -> None:
    """Draw how VoG lies in the largest domains, under both normalisations."""
    if "vog" not in view.manifest.scores:
        return
    plots.question("Which domains are hard for the classifier of domains?")
    found = queries.ask(experiment, stack_composition.composition)
    names = found.loc[found["rows"] > 0, "domain"].head(GROUPS_COMPARED).tolist()
    for place, norm in zip(st.columns(2, gap="medium"), ("dataset", "class"), strict=True):
        bins = queries.ask(
            view.run,
            tables.histogram,
            score_column("vog", norm),
            160,
            "label",
            clip=BODY,
            groups=GROUPS_COMPARED,
        )
        title = f"{SCORES['vog'].label}, standard deviations {NORMS[norm]}"
        with place:
            plots.draw(spread_charts.density(ordered(bins, names), title), f"domain vog {norm}")
    st.caption(
        f"The {len(names)} largest domains. Further right is harder: a draw by VoG within the "
        "dataset keeps more of the domains that lie to the right, one within the domain about the "
        "same share of each."
    )
    shell.link(
        "distributions",
        "All domains, by any score",
        ":material/bar_chart:",
        run=view.run.name,
        part="groups",
        by="label",
        score="vog",
    )
