"""The export of a selection: written into the run's folder, listed, and offered as a download."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import get_args

import numpy as np
import streamlit as st

from influence_core.exporting import export
from influence_core.progress import Event, Progress
from influence_core.selection.select import WITHOUT_SCORE, Selection, SelectionSettings
from influence_core.store import export as exports
from influence_core.store.export import ExportManifest
from influence_core.store.formats import Format
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from ui.reviewing import changes
from ui.shell import Lens
from ui.wording import age, count, counted, plain

DOWNLOAD_BYTES = 200 * 2**20
"""Size up to which an export is offered as a download; larger ones are taken from the disk."""

EXPORTS_LISTED = 8

FORMATS = {
    "jsonl": "JSON Lines",
    "csv": "CSV",
    "parquet": "Parquet",
    "datasets": "datasets folder",
}


def take_away(view: Lens, chosen: Selection) -> None:
    """Draw the form that writes the export, and the exports that were written."""
    st.subheader("Take it away", anchor=False)
    name, kind, act = st.columns([2, 1.4, 1], vertical_alignment="bottom")
    folder = name.text_input(
        "Folder, inside the run's own", value=_suggest(chosen.settings), key=_name_key(chosen)
    )
    format_ = kind.selectbox(
        "Format",
        list(get_args(Format)),
        format_func=lambda key: FORMATS.get(key, key),
        key="prune.format",
        persist_state="session",
    )
    reviews = _reviews(view.run)
    if act.button("Export", type="primary", icon=":material/download:", width="stretch"):
        _write(view.run, chosen, folder, format_, reviews)
    _written(view.run)


def _reviews(run: Run) -> int | None:
    """Draw the switch that applies what reviewers decided; return up to which version."""
    reviews = Reviews(run)
    version = reviews.version()
    told = changes(reviews.standing(version).values())
    if not told:
        return None
    applied = st.toggle(
        f"Apply what reviewers decided ({told})",
        value=True,
        key="prune.reviews",
        persist_state="session",
        help="Relabelled rows carry their new label. Dropped rows leave beside those of the "
        "selection. Two columns tell what was decided and what the label was.",
    )
    return version if applied else None


def _name_key(chosen: Selection) -> str:
    return f"prune.name {chosen.settings!r}"


def _suggest(made: SelectionSettings) -> str:
    share = round(100 * made.fraction)
    if made.strategy in WITHOUT_SCORE:
        return f"{made.strategy}-{share}"
    parts = [made.score, *(() if made.normalise == "raw" else (made.normalise,)), made.prune]
    return "-".join([*map(str, parts), str(share)])


def _folder(run: Run, name: str) -> Path:
    """Return where an export of that name lies, inside the run whatever was typed."""
    return run.path / "exports" / (re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "export")


def _write(run: Run, chosen: Selection, name: str, format_: Format, reviews: int | None) -> None:
    folder = _folder(run, name)
    bar = st.progress(0.0, text="Writing")

    def listen(event: Event) -> None:
        bar.progress(min(event.done / max(event.total, 1), 1.0), text="Writing")

    try:
        export(
            run,
            np.asarray(chosen.kept),
            folder,
            format_,
            settings=chosen.settings,
            command=exports.command_line(
                run, folder, format_, chosen.settings, review_version=reviews
            ),
            overwrite=True,
            progress=Progress(listen),
            review_version=reviews,
        )
    finally:
        bar.empty()
    st.success(
        "Written: kept rows, removed rows with their scores, manifest.",
        icon=":material/check_circle:",
    )


def _written(run: Run) -> None:
    """List the exports of the run, the newest first."""
    manifests = sorted(
        (run.path / "exports").glob(f"*/{exports.MANIFEST}"),
        key=lambda path: -path.stat().st_mtime,
    )
    for path in manifests[:EXPORTS_LISTED]:
        _line(path.parent, ExportManifest.model_validate_json(path.read_bytes()))


def _line(folder: Path, made: ExportManifest) -> None:
    with st.container(border=True):
        told, button = st.columns([4, 1], vertical_alignment="center")
        with told:
            kept, before = sum(made.train_after.values()), sum(made.train_before.values())
            st.markdown(
                f"**{plain(folder.name)}** :gray[{FORMATS[made.format]}, {count(kept)} of "
                f"{counted(before, 'training row')}, {age(made.created)}]"
            )
            st.code(str(folder), language=None, wrap_lines=True)
        with button:
            if _size(folder) <= DOWNLOAD_BYTES:
                st.download_button(
                    "Download",
                    data=lambda: _zipped(folder),
                    file_name=f"{made.run}-{folder.name}.zip",
                    mime="application/zip",
                    icon=":material/download:",
                    key=f"download {folder.name} {made.created}",
                    on_click="ignore",
                    width="stretch",
                )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _zipped(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path(folder.name) / path.relative_to(folder))
    return packed.getvalue()
