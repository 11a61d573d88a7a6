"""What a million rows cost the dashboard: turns of every page, first paint, messages, memory.

A real server is asked for pages twice over: by a session without a browser, which tells what the
server takes from the message that asks to the last one that answers, and by a real Chromium, which
draws on the same cores and tells what somebody waits on one machine for both. Targets: 95 of 100
turns of the Examples within 0.3 s of the server, first paint within 3 s, no message over 10 MB, and
memory that stays where it was after the first turns. `INFLUENCE_BENCH_ROWS` says how many training
rows, 1,000,000 by default.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psutil

from benchmarks.bench_pages import ROWS, TRAINED, Times
from benchmarks.talk import Talk
from influence_core.store.run import Run
from tests.e2e.conftest import ARGUMENTS, ASKED, AT_REST, CHROMIUM, ENDED, TURN, WATCH, serving
from tests.factory import THINGS, make_run

PAINTS, TURNS, WALK = 5, 20, 200

_TABLE, _CHART = "[data-testid=stDataFrame] canvas", ".js-plotly-plot .main-svg"
_DRAWN = {"examples": _TABLE, "distributions": _CHART, "map": _CHART}
"""Pages that are opened in a fresh browser, and what must then be seen of them."""

_EMPTY = "import streamlit as st\n\nst.dataframe({'nothing': []})\n"
PATIENCE = 300_000
"""Milliseconds a turn may take before it counts as lost."""

WATCH_MESSAGES = """
window.traffic = {asked: 0, answered: 0, bytes: [], largest: 0};
window.WebSocket = class extends WebSocket {
  constructor(...address) {
    super(...address);
    this.addEventListener("message", ({data}) => {
      traffic.answered = performance.now();
      traffic.largest = Math.max(traffic.largest, data.byteLength ?? data.size ?? data.length);
    });
  }
  send(message) {
    traffic.asked ||= performance.now();
    super.send(message);
  }
};
"""
"""Notes when the browser asked first and was answered last, and the largest message it was sent."""

RESET = "Object.assign(traffic, {asked: 0, answered: 0, largest: 0})"


def results() -> Iterator[Times | str]:
    with tempfile.TemporaryDirectory() as folder:
        make_run(Path(folder), "large", rows=round(ROWS / TRAINED), classes=150)
        yield from measure(Path(folder), "large")


def measure(runs: Path, name: str) -> Iterator[Times | str]:
    """Look at a run without a browser, then from one."""
    from playwright.sync_api import sync_playwright

    views = _views(Run(runs / name))
    yield _load()
    with serving(runs) as base, Talk.to(base) as talk:
        yield from _served(talk, name, views)
        yield _load()
    with serving(runs) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield Times("first paint of an empty app", _empty_paints(browser))
        for page, drawn in _DRAWN.items():
            address = f"{base}/{_to(Run(runs / name), page)}"
            yield Times(f"first paint of {page}", _paints(browser, address, drawn))
        window = Window(browser.new_page(), base)
        window.page.goto(f"{base}/examples?run={name}")
        window.page.wait_for_function(ENDED, arg=0, timeout=PATIENCE)
        for title, turns in views.items():
            yield window.timed(f"in a browser: {title}", turns)
        yield f"largest message {window.largest / 1e6:.2f} MB"
        yield _memory(_server(base), window, [one for turns in views.values() for one in turns])
        browser.close()
    yield _load()


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _served(talk: Talk, name: str, views: dict[str, list[str]]) -> Iterator[Times | str]:
    """Time every turn as the server sees it; the first page of all is told apart."""
    yield f"first page of a fresh server: {talk.turn(f'examples?run={name}').seconds:.2f} s"
    examples: list[float] = []
    for title, turns in views.items():
        times = Times(title, tuple(talk.turn(address).seconds for address in turns))
        examples += times.seconds if title.startswith("Examples") else ()
        yield times
    yield Times("Examples, all of them", tuple(examples))


class Window:
    """A page of the browser that is turned from view to view."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base, self.largest = page, base, 0
        page.add_init_script(WATCH)
        page.add_init_script(WATCH_MESSAGES)

    def turn(self, address: str) -> float:
        """Go to an address as a link does; return the seconds that the server took."""
        self.page.wait_for_function(AT_REST, timeout=PATIENCE)
        before = self.page.evaluate(ASKED)
        self.page.evaluate(RESET)
        self.page.evaluate(TURN, f"/{address}")
        self.page.wait_for_function(ENDED, arg=before, timeout=PATIENCE)
        traffic = self.page.evaluate("window.traffic")
        self.largest = max(self.largest, traffic["largest"])
        return float(traffic["answered"] - traffic["asked"]) / 1000

    def timed(self, title: str, turns: list[str]) -> Times:
        """Turn to every address in turn."""
        return Times(title, tuple(self.turn(address) for address in turns))


def _views(run: Run) -> dict[str, list[str]]:
    """Return addresses to turn to, by what is done there; none is asked for twice."""
    labels = sorted(run.manifest().dataset.class_counts)
    last = run.manifest().dataset.splits["train"] // 25
    parts = ("shape", "groups", "sampling", "timing")
    return {
        "Examples, next page": [_to(run, page=2 + turn) for turn in range(TURNS)],
        "Examples, far page": [_to(run, page=1 + turn * last // TURNS) for turn in range(TURNS)],
        "Examples, another class": [_to(run, label=labels[turn]) for turn in range(TURNS)],
        "Examples, another score": [
            _to(run, score=score, norm=norm)
            for norm in ("dataset", "class")
            for score in run.manifest().scores
        ],
        "Examples, search": [_to(run, search=f"{thing} in") for thing in THINGS],
        "Examples, range": [_to(run, filter=f"el2n=0.{turn}:0.{turn + 1}") for turn in range(1, 9)],
        "Distributions": [
            _to(run, "distributions", score=score, part=part)
            for score in ("vog", "el2n")
            for part in parts
        ],
        "Classes": [_to(run, "classes", score=score) for score in ("vog", "el2n", "pvi")],
        "Map": [_to(run, "map", colour=f"score:{score}") for score in ("vog", "el2n", "pvi")],
        "Export": [_to(run, "export", score=score) for score in ("vog", "el2n", "pvi")],
    }


def _to(run: Run, page: str = "examples", **view: object) -> str:
    return f"{page}?{urlencode({'run': run.name, 'score': 'vog', **view})}"


def _paints(browser: Any, address: str, drawn: str) -> tuple[float, ...]:
    """Return the seconds until a page is drawn in browsers that never saw it."""
    seconds = []
    for _ in range(PAINTS):
        context = browser.new_context()
        page = context.new_page()
        start = time.perf_counter()
        page.goto(address)
        page.locator(drawn).first.wait_for(timeout=PATIENCE)
        seconds.append(time.perf_counter() - start)
        context.close()
    return tuple(seconds)


def _empty_paints(browser: Any) -> tuple[float, ...]:
    """Return those of an app of one empty table, which no page can be faster than."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder) / "app.py"
        app.write_text(_EMPTY)
        with serving(Path(folder), app) as base:
            return _paints(browser, base, _TABLE)


def _memory(server: psutil.Process, window: Window, addresses: list[str]) -> str:
    """Turn to addresses at random, and tell how much the server holds on the way."""
    generator = np.random.default_rng(0)
    held = [server.memory_info()]
    for number in range(1, WALK + 1):
        window.turn(addresses[generator.integers(len(addresses))])
        if number % (WALK // 4) == 0:
            held.append(server.memory_info())
    told = ", ".join(_megabytes(one.rss) for one in held)
    mapped = _megabytes(statistics.median(one.shared for one in held))
    return (
        f"memory before and through {WALK} turns: {told} MB; in the median {mapped} MB of it are "
        "files mapped into memory"
    )


def _megabytes(size: float) -> str:
    return f"{size / 2**20:,.0f}"


def _server(base: str) -> psutil.Process:
    """Return the process that serves an address."""
    port = base.rpartition(":")[2]
    return next(child for child in psutil.Process().children() if port in child.cmdline())
