"""The hardest and the easiest rows of a score, as a file."""

from __future__ import annotations

from typing import Any

import streamlit as st

from influence_core.scores.registry import specs_of
from influence_core.store.copying import FORMATS
from influence_core.store.formats import Format
from influence_core.store.run import Run
from influence_core.store.tails import TailSettings, tail_bytes, tails, tails_command
from ui import access, exporting
from ui.shell import NORMS, Lens
from ui.wording import counted, glosses

MOST_ROWS = 200_000
"""Rows that a file may have to be offered as a download; more are written by the command."""

ENDS = {"both": "Both ends", "hardest": "The hardest", "easiest": "The easiest"}


def form(view: Lens) -> None:
    """Draw what is to be listed, its download, and the command that writes the same."""
    with st.expander(
        "Only the hardest or the easiest rows, as a file", icon=":material/swap_vert:"
    ):
        _form(view)


def _form(view: Lens) -> None:
    st.caption(
        "A table of the rows at the ends of a score, with every column of the data, what the "
        "model predicts, the score and its rank. Nothing is removed."
    )
    settings, format_ = _settings(view)
    suffix = next(one for one, kind in FORMATS.items() if kind == format_)
    name = "-".join(map(str, (view.run.name, settings.score, settings.normalise, settings.end)))
    rows = _rows(view, settings)
    told, act = st.columns([3, 1], vertical_alignment="center")
    told.code(
        tails_command(view.run, f"{name}{suffix}", settings), language="bash", wrap_lines=True
    )
    with act:
        _download(view.run, settings, format_, f"{name}{suffix}", rows)


def _settings(view: Lens) -> tuple[TailSettings, Format]:
    """Draw the form; the score is the one in view until another is chosen."""
    entries = specs_of(view.manifest)
    shared: dict[str, Any] = {"persist_state": "session"}
    score, norm, end = st.columns(3)
    key = score.selectbox(
        "Score",
        list(entries),
        index=list(entries).index(view.score),
        format_func=lambda one: entries[one].label,
        key=f"tails.score {view.run.name} {view.score}",
        help=glosses(entries.values()),
    )
    compared = norm.selectbox(
        "Compared", list(NORMS), format_func=NORMS.get, key="tails.norm", **shared
    )
    side = end.selectbox("End", list(ENDS), format_func=ENDS.get, key="tails.end", **shared)
    number, each, kind = st.columns(3, vertical_alignment="bottom")
    rows = number.number_input(
        "Rows of each end", 1, MOST_ROWS, 100, step=50, key="tails.number", **shared
    )
    per_class = each.toggle("As many of every class", key="tails.per_class", **shared)
    format_ = kind.selectbox(
        "Format",
        list(FORMATS.values()),
        format_func=lambda one: exporting.FORMATS[one],
        key="tails.format",
        **shared,
    )
    wanted = TailSettings(score=key, normalise=compared, end=side, number=rows, per_class=per_class)
    return wanted, format_


def _rows(view: Lens, settings: TailSettings) -> int:
    """Return how many rows the table has at most."""
    sizes = view.manifest.dataset.class_counts.values() if view.manifest.dataset else ()
    groups = sizes if settings.per_class else (sum(sizes),)
    return len(settings.ends) * sum(min(settings.number, rows) for rows in groups)


def _download(run: Run, settings: TailSettings, format_: Format, name: str, rows: int) -> None:
    if access.masked():
        st.caption("Texts are masked, and the table holds them.")
    elif rows > MOST_ROWS:
        st.caption(f"{counted(rows, 'row')}: use the command.")
    else:
        st.download_button(
            f"Download {counted(rows, 'row')}",
            data=lambda: tail_bytes(tails(run, settings), format_),
            file_name=name,
            mime="application/octet-stream",
            icon=":material/download:",
            key="tails.download",
            on_click="ignore",
            width="stretch",
        )
