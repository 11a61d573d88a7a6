"""Exports that were written: what lies in them, whether it is unchanged, and what two share."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import streamlit as st

from influence_core.selection.overlap import Overlap, overlap
from influence_core.store.export import DATASHEET, Export
from influence_core.store.exported import files, kept_ids, open_export, verify, written_exports
from influence_core.store.run import Run
from ui import access
from ui.exporting import FORMATS, just_written
from ui.wording import age, count, counted, percent, plain, size

DOWNLOAD_BYTES = 200 * 2**20
"""Size up to which an export is offered as a download; larger ones are taken from the disk."""

EXPORTS_LISTED = 8

CONDITIONS = {
    "intact": "unchanged",
    "changed": "changed since",
    "missing": "gone",
    "added": "not of the export",
}

_CHECKED = "export_checked"


def listing(run: Run) -> None:
    """Draw the exports of the run, the newest first, and what two of them share."""
    found = written_exports(run)
    written = just_written()
    for export in (one for one in found if one.folder == written):
        st.success("Written, and yours to take.", icon=":material/check_circle:")
        _export(export)
    before = [one for one in found if one.folder != written]
    if not before:
        return
    st.subheader("What was written before?", anchor=False)
    for export in before[:EXPORTS_LISTED]:
        _export(export)
    if len(before) > EXPORTS_LISTED:
        older = counted(len(before) - EXPORTS_LISTED, "older export")
        st.caption(f"{older} more in {plain(run.path / 'exports')}")
    if len(found) > 1:
        _compare(found)


def _export(export: Export) -> None:
    """Draw one export: what it is, its download, and what lies in it."""
    made, folder = export.manifest, export.folder
    with st.container(border=True):
        told, button = st.columns([4, 1], vertical_alignment="center")
        with told:
            kept, before = sum(made.train_after.values()), sum(made.train_before.values())
            st.markdown(
                f"**{plain(folder.name)}** :gray[{FORMATS[made.format]}, {count(kept)} of "
                f"{counted(before, 'training row')}, {age(made.created)}]"
            )
        with button:
            _download(export)
        contents = st.expander(
            "Contents",
            icon=":material/folder_open:",
            key=f"contents {folder.name}",
            on_change="rerun",
        )
        if contents.open:
            with contents:
                _contents(export)


def offer(export: Export) -> None:
    """Draw the download of an export as what one came for."""
    _download(export, "primary")


def _download(export: Export, look: Literal["primary", "secondary"] = "secondary") -> None:
    bytes_ = sum(one.size or 0 for one in files(export))
    if access.masked():
        st.caption("Texts are masked, and it holds them.")
    elif bytes_ > DOWNLOAD_BYTES:
        st.caption(f"{size(bytes_)}: take it from the disk.")
    else:
        st.download_button(
            "Download",
            data=lambda: _zipped(export.folder),
            file_name=f"{export.manifest.run}-{export.folder.name}.zip",
            mime="application/zip",
            type=look,
            icon=":material/download:",
            key=f"download {look} {_key(export)}",
            on_click="ignore",
            width="stretch",
        )


def _contents(export: Export) -> None:
    """Draw the files of an export, with what became of them once they are checked."""
    import pandas as pd

    checked = st.session_state.get(_CHECKED, {}).get(_key(export), {})
    listed = files(export)
    known = {one.name: "" for one in listed} | {
        name: CONDITIONS[one] for name, one in checked.items()
    }
    sizes = {one.name: "–" if one.size is None else size(one.size) for one in listed}
    frame = pd.DataFrame(
        {
            "File": list(known),
            "Size": [sizes.get(name, "") for name in known],
            "State": list(known.values()),
            "SHA-256": [export.manifest.files.get(name, "") for name in known],
        }
    )
    st.code(str(export.folder), language=None, wrap_lines=True)
    st.dataframe(frame if checked else frame.drop(columns="State"), hide_index=True)
    st.button(
        "Check the files",
        icon=":material/verified:",
        key=f"check {_key(export)}",
        on_click=_check,
        args=(export,),
        help="Reads every file again and compares its hash with the manifest's.",
    )
    if checked:
        _say_condition(list(checked.values()))
    _documents(export)


def _say_condition(found: list[str]) -> None:
    bad = [one for one in found if one != "intact"]
    if bad:
        st.warning(
            f"{counted(len(bad), 'file differs', 'files differ')} from the manifest.",
            icon=":material/error:",
        )
    else:
        st.success("Every file is as it was written.", icon=":material/verified:")


def _documents(export: Export) -> None:
    """Draw the datasheet and the command that repeats the export."""
    if export.manifest.command:
        st.caption("The command that repeats it")
        st.code(export.manifest.command, language="bash", wrap_lines=True)
    sheet = export.folder / DATASHEET
    if sheet.exists():
        st.caption("Datasheet")
        if access.masked():
            st.caption("Texts are masked, and it may quote the data.")
            return
        text = sheet.read_text(encoding="utf-8", errors="replace")
        st.code(text, language="markdown", wrap_lines=True, height=320)


def _check(export: Export) -> None:
    checked = st.session_state.setdefault(_CHECKED, {})
    checked[_key(export)] = verify(open_export(export.folder))


def _key(export: Export) -> str:
    return f"{export.folder} {export.manifest.created}"


def _compare(found: list[Export]) -> None:
    """Draw two pickers of exports and how many kept rows both have."""
    by_name = {one.folder.name: one for one in found}
    title = "Which rows do two of them share?"
    with st.expander(title, icon=":material/join_inner:", key="export.shared", on_change="rerun"):
        left, right = st.columns(2)
        names = list(by_name)
        first = left.selectbox("First", names, key="export.first")
        others = [name for name in names if name != first]
        second = right.selectbox("Second", others, index=None, placeholder="choose one")
        if second is not None:
            with st.spinner("Reading both"):
                shared = _shared(by_name[first], by_name[second])
            _say_shared(shared)


def _shared(first: Export, second: Export) -> Overlap:
    return _overlap(_key(first), _key(second), first, second)


@st.cache_data(show_spinner=False, max_entries=20)
def _overlap(first: str, second: str, _first: Export, _second: Export) -> Overlap:
    rows = sum(_first.manifest.train_before.values())
    return overlap(rows, np.array(kept_ids(_first), str), np.array(kept_ids(_second), str))


def _say_shared(found: Overlap) -> None:
    both, one, other, jaccard = st.columns(4)
    both.metric("Kept by both", count(found.both))
    one.metric("Only by the first", count(found.only_first))
    other.metric("Only by the second", count(found.only_second))
    by_chance = found.chance
    jaccard.metric(
        "Jaccard",
        f"{found.jaccard:.2f}",
        f"{by_chance.mean:.2f} by chance",
        delta_arrow="off",
        delta_color="off",
        help="Rows kept by both as a share of those kept by either. Random sets of these sizes "
        f"have {by_chance.low:.3f} to {by_chance.high:.3f} in 95% of cases.",
    )
    share = percent(found.both / max(found.both + found.only_first, 1), 0)
    st.caption(f"{share} of the training rows of the first are in the second.")


def _zipped(folder: Path) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path(folder.name) / path.relative_to(folder))
    return packed.getvalue()
