"""The export of a curated set: written into the run's folder, with the command that repeats it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import streamlit as st

from influence_core.exporting import Place, curated_command, export_curated
from influence_core.progress import Event, Progress
from influence_core.selection.curate import Curated
from influence_core.selection.select import WITHOUT_SCORE, SelectionSettings
from influence_core.store.export import Export
from influence_core.store.exported import exports_folder, files, written_exports
from influence_core.store.formats import Format
from influence_core.store.run import Run
from ui import access
from ui.curating import Draft
from ui.shell import Lens

FORMATS = {
    "jsonl": "JSON Lines",
    "csv": "CSV",
    "parquet": "Parquet",
    "datasets": "datasets folder",
}

_LONGEST = 60

_LONGEST_FOLDER = 200
"""Letters of a folder's name, each one byte: file systems take 255, and need some beside it."""

_SAID = "export_written"


Offer = Callable[[Export], None]
"""Draws the download of an export as what one came for."""


def take_away(view: Lens, wanted: Draft, curated: Curated, offer: Offer) -> None:
    """Draw the form that writes the export, and the command that does the same.

    Where just that was written already, `offer` draws its download in place of the button.
    """
    st.subheader("Take it away", anchor=False)
    name, kind, act = st.columns([2, 1.4, 1], vertical_alignment="bottom")
    told, again = st.columns([3.4, 1])
    typed = name.text_input(
        "Folder, inside the run's own", value=_suggest(wanted), key=f"prune.name {wanted!r}"
    )
    format_ = kind.selectbox(
        "Format",
        list(get_args(Format)),
        format_func=lambda key: FORMATS.get(key, key),
        key="prune.format",
        persist_state="session",
    )
    folder = _folder(view.run, typed)
    there = folder.exists()
    place = Place(folder, format_, overwrite=there)
    command = curated_command(view.run, curated, place, wanted.reviews)
    written = _same(view.run, folder, command)
    if written is not None:
        with act:
            offer(written)
    if (again if written else act).button(
        "Replace" if there else "Export",
        type="secondary" if written else "primary",
        icon=":material/save:",
        width="stretch",
        **access.locked(),
    ):
        _write(view.run, curated, place, wanted.reviews)
    told.caption(
        "The folder will hold the kept rows of all splits, the removed rows with their scores, a "
        "datasheet that tells people how the set came about, and a manifest with the hash of "
        "every file. Texts are in its column `text`, labels in `label`."
        + (" It takes the place of the export of that name." if there and not written else "")
    )
    with st.expander("The same on the command line", icon=":material/terminal:"):
        st.code(command, language="bash", wrap_lines=True)


def just_written() -> Path | None:
    """Return the folder of the export that was written a moment ago; of each once."""
    said: Path | None = st.session_state.pop(_SAID, None)
    return said


def _suggest(wanted: Draft) -> str:
    """Suggest a name that tells one draft from another."""
    made, named = wanted.settings, wanted.curation
    parts = [*_names(named.only_selection), *_strategy(made)] or ["all"]
    for word, selections in (("with", named.keep_selection), ("without", named.drop_selection)):
        parts += [word, *_names(selections)] if selections else []
    return "-".join(parts)[:_LONGEST]


def _strategy(made: SelectionSettings) -> list[str]:
    if not made.fraction:
        return []
    share = str(round(100 * made.fraction))
    clipped = ["clipped"] if made.clip_suspicious else []
    if made.strategy in WITHOUT_SCORE:
        return [made.strategy, share, *clipped]
    return [
        str(made.score),
        *(() if made.normalise == "raw" else (made.normalise,)),
        made.prune,
        share,
        *clipped,
    ]


def _names(selections: tuple[str, ...]) -> list[str]:
    return [one.partition("@")[0] for one in selections]


def _folder(run: Run, name: str) -> Path:
    """Return where an export of that name lies, inside the run whatever was typed."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")
    return exports_folder(run) / (safe[:_LONGEST_FOLDER].rstrip("-._") or "export")


def _same(run: Run, folder: Path, command: str) -> Export | None:
    """Return the export in a folder if it is what the command would write there now."""
    version = run.manifest().content_version
    found = [one for one in written_exports(run) if one.folder == folder]
    same = (one for one in found if one.manifest.command == command and _whole(one))
    return next((one for one in same if one.manifest.content_version == version), None)


def _whole(export: Export) -> bool:
    """Whether all files of an export are there."""
    return all(file.size is not None for file in files(export))


def _write(run: Run, curated: Curated, place: Place, reviews: int | None) -> None:
    bar = st.progress(0.0, text="Writing")

    def listen(event: Event) -> None:
        bar.progress(min(event.done / max(event.total, 1), 1.0), text="Writing")

    try:
        export_curated(run, curated, place, review_version=reviews, progress=Progress(listen))
    finally:
        bar.empty()
    st.session_state[_SAID] = Path(place.destination)
    st.rerun()
