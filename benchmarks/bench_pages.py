"""What a page of the Examples costs the server at a million rows: paging, sorting, searching.

Every step is asked of `ui.queries` as the page asks it, cache and all, or of the whole app, script
and page, as a browser would have it run. Target: 95 of 100 within 0.3 s. `INFLUENCE_BENCH_ROWS`
says how many training rows, 1,000,000 by default.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from influence_core.store.finding import numbers
from influence_core.store.order import ordered, within
from influence_core.store.query import ExampleQuery, OneOf
from influence_core.store.rows import columns_of, example
from influence_core.store.run import RUNS_VARIABLE, Run
from tests.factory import THINGS, make_run

ROWS = int(os.environ.get("INFLUENCE_BENCH_ROWS", "1000000"))
TRAINED = 0.8
"""Share of the invented rows that is for training."""

TURNS, APP_TURNS = 20, 8
PAGE = 25
PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Times:
    """Seconds of one kind of step, in the order they were taken."""

    name: str
    seconds: tuple[float, ...]

    def __str__(self) -> str:
        middle, late = statistics.median(self.seconds), np.quantile(self.seconds, 0.95)
        return (
            f"{self.name}: median {1000 * middle:.0f} ms, p95 {1000 * late:.0f} ms, most "
            f"{1000 * max(self.seconds):.0f} ms, {len(self.seconds)} turns"
        )


def results() -> Iterator[Times | str]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ[RUNS_VARIABLE] = folder
        run = make_run(Path(folder), "large", rows=round(ROWS / TRAINED), classes=150)
        yield f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        yield from _questions(run)
        yield from _app(run)
        yield f"load {os.getloadavg()[0]:.1f}"


def _questions(run: Run) -> Iterator[Times]:
    """Time what the page asks of the tables, nothing of it known before."""
    base = ExampleQuery(score="vog", order="hardest", scored_only=True)
    order = ordered(run, base)
    yield _timed("read a page, first to last", lambda turn: _read(run, order, turn))
    for name, changed in _SORTS.items():
        query = base.model_copy(update=changed)
        yield _timed(f"sort {name}", lambda _, query=query: ordered(run, query))
    for name, changes in _filters(run).items():
        wanted = cycle(base.model_copy(update=change) for change in changes)
        yield _timed(name, lambda _, wanted=wanted: within(order, numbers(run, next(wanted))))
    ids = [str(one) for one in run.examples(["id"])["id"].iloc[order[:: len(order) // TURNS]]]
    yield _timed("read one example whole", lambda turn: example(run, ids[turn]))


_SORTS: dict[str, dict[str, Any]] = {
    "by a score": {},
    "within the class": {"normalise": "class"},
    "by a number": {"order": "column", "column": "el2n"},
    "by a category": {"order": "column", "column": "source"},
    "by the text": {"order": "column", "column": "text"},
}


def _filters(run: Run) -> dict[str, list[dict[str, Any]]]:
    labels = sorted(run.manifest().dataset.class_counts)[:TURNS]
    return {
        "filter by class": [{"labels": (label,)} for label in labels],
        "filter by a column": [{"filters": (OneOf(column="source", values=("human",)),)}],
        "search a text": [{"search": thing} for thing in THINGS],
        "search by expression": [
            {"search": f"^(turn|play).*{thing}.*5$", "regex": True} for thing in THINGS
        ],
    }


def _read(run: Run, order: np.ndarray, turn: int) -> None:
    start = turn * (len(order) // TURNS) // (4 * PAGE) * 4 * PAGE
    names = ("id", "text", "text_pair", "label", "vog")
    columns_of(run, order[start : start + 4 * PAGE].tolist(), names)


def _timed(name: str, step: Callable[[int], object], turns: int = TURNS) -> Times:
    """Time a step, after one turn of warming up."""
    step(0)
    seconds = []
    for turn in range(turns):
        start = time.perf_counter()
        step(turn)
        seconds.append(time.perf_counter() - start)
    return Times(name, tuple(seconds))


def _app(run: Run) -> Iterator[Times]:
    """Time runs of the whole script, from the frame to the last chart."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=600)
    app.switch_page("pages/examples.py")
    app.query_params["run"] = run.name
    app.query_params["score"] = "vog"
    app.run()
    last = len(run.scores(["row"])) // PAGE
    pages = [1 + turn * last // APP_TURNS for turn in range(APP_TURNS)]
    steps: dict[str, Callable[[int], Any]] = {
        "turn to the next page": lambda turn: {"page": 2 + turn, "id": None},
        "jump to a far page": lambda turn: {"page": pages[turn], "id": None},
        "turn the order": lambda turn: {
            "end": ("easiest", "hardest")[turn % 2],
            "page": 1,
            "id": None,
        },
        "search": lambda turn: {"search": f"{THINGS[turn % len(THINGS)]} {turn}", "page": 1},
    }
    for name, view in steps.items():
        yield _timed(f"app: {name}", lambda turn, view=view: _show(app, view(turn)), APP_TURNS)


def _show(app: Any, view: dict[str, Any]) -> None:
    for name, value in view.items():
        app.session_state[name] = value
    app.run()
