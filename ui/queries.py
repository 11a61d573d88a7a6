"""The only bridge from the core to the pages: every answer cached by a content version.

Where texts are masked they are taken out of answers here, so that no page can forget it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from influence_core import jobs
from influence_core.errors import ConfigError, InfluenceError, RunNotFound
from influence_core.store import run as runs
from influence_core.store.masking import (
    TEXTS,
    manifest_without_texts,
    query_without_texts,
    text_columns,
    without_texts,
)
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Manifest, Run
from influence_core.store.workplace import WorkManifest, Workplace
from ui import access

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
    if access.masked() and isinstance(found, Manifest):
        return manifest_without_texts(found)
    return found


def ask(
    place: Workplace[Any], question: Callable[..., Answer], *arguments: Any, **named: Any
) -> Answer:
    """Return `question(place, *arguments, **named)`, computed once for each content version."""
    key, version, call = _asked(place, question, arguments, named)
    answer: Answer = _ask(str(place.path), version, key, call)
    return _shown(place, answer)


def share(
    place: Workplace[Any], question: Callable[..., Answer], *arguments: Any, **named: Any
) -> Answer:
    """Answer as `ask` does, with one object for all sessions: nobody may change it."""
    key, version, call = _asked(place, question, arguments, named)
    answer: Answer = _share(str(place.path), version, key, call)
    return _shown(place, answer)


def cards() -> list[Card]:
    """Describe every run, the one that was started last first, and unreadable ones last."""
    found = [card for run in runs.list_runs() if (card := _card(run))]
    return sorted(found, key=_started, reverse=True)


def _started(card: Card) -> str:
    return card.manifest.created if card.manifest else ""


def _asked(
    place: Workplace[Any],
    question: Callable[..., Answer],
    arguments: tuple[Any, ...],
    named: dict[str, Any],
) -> tuple[str, str, Callable[[], Answer]]:
    """Return what tells a question apart, the content version it is asked of, and how to ask."""
    if access.masked():
        names = _texts(place)
        arguments = tuple(_unasked(one, names) for one in arguments)
        named = {name: _unasked(one, names) for name, one in named.items()}
    key = repr((question.__module__, question.__qualname__, arguments, sorted(named.items())))
    return key, manifest(place).content_version, partial(question, place, *arguments, **named)


def _shown(place: Workplace[Any], answer: Answer) -> Answer:
    """Return an answer as it may be shown."""
    return without_texts(answer, _texts(place)) if access.masked() else answer


def _unasked(argument: Any, names: frozenset[str]) -> Any:
    """Return an argument of a question as far as it asks nothing about texts.

    Raises:
        ConfigError: it is the name of a column that may hold texts.
    """
    if isinstance(argument, ExampleQuery):
        return query_without_texts(argument, names)
    if isinstance(argument, str) and argument in names:
        raise ConfigError(f"Column {argument!r} may hold texts, which are masked; choose another.")
    return argument


def _texts(place: Workplace[Any]) -> frozenset[str]:
    """Return the names under which answers about a place hold texts."""
    run: Run = place if isinstance(place, Run) else place.run
    if not run.examples_file.exists():
        return TEXTS
    version = manifest(run).content_version
    found: frozenset[str] = _ask(str(run.path), version, "texts", partial(text_columns, run))
    return found


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
