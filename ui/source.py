"""Where the data of a new run comes from, a first look at it, and the check of all its rows."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import streamlit as st

from influence_core.config import BUILTIN_SOURCE, DataSettings
from influence_core.data.inspection import Inspection, inspect
from influence_core.data.loading import load
from influence_core.errors import DataError
from influence_core.progress import Event, Progress
from influence_core.store import uploads
from influence_core.store.names import named, placed
from influence_core.store.run import DatasetSummary, Finding, Run
from ui import access, findings, forms, state
from ui.wording import counted, short

WAYS = {
    "upload": "Upload a file",
    "name": "Name a source",
    "builtin": "Built-in data",
    "load": "Load scores",
}
"""How a run comes about; the last takes what was computed elsewhere, the others train."""

TEXTS = {way: label for way, label in WAYS.items() if way != "load"}
"""Where texts can come from."""

TYPES = ["csv", "tsv", "jsonl", "ndjson", "json", "parquet", "conll", "bio", "iob", "iob2"]

ROLES = {
    "text": "Text",
    "text_pair": "Second text",
    "label": "Label",
    "id": "Id",
    "split": "Split",
}
"""The columns a run reads, as they are asked for."""

CHECKED_AT_ONCE = 64 * 2**20
"""Bytes up to which all rows are checked without being asked."""

ENTRIES_LOOKED_AT = 1_000
"""Entries of a folder whose change is seen at once."""

_NOBODY = "(none)"

Stamp = tuple[tuple[float, int], ...]
"""Times and sizes of files."""


def choose_way() -> str:
    """Draw the ways in which a run can come about and return the one that was chosen."""
    state.settle("way", list(WAYS))
    way: str = st.segmented_control(
        "What do you have?",
        list(WAYS),
        format_func=WAYS.get,
        required=True,
        key="way",
        persist_state="session",
    )
    return way


def pick(way: str) -> DataSettings | None:
    """Draw one of the ways to name a source and return the settings that name it."""
    if way == "upload":
        return _upload()
    return _named() if way == "name" else _builtin()


def fill(data: DataSettings) -> None:
    """Let the pickers name the source of an earlier run."""
    state.put("way", "builtin" if data.source == BUILTIN_SOURCE else "name")
    if data.source == BUILTIN_SOURCE:
        st.session_state["source_language"] = data.language
    else:
        st.session_state["source_name"] = data.source


def look(settings: DataSettings) -> Inspection | None:
    """Draw the columns of the source and its first rows; None where it cannot be read."""
    try:
        seen = _inspect(settings.model_dump_json(), stamp(*named(settings.source)))
    except DataError as error:
        findings.report(findings.of(error))
        return None
    settings = _columns(seen)
    _head(seen)
    return seen.model_copy(update={"settings": settings})


@dataclass(frozen=True)
class Checked:
    """Whether a run may start on a source, and what its rows are, if they were read."""

    ready: bool
    summary: DatasetSummary | None = None


def check(settings: DataSettings) -> Checked:
    """Check all rows, draw the report, and say whether a run may start."""
    stamped = stamp(*named(settings.source))
    size = sum(length for _, length in stamped)
    key = f"checked {settings.model_dump_json()} {stamped}"
    if size > CHECKED_AT_ONCE and not st.session_state.get(key):
        st.caption("The run checks all rows before it trains. They can be checked now, too.")
        st.session_state[key] = st.button("Check all rows now", icon=":material/fact_check:")
        if not st.session_state[key]:
            return Checked(ready=True)
    summary, listed = _check(settings.model_dump_json(), stamped)
    if summary is not None:
        findings.sizes(summary)
    findings.report(listed)
    return Checked(summary is not None, summary)


def _upload() -> DataSettings | None:
    files = st.file_uploader(
        "CSV, TSV, JSON Lines, Parquet, CoNLL or Rasa JSON; several files are read as one dataset",
        type=TYPES,
        accept_multiple_files=True,
        key="upload",
    )
    if files:
        paths = [_kept(file.file_id, file.name, file) for file in files]
        st.session_state["uploaded"] = ",".join(str(path) for path in paths)
    source = st.session_state.get("uploaded")
    return DataSettings(source=source) if source else None


def _kept(key: str, name: str, file: Any) -> Path:
    """Keep an uploaded file once; the page runs many times."""
    known: dict[str, Path] = st.session_state.setdefault("kept_uploads", {})
    if key not in known:
        uploads.forget_uploads()
        known[key] = uploads.save_upload(name, file)
    return known[key]


def _named() -> DataSettings | None:
    source = st.text_input(
        "Path or dataset id",
        placeholder="data/requests.csv, several with commas between, a folder, or user/dataset",
        key="source_name",
        persist_state="session",
        help="Paths are those of the machine that serves this page.",
    ).strip()
    with st.expander("Options of a Hub dataset"):
        more = forms.fields(DataSettings, ("config", "hub_split"), "source")
    return DataSettings(source=source, **more) if source else None


def _builtin() -> DataSettings:
    from influence_core.data.voice_assistant import languages

    st.caption(
        "Commands to a voice assistant, made from a grammar, with their domain, intent and slots. "
        "A known share of the labels is wrong on purpose."
    )
    known = languages()
    language = st.selectbox(
        "Language", known, index=known.index("en"), key="source_language", persist_state="session"
    )
    return DataSettings(source=BUILTIN_SOURCE, language=language)


def _columns(seen: Inspection) -> DataSettings:
    """Draw a picker for each role, set to the guess; return the settings with the picks."""
    names = [_NOBODY, *seen.columns]
    chosen: dict[str, str] = {}
    st.caption("Which column is which? Guessed by name and content: change what is wrong.")
    for place, (role, label) in zip(st.columns(len(ROLES)), ROLES.items(), strict=True):
        guessed = getattr(seen.settings, role)
        chosen[role] = place.selectbox(
            label,
            names,
            index=names.index(guessed) if guessed in names else 0,
            help=DataSettings.model_fields[role].description,
            key=f"column {role} {seen.settings.source} {guessed}",
        )
    picked = {role: "" if name == _NOBODY else name for role, name in chosen.items()}
    return seen.settings.model_copy(update=picked)


def _head(seen: Inspection) -> None:
    """Draw the first rows as plain text."""
    if access.masked():
        st.caption("Texts are masked: the first rows are not shown.")
        return
    import pandas as pd

    rows = [
        {name: short(value, 300) if value is not None else "" for name, value in row.items()}
        for row in seen.rows[:8]
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=list(seen.columns)),
        hide_index=True,
        height="content",
        column_config={name: st.column_config.TextColumn() for name in seen.columns},
    )
    st.caption(f"The first rows; {counted(len(seen.columns), 'column')}. All are kept.")


def stamp(*names: str) -> Stamp:
    """Return times and sizes of files, or of what lies in folders: they tell of a change.

    Of a large folder only the first of its entries are looked at, as the page is drawn often.
    """
    found = [file for name in names for file in _files(placed(name))]
    return tuple((file.st_mtime, file.st_size) for file in (path.stat() for path in found))


def _files(place: Path) -> list[Path]:
    entries = islice(place.rglob("*"), ENTRIES_LOOKED_AT) if place.is_dir() else [place]
    return sorted(path for path in entries if path.is_file())


@st.cache_data(show_spinner="Looking at the source", max_entries=20)
def _inspect(settings: str, stamp: Any) -> Inspection:
    return inspect(DataSettings.model_validate_json(settings))


@st.cache_data(show_spinner=False, max_entries=20)
def _check(settings: str, stamp: Any) -> tuple[DatasetSummary | None, tuple[Finding, ...]]:
    """Run the data stage in a folder that is thrown away."""
    bar = st.progress(0.0, text="Checking all rows")

    def listen(event: Event) -> None:
        bar.progress(event.done / max(event.total, 1), text="Checking all rows")

    try:
        with tempfile.TemporaryDirectory(prefix="influence-check-") as folder:
            run = Run(Path(folder))
            summary = load(DataSettings.model_validate_json(settings), run, Progress(listen))
    except DataError as error:
        return None, findings.of(error)
    finally:
        bar.empty()
    return summary, summary.findings
