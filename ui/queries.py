"""The only bridge from the core to the pages: every answer cached by a content version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from influence_core import jobs
from influence_core.errors import InfluenceError, RunNotFound
from influence_core.store import run as runs
from influence_core.store.run import Manifest, Run
from influence_core.store.workplace import WorkManifest, Workplace

SHARED = 8
"""Large answers that are held for all sessions: the least lately asked for goes first."""

Answer = TypeVar("Answer")
Kept = TypeVar("Kept", bound=WorkManifest)


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


def manifest(place: Workplace[Kept]) -> Kept:
    """Return the manifest of a run or an experiment."""
    try:
        modified = place.manifest_file.stat().st_mtime_ns
    except FileNotFoundError:
        return place.manifest()
    found: Kept = _manifest(str(place.path), modified, place)
    return found


def ask(
    place: Workplace[Any], question: Callable[..., Answer], *arguments: Any, **named: Any
) -> Answer:
    """Return `question(place, *arguments, **named)`, computed once for each content version."""
    key, version, call = _asked(place, question, arguments, named)
    answer: Answer = _ask(str(place.path), version, key, call)
    return answer


def share(
    place: Workplace[Any], question: Callable[..., Answer], *arguments: Any, **named: Any
) -> Answer:
    """Answer as `ask` does, with one object for all sessions: nobody may change it."""
    key, version, call = _asked(place, question, arguments, named)
    answer: Answer = _share(str(place.path), version, key, call)
    return answer


def cards() -> list[Card]:
    """Describe every run, newest first."""
    return [card for run in runs.list_runs() if (card := _card(run))]


def _asked(
    place: Workplace[Any],
    question: Callable[..., Answer],
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> tuple[str, str, Callable[[], Answer]]:
    """Return what tells a question apart, the content version it is asked of, and how to ask."""
    key = repr((question.__module__, question.__qualname__, arguments, sorted(named.items())))
    return key, manifest(place).content_version, partial(question, place, *arguments, **named)


def _card(run: Run) -> Card | None:
    try:
        found = manifest(run)
    except RunNotFound:
        return None
    except InfluenceError as error:
        return Card(run.name, "unreadable", None, str(error))
    return Card(run.name, _status(run, found.status), found)


def _status(run: Run, written: str) -> str:
    """Return a run's status, "interrupted" where its process died before it could say so."""
    if written not in ("running", "queued"):
        return written
    status = jobs.status(run)
    return status.state if status.active else "interrupted"


@st.cache_data(show_spinner=False, max_entries=500)
def _manifest(path: str, modified: int, _place: Workplace[Any]) -> Any:
    return _place.manifest()


@st.cache_data(show_spinner=False, max_entries=400)
def _ask(path: str, version: str, key: str, _call: Callable[[], Any]) -> Any:
    return _call()


@st.cache_resource(show_spinner=False, max_entries=SHARED)
def _share(path: str, version: str, key: str, _call: Callable[[], Any]) -> Any:
    return _call()
