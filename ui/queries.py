"""The only bridge from the core to the pages: every answer cached by the run's content version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from influence_core import jobs
from influence_core.errors import InfluenceError
from influence_core.store import run as runs
from influence_core.store.run import Manifest, Run

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Card:
    """What Home tells about a run; `problem` where its manifest cannot be read."""

    name: str
    status: str
    manifest: Manifest | None
    problem: str = ""


def root() -> Path:
    """Return the folder of runs."""
    return runs.runs_root()


def open_run(name: str) -> Run:
    """Open a run by name."""
    return runs.open_run(name)


def manifest(run: Run) -> Manifest:
    """Return a run's manifest."""
    try:
        return _manifest(str(run.path), run.manifest_file.stat().st_mtime_ns)
    except FileNotFoundError:
        return run.manifest()


def ask(run: Run, question: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
    """Return `question(run, *arguments, **named)`, computed once for each content version."""
    key = repr((question.__module__, question.__qualname__, arguments, sorted(named.items())))
    call = partial(question, run, *arguments, **named)
    answer: Answer = _ask(str(run.path), manifest(run).content_version, key, call)
    return answer


def cards() -> list[Card]:
    """Describe every run, newest first."""
    return [card for run in runs.list_runs() if (card := _card(run))]


def _card(run: Run) -> Card | None:
    try:
        manifest = _manifest(str(run.path), run.manifest_file.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except InfluenceError as error:
        return Card(run.name, "unreadable", None, str(error))
    return Card(run.name, _status(run, manifest.status), manifest)


def _status(run: Run, written: str) -> str:
    """Return a run's status, "interrupted" where its process died before it could say so."""
    if written != "running":
        return written
    return "running" if jobs.status(run).state == "running" else "interrupted"


@st.cache_data(show_spinner=False, max_entries=500)
def _manifest(path: str, modified: int) -> Manifest:
    return Run(Path(path)).manifest()


@st.cache_data(show_spinner=False, max_entries=400)
def _ask(path: str, version: str, key: str, _call: Callable[[], Any]) -> Any:
    return _call()
