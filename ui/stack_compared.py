"""Two ways of pruning compared: every rate, with how certain the difference is."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from influence_core.nlu.comparing import ALL, StackGap, compare_stacks
from influence_core.nlu.experiment import StackExperiment
from influence_core.nlu.figures import WHOLE, Point
from influence_core.nlu.metrics import TITLES
from influence_core.nlu.scope import THRESHOLD
from influence_core.nlu.tail import TAIL, TAIL_NAME, traffic
from influence_core.pruning.recommend import signed
from influence_core.report import differences
from ui import plots, queries, stack_scope, state
from ui.stacks import RATES, findings, lined, pick, points
from ui.wording import count, percent

DRAWN = 12
"""Parts of the test rows in the chart of a comparison, the largest ones."""

_PARTS = {ALL: "all test rows", TAIL_NAME: f"tail, {TAIL:.0%} of the traffic"}


def gaps(
    experiment: StackExperiment,
    first: Point,
    second: Point,
    domains: int = 0,
    threshold: float = THRESHOLD,
) -> list[StackGap]:
    """Compare the stacks of two points, also on the tail and on so many of the largest domains."""
    found = findings(experiment)
    largest = found.whole()["domain"].iloc[1 : domains + 1].tolist()
    return compare_stacks(found, first, second, domains=largest, threshold=threshold)


def without_tail(experiment: StackExperiment) -> str:
    """Say why there is no tail, if there is none."""
    return traffic(findings(experiment)).remark


def difference(gap: StackGap) -> str:
    """Word both rates of a gap, and their difference in points with its interval."""
    return (
        f"{percent(gap.first)} errors against {percent(gap.second)}, a difference of "
        f"{signed(gap.difference.mean)} points {_interval(gap)}"
    )


def usual(found: list[Point]) -> Point | None:
    """Return the point that is shown unasked: the paper's technique at the largest share."""
    ranked = sorted(found, key=lambda point: (point[1], point[0] == "vog-dataset"))
    return ranked[-1] if ranked else None


def show(experiment: StackExperiment) -> None:
    """Draw two points compared, with how certain their differences are."""
    import pandas as pd

    found = queries.ask(experiment, points)
    with st.expander("Compare two ways of pruning", icon=":material/compare_arrows:"):
        left, right = st.columns(2)
        with left:
            first = pick("these", "These stacks", found, usual(found))
        with right:
            second = pick("those", "Those stacks", found, WHOLE)
        if first == second:
            st.caption("Choose two that differ.")
            return
        with st.spinner("Drawing test rows again and again", show_time=False):
            threshold = stack_scope.threshold()
            compared = queries.ask(experiment, gaps, first, second, DRAWN, threshold)
        told = [one for one in compared if _comparable(one)]
        rate = state.get("rate")
        lines = [one for one in told if one.metric == rate]
        named = [one for one in lines if one.part in _PARTS]
        domains = sorted(
            (one for one in lines if one.part not in _PARTS), key=lambda one: -one.rows
        )
        st.markdown(f"**{RATES[rate]}**: {difference(named[0])}. {_certain(named[0])}")
        table = pd.DataFrame([_line(one) for one in [*named, *domains]])
        plots.draw(differences.differences(table, "part"), "stack differences")
        st.caption(
            "First minus second; fewer errors are better. A bar is the 95% interval over test rows "
            f"drawn anew and, for as many seeds, over these, the wider end of both. "
            f"Of more than {DRAWN} domains the largest are drawn."
        )
        _rates(told, threshold)
        remark = queries.ask(experiment, without_tail)
        if remark:
            st.caption(remark)


def _rates(told: list[StackGap], threshold: float) -> None:
    """Draw the table of every rate, of all test rows and of the tail."""
    import pandas as pd

    shown = [one for one in told if one.part in _PARTS]
    lined(
        pd.DataFrame(
            {
                "Rate": [_title(one.metric, threshold) for one in shown],
                "Of": [_part(one) for one in shown],
                "These": [percent(one.first) for one in shown],
                "Those": [percent(one.second) for one in shown],
                "Difference, points": [
                    f"{signed(one.difference.mean)} {_interval(one)}" for one in shown
                ],
                "These are": [one.verdict for one in shown],
            }
        ),
        words=2,
    )


def _title(metric: str, threshold: float) -> str:
    title = TITLES.get(metric, f"{metric} at {percent(threshold, 0)}")
    return title[:1].upper() + title[1:]


def _interval(gap: StackGap) -> str:
    return f"({signed(gap.difference.low)} to {signed(gap.difference.high)})"


def _comparable(gap: StackGap) -> bool:
    return gap.rows > 0 and gap.difference.mean == gap.difference.mean


def _certain(gap: StackGap) -> str:
    if gap.verdict == "undecided":
        return "That is undecided."
    return f"These are certainly {gap.verdict}."


def _part(gap: StackGap) -> str:
    return f"{_PARTS.get(gap.part, gap.part)}, {count(gap.rows)}"


def _line(gap: StackGap) -> dict[str, object]:
    told = {"first": gap.first, "second": gap.second, "verdict": gap.verdict}
    return {"part": _part(gap), **told, **asdict(gap.difference)}
