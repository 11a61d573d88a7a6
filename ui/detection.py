"""How well wrong labels are found, by what, and what VoG has to do with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from influence_core.noise.detectors import DETECTORS, voters
from influence_core.noise.known import detections, found_by_rank, known_wrong
from influence_core.noise.measure import Detection
from influence_core.noise.table import read_noise
from influence_core.report.precision import known_precision
from influence_core.scores.registry import specs_of
from influence_core.store.run import Run
from ui import plots, queries
from ui.suspects import CONSENSUS, Suspects
from ui.wording import count, counted, percent

if TYPE_CHECKING:
    import pandas as pd

TOPS = (10, 50, 100, 500, 1_000, 5_000)
"""How many of the most suspicious rows can be looked at, beside as many as labels are wrong."""

REACH = 3
"""How many times as many rows as labels are wrong the chart reaches down the queue."""

POINTS = 400
"""Points of a line of the chart."""

MEASURED = (
    "Measured on the 12,000 training rows of CLINC150's intents with 10% of the labels drawn anew: "
    "average precision (1 where all wrong labels come first) of VoG 0.25 for labels drawn from all "
    "classes and 0.13 for easily confused ones, of the consensus 0.997 and 0.95; chance is 0.10."
)
"""What is known of VoG where the run does not know its wrong labels; README has the command."""


def reliability(run: Run, found: Suspects) -> None:
    """Draw how the labels are judged, how well that works, and what VoG has to do with it."""
    measured = queries.ask(run, found_by_all)
    if measured:
        _measured(run, measured[CONSENSUS].wrong)
    st.subheader("How are labels judged?", anchor=False)
    _detectors(found)
    st.subheader("Is VoG a noise detector?", anchor=False)
    st.markdown(
        "**No. VoG is a pruning score**: the variance of gradients tells what is hard to learn, "
        "and hard texts with the right label score as high as wrong ones. Drop easy rows by it; "
        "look for wrong labels here."
    )
    st.caption(_of_vog(measured) or MEASURED)


def found_by_all(run: Run, k: int | None = None) -> dict[str, Detection]:
    """Measure every score, every detector and the consensus in the top `k` of each.

    Without `k` as many rows are looked at as labels are wrong; empty where none is known to be.
    """
    wrong = known_wrong(run)
    return (
        {} if wrong is None or not wrong.any() else dict(detections(run, wrong, k, read_noise(run)))
    )


def _ranked(run: Run, end: int) -> pd.DataFrame:
    """Return precision and recall down the queue, at so many numbers that a line can be drawn."""
    points = found_by_rank(read_noise(run), known_wrong(run), end)
    return points.iloc[np.unique(np.linspace(0, len(points) - 1, POINTS).round().astype(int))]


def _measured(run: Run, wrong: int) -> None:
    """Draw what everything finds of the labels that are known to be wrong."""
    title, field = st.columns([3, 1], vertical_alignment="bottom")
    title.subheader("How well are wrong labels found here?", anchor=False)
    looked = sorted({k for k in TOPS if k < wrong} | {wrong})
    k = field.selectbox(
        "Rows looked at",
        looked,
        index=looked.index(wrong),
        format_func=lambda k: f"top {count(k)}" + (", as are wrong" if k == wrong else ""),
        key=f"noise.k {run.name}",
        persist_state="session",
    )
    measured = queries.ask(run, found_by_all, k)
    one = measured[CONSENSUS]
    st.caption(
        f"{count(one.wrong)} of {counted(one.rows, 'training label')} are known to be wrong: "
        f"{percent(one.wrong / one.rows)} of rows drawn at random would be."
    )
    ranked = queries.ask(run, _ranked, REACH * one.wrong)
    plots.draw(known_precision(ranked, one.wrong / one.rows), "noise known")
    st.dataframe(
        _detections(run, measured),
        hide_index=True,
        height="content",
        row_height=30,
        column_config=_columns(one),
    )


def _columns(one: Detection) -> dict[str, object]:
    """Return how the table of the figures is drawn, every word of it explained."""
    text = partial(st.column_config.TextColumn, width=90, alignment="right")
    return {
        "": st.column_config.TextColumn(width=120),
        "What it is": st.column_config.TextColumn(width=160),
        "Average precision": st.column_config.ProgressColumn(
            format="%.3f",
            min_value=0.0,
            max_value=1.0,
            help="1 where all wrong labels come first: the mean, over them, of the precision down "
            "to each.",
        ),
        "Precision": text(help="Share of the rows looked at whose label is wrong."),
        "Recall": text(help="Share of all wrong labels that are among the rows looked at."),
        "Overlap": text(
            help="Rows that are both looked at and wrong, as a share of those that are either "
            f"(Jaccard index). By chance {one.by_chance.mean:.3f}."
        ),
        "Against chance": st.column_config.TextColumn(
            width=110,
            help="Above where the overlap is larger than that of 97.5% of as many rows drawn at "
            f"random, {one.by_chance.high:.3f}.",
        ),
    }


def _detections(run: Run, measured: dict[str, Detection]) -> pd.DataFrame:
    """Return the figures, the best first."""
    import pandas as pd

    ranked = sorted(measured.items(), key=lambda item: -item[1].average_precision)
    return pd.DataFrame(
        [
            {
                "": _name(run, key),
                "What it is": _kind(run, key),
                "Average precision": one.average_precision,
                "Precision": percent(one.precision),
                "Recall": percent(one.recall),
                "Overlap": f"{one.overlap:.3f}",
                "Against chance": "above" if one.above_chance else "at chance",
            }
            for key, one in ranked
        ]
    )


def _name(run: Run, key: str) -> str:
    entries = {**DETECTORS, **specs_of(queries.manifest(run))}
    return "Consensus" if key == CONSENSUS else entries[key].label


def _kind(run: Run, key: str) -> str:
    if key == CONSENSUS:
        return "what ranks the queue"
    if key in DETECTORS:
        return f"detector, {DETECTORS[key].witness}"
    tells = specs_of(queries.manifest(run))[key].suspicious
    return "score" if tells else "pruning score"


def _of_vog(measured: dict[str, Detection]) -> str:
    """Say what VoG finds here, where that is known."""
    if "vog" not in measured:
        return ""
    vog, best = measured["vog"], measured[CONSENSUS]
    return (
        f"Here the {count(vog.k)} highest by VoG hold {percent(vog.recall, 0)} of the "
        f"{count(vog.wrong)} wrong labels (average precision {vog.average_precision:.2f}, chance "
        f"{vog.wrong / vog.rows:.2f}); the same number by consensus holds "
        f"{percent(best.recall, 0)} ({best.average_precision:.2f})."
    )


def _detectors(found: Suspects) -> None:
    """Draw what every detector looks at, and what the run lacks for the others."""
    import pandas as pd

    votes = voters(found.facts.detectors)
    rows = [
        {
            "Detector": one.label,
            "Looks at": one.witness,
            "What it says": one.summary,
            "Here": _part(key, votes, found.facts.missing),
        }
        for key, one in DETECTORS.items()
    ]
    st.write(
        "The consensus is the mean over what is looked at; detectors that look at the same thing "
        "share a vote. A detector flags as many rows as labels are likely wrong."
    )
    st.table(pd.DataFrame(rows).set_index("Detector"), border="horizontal")


def _part(key: str, votes: Collection[str], missing: Mapping[str, str]) -> str:
    if key in missing:
        return f"needs {missing[key]}"
    return (
        "votes"
        if key in votes
        else "is shown, not counted: the whole training tells the same better"
    )
