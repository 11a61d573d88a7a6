"""What is known of the labels of a run: how many are likely wrong, how many were looked at."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from influence_core.noise.detectors import DETECTORS
from influence_core.noise.reviewed import precision, precision_by_rank
from influence_core.noise.table import find_noise
from influence_core.report.precision import reviewed_precision
from influence_core.store.run import Run
from ui import access, plots, queries, shell, suspects
from ui.reviewing import Desk
from ui.suspects import Suspects
from ui.wording import count, percent, plain

PARTS = {
    "review": "Review",
    "reliable": "How reliable",
    "experiment": "Experiment",
}
"""Parts of the page: what they are called in the address, and on the page."""

FEWEST = 10
"""Decisions from which on a curve tells something."""

_QUIET = {"delta_arrow": "off", "delta_color": "off"}


def judged(run: Run) -> Suspects | None:
    """Return the rows as they were judged; where they were not, draw the way to it."""
    found = suspects.judged(run)
    if found is None:
        draw = _offer if _has_evidence(run) else _say_what_is_needed
        with st.container(border=True):
            draw(run)
    return found


def figures(found: Suspects, desk: Desk) -> None:
    """Draw how many labels are likely wrong, how many were looked at, and what came of it."""
    said = list(desk.standing.values())
    precise, skipped = precision(said), sum(one.action == "skip" for one in said)
    likely, decided, share, became = st.columns([1.15, 1, 1.15, 1])
    expected = _likely(likely, found)
    aim = f"of about {count(expected)} likely wrong" if expected else f"of {count(len(found))}"
    decided.metric("Decided", count(precise.reviewed), aim, **_QUIET)
    share.metric(
        "Wrong among the decided",
        percent(precise.share, 0),
        f"{percent(precise.low, 0)} to {percent(precise.high, 0)}"
        if precise.reviewed
        else "none yet",
        help="Rows that were relabelled or dropped, of those that were relabelled, dropped or "
        "kept, with a 95% interval. It speaks of the rows that were looked at, not of all.",
        **_QUIET,
    )
    kept = precise.reviewed - precise.wrong
    became.metric("Right after all", count(kept), f"{count(skipped)} skipped", **_QUIET)
    st.progress(min(precise.reviewed / max(expected or len(found), 1), 1.0))


def down_the_queue(found: Suspects, desk: Desk) -> None:
    """Draw how often the labels were wrong that were decided, in the order of the queue."""
    points = precision_by_rank(found.report.table, desk.standing)
    if len(points) < FEWEST:
        return
    st.markdown("**Is it worth going on?**")
    plots.draw(reviewed_precision(points), "noise precision")
    st.caption(
        "How many of the labels decided so far were wrong, the most suspicious first, and a 95% "
        "interval. Where the line falls, further rows are rarely wrong."
    )


def _likely(place: DeltaGenerator, found: Suspects) -> int:
    """Draw the estimated share of wrong labels; return how many rows that are, 0 if it is open."""
    wrong = found.facts.wrong
    if wrong is None:
        place.metric("Labels likely wrong", "–", "no held-out judgement", **_QUIET)
        return 0
    place.metric(
        "Labels likely wrong",
        percent(wrong.share),
        f"{percent(wrong.low)} to {percent(wrong.high)} of {count(len(found))}",
        help="Estimated from models that did not learn from the row. The lower end leaves out "
        "labels of easily confused classes; the upper end counts texts that fit two classes.",
        **_QUIET,
    )
    return found.likely


def _has_evidence(run: Run) -> bool:
    scored = set(queries.manifest(run).scores) & set(DETECTORS)
    return bool(scored) or any(run.dynamics_folder.glob("*.parquet"))


def _offer(run: Run) -> None:
    st.markdown("**Which labels are wrong has not been judged yet.**")
    st.write(
        "Several detectors look at how every row was learnt, at models that did not learn from it, "
        "and at the most similar rows. That takes seconds; for a fine-tuned run about a minute, "
        "because its texts are encoded once more as they were before the fine-tuning."
    )
    if st.button("Judge the labels", type="primary", icon=":material/rule:", **access.locked()):
        with st.spinner("Judging every label", show_time=True):
            find_noise(run)
        st.rerun()


def _say_what_is_needed(run: Run) -> None:
    needs = sorted({detector.needs for detector in DETECTORS.values()})
    st.markdown(f"**Run {plain(run.name)} holds nothing that tells wrong labels.**")
    st.write(
        f"Any of these would do: {'; '.join(needs)}. A run that trains here has enough of them."
    )
    shell.link("run", "Start a new run", ":material/arrow_forward:", view="new")
