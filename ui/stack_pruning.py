"""What pruning does to the errors of a stack: by technique, by domain, and for certain or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from influence_core.nlu import paper
from influence_core.nlu.comparing import ALL
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.figures import WHOLE, Point
from influence_core.report import charts
from ui import plots, queries, stack_compared, stack_sources, state
from ui.stacks import (
    MEANT,
    RATES,
    ROLES,
    TECHNIQUES,
    changed,
    changes,
    findings,
    lined,
    pick,
    points,
    relative,
    said_of,
    settings,
    tested,
)
from ui.wording import count, percent, plain

if TYPE_CHECKING:
    import pandas as pd

TOLD = ("dcer", "f_semer", "icer", "irer")
"""Rates in tables, in the order of the paper."""


def by_domain(experiment: StackExperiment, point: Point) -> pd.DataFrame:
    """Return how the rates of every domain change at a point, the largest domains first."""
    found = findings(experiment).changes_by_domain([point])
    return found.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


def show(experiment: StackExperiment) -> None:
    """Draw how errors grow with pruning, at what, and how certain that is."""
    found = queries.ask(experiment, changes)
    if found.empty:
        st.caption("No stack is trained on pruned data yet.")
        return
    stack_sources.say_which(experiment)
    rate = _rate()
    plots.question("What loses least?")
    _answer(experiment, found, rate)
    plots.draw(
        charts.pruning_curves(
            _curves(experiment, found, rate),
            RATES[rate],
            "+.1%",
            stack_sources.across(experiment),
        ),
        "stack curves",
    )
    st.caption(
        f"Change of the error rate against the stacks of all rows and the same seeds: +10% is a "
        f"tenth more errors. A line is the mean over seeds, its band one standard deviation; what "
        f"is drawn at random is grey. {said_of(experiment)}"
    )
    _figures(found)
    _domains(experiment)
    stack_compared.show(experiment)


def _rate() -> str:
    state.settle("rate", list(RATES))
    st.segmented_control(
        "Error rate",
        list(RATES),
        format_func=RATES.get,
        key="rate",
        required=True,
        persist_state="session",
        help=MEANT,
    )
    chosen: str = state.get("rate")
    return chosen


def _answer(experiment: StackExperiment, found: pd.DataFrame, rate: str) -> None:
    """Say which technique loses least at the largest fraction, and whether that is certain."""
    last = found[found["fraction"] == found["fraction"].max()].dropna(subset=[rate])
    if last.empty:
        st.markdown("The stacks of all rows make no such errors, so that none can grow.")
        return
    best = last.sort_values(rate, kind="stable").iloc[0]
    told = f"{RATES[rate]} {changed(last.loc[[best.name]], rate)[0]}"
    gone = f"With {percent(best['fraction'], 0)} of the {stack_sources.prunable(experiment)} gone"
    title = f"**{TECHNIQUES[best['technique']]}**"
    drawn = last[last["technique"] == "random"]
    if drawn.empty or best["technique"] == "random":
        st.markdown(f"{gone}, {title} does best: {told}.")
        return
    with st.spinner("Drawing test rows again and again", show_time=False):
        pair = [(name, float(best["fraction"])) for name in (best["technique"], "random")]
        compared = queries.ask(experiment, stack_compared.gaps, *pair)
    gap = next(one for one in compared if (one.metric, one.part) == (rate, ALL))
    certain = "certain" if gap.verdict == "better" else "**not** certain"
    alone = " One seed: another draw, or another training, may say otherwise." * (
        settings(experiment).seeds == 1
    )
    st.markdown(
        f"{gone}, {title} does best: {told}, against {relative(drawn.iloc[0][rate])} where rows go "
        f"at random. That it is better than random is {certain}: "
        f"{stack_compared.difference(gap)}.{alone}"
    )


def _curves(experiment: StackExperiment, found: pd.DataFrame, rate: str) -> pd.DataFrame:
    """Return what the chart takes: a curve a technique, and the level of the stacks of all rows."""
    import pandas as pd

    whole = {"curve": "All rows", "role": "whole", "fraction": 0.0, "mean": 0.0}
    told = pd.DataFrame(
        {
            "curve": found["technique"].map(TECHNIQUES),
            "role": found["technique"].map(ROLES),
            "fraction": found["fraction"],
            "mean": found[rate],
            "std": found[f"{rate}_std"],
        }
    ).dropna(subset=["mean"])
    table = pd.concat([pd.DataFrame([whole]).assign(std=float("nan")), told], ignore_index=True)
    return table.assign(experiment=experiment.name)


def _figures(found: pd.DataFrame) -> None:
    """Draw the table of all techniques and fractions, and the paper's."""
    plots.question("What are the figures?")
    lined(_table(found), words=1)
    st.caption(
        "Change of each rate, mean ± standard deviation over seeds. σ: −(change of DCER) / (share "
        "pruned), 0 where nothing is lost, below 0 what each share costs."
    )
    with st.expander(
        "The paper's figures, which are of another assistant", icon=":material/article:"
    ):
        lined(_table(paper.overall()), words=1)
        st.caption(
            "A commercial assistant with 10.9 million rows, fine-tuned encoders: Anand, Tan, "
            "Minakova, EMNLP 2023. Sizes, domains and models differ, so that only the order of "
            "techniques can be compared, not how far apart they are."
        )


def _table(found: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "Technique": found["technique"].map(TECHNIQUES),
            "Pruned": [percent(one, 0) for one in found["fraction"]],
            **{RATES[name]: changed(found, name) for name in TOLD},
            "σ of DCER": [f"{one:+z.2f}" if one == one else "–" for one in found["dcer_sigma"]],
        }
    )


def _domains(experiment: StackExperiment) -> None:
    """Draw what happens to every domain at a point."""
    import pandas as pd

    title, chosen = st.columns([1.6, 1], vertical_alignment="bottom")
    with title:
        plots.question("Which domains pay for it?")
    with chosen:
        pruned = [point for point in queries.ask(experiment, points) if point != WHOLE]
        point = pick("pruned", "Pruned by", pruned, stack_compared.usual(pruned))
    found = queries.ask(experiment, by_domain, point)
    known, among = tested(found.dropna(subset=["irer"]))
    if not known.empty:
        worst = known.sort_values("irer", ascending=False, kind="stable").iloc[0]
        st.markdown(
            f"Of {among} **{plain(worst['domain'])}** loses most: IRER "
            f"{relative(worst['irer'], 0)} on {count(worst['rows'])} test rows, while its share of "
            f"the training rows changed by {relative(worst['share'], 0)}."
        )
    shown = pd.DataFrame(
        {
            "Domain": found["domain"],
            "Test rows": found["rows"].map(count),
            "Its share": [relative(one, 0) for one in found["share"]],
            **{RATES[name]: changed(found, name, 0) for name in TOLD},
        }
    )
    lined(shown)
    st.caption(
        "Its share: the relative change of the domain's share of the training rows. A dash: the "
        "stacks of all rows make no such error there. Of few test rows rates move by chance."
    )
    with st.expander("The paper's figures by domain, which are of another assistant"):
        printed = paper.by_domain().rename(columns={"domain": "Domain", "share": "Its share"})
        lined(printed.rename(columns=RATES))
        st.caption("52% pruned by VoG: within the dataset / within its domain.")
    stack_sources.pay(experiment, point, TOLD)
