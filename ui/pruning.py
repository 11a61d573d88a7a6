"""What to drop, what that does to every class, and the export of the rest."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import streamlit as st

from influence_core.progress import Event, Progress
from influence_core.report import charts
from influence_core.selection.retention import class_entropy, retention_of
from influence_core.selection.select import WITHOUT_SCORE, Selection, SelectionSettings, select
from influence_core.store import export as exports
from influence_core.store.columns import catalogue
from influence_core.store.export import ExportManifest
from influence_core.store.formats import Format
from influence_core.store.run import Run
from ui import forms, plots, queries
from ui.shell import NORMS, Lens
from ui.wording import age, count, counted, percent, plain

if TYPE_CHECKING:
    import pandas as pd

GROUPS_DRAWN = 25
DOWNLOAD_BYTES = 200 * 2**20
"""Size up to which an export is offered as a download; larger ones are taken from the disk."""

EXPORTS_LISTED = 8

FORMATS = {
    "jsonl": "JSON Lines",
    "csv": "CSV",
    "parquet": "Parquet",
    "datasets": "datasets folder",
}

_BASIC = ("strategy", "prune", "per_class", "floor")
_BY_LENS = ("score", "normalise")


def settings(view: Lens) -> SelectionSettings:
    """Draw the settings of the selection; score and normalisation are those in view."""
    fraction = st.slider(
        "Share of the training rows to drop",
        0,
        95,
        round(100 * SelectionSettings.model_fields["fraction"].default),
        format="%d%%",
        key="prune.fraction",
        persist_state="session",
    )
    values: dict[str, Any] = {}
    for place, name in zip(
        st.columns(len(_BASIC), vertical_alignment="bottom"), _BASIC, strict=True
    ):
        with place:
            values[name] = forms.field(SelectionSettings, name, "prune")
    with st.expander("Wrong labels first, and the seed", icon=":material/tune:"):
        shown = {"fraction", *_BASIC, *_BY_LENS}
        others = [name for name in SelectionSettings.model_fields if name not in shown]
        for place, name in zip(st.columns(len(others)), others, strict=True):
            with place:
                values[name] = forms.field(SelectionSettings, name, "prune")
    made = forms.build(
        SelectionSettings,
        {"fraction": fraction / 100, "score": view.score, "normalise": view.norm, **values},
    )
    _say_what_decides(view, made)
    return made


def preview(view: Lens, wanted: SelectionSettings) -> Selection:
    """Draw what every class keeps and loses; return the selection."""
    chosen = queries.ask(view.run, select, wanted)
    groupable = [name.name for name in queries.ask(view.run, catalogue).columns if name.groupable]
    inputs = [name for name in groupable if name not in _computed(view.run)]
    st.subheader("What does every class lose?", anchor=False)
    by = st.selectbox(
        "Group by",
        inputs,
        index=inputs.index("label") if "label" in inputs else 0,
        key="prune.by",
        persist_state="session",
        width=260,
    )
    table = queries.ask(view.run, kept_by, wanted, by)
    _figures(chosen, table)
    shown = table.head(GROUPS_DRAWN)
    frame = shown.rename(columns={"value": "label", "kept": "after"})
    plots.draw(charts.balance(frame), "balance")
    st.caption(f"{len(shown)} of {counted(len(table), 'group')}, the largest first.")
    with st.expander("All groups in figures"):
        _table(table, by)
    return chosen


def kept_by(run: Run, wanted: SelectionSettings, column: str) -> pd.DataFrame:
    """Return the retention of a selection by one column."""
    return retention_of(run, select(run, wanted).kept, column)


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
    if act.button("Export", type="primary", icon=":material/download:", width="stretch"):
        _write(view.run, chosen, folder, format_)
    _written(view.run)


def _computed(run: Run) -> set[str]:
    """Return columns that lie outside the examples: a selection is not told by them."""
    columns = queries.ask(run, catalogue).columns
    return {column.name for column in columns if column.table != "examples"} | {"split"}


def _say_what_decides(view: Lens, made: SelectionSettings) -> None:
    if made.strategy in WITHOUT_SCORE:
        st.caption("No score decides: rows are drawn at random.")
        return
    st.caption(
        f"{view.spec.label} {NORMS[view.norm]} decides, as chosen on the left; "
        f"{made.prune if made.prune != 'both' else 'easy and hard'} rows go."
    )


def _figures(chosen: Selection, table: pd.DataFrame) -> None:
    rows = len(chosen.kept) + len(chosen.dropped)
    before, after = class_entropy(table["before"]), class_entropy(table["kept"])
    emptied = int((table["kept"] == 0).sum())
    kept, dropped, gone, balance = st.columns(4)
    kept.metric(
        "Kept", count(len(chosen.kept)), f"of {count(rows)}", delta_arrow="off", delta_color="off"
    )
    dropped.metric(
        "Removed",
        count(len(chosen.dropped)),
        percent(len(chosen.dropped) / max(rows, 1)),
        delta_arrow="off",
        delta_color="off",
    )
    gone.metric("Groups left empty", count(emptied))
    balance.metric(
        "Balance",
        f"{after:.2f} bits",
        f"{round(after - before, 2) + 0:+.2f}",
        help="Entropy of the groups' shares. Higher is more even.",
    )
    if emptied:
        st.warning(
            f"{counted(emptied, 'group')} would lose every row. Raise the floor, or drop the same "
            "share of each class.",
            icon=":material/warning:",
        )
    if chosen.unscored:
        st.caption(f"{counted(chosen.unscored, 'row')} without a score count as average.")


def _table(table: pd.DataFrame, by: str) -> None:
    import pandas as pd

    worded = pd.DataFrame(
        {
            by: table["value"].map(str),
            "Before": table["before"].map(count),
            "Kept": table["kept"].map(count),
            "Removed": table["lost"].map(count),
            "Kept share": table["kept_share"].map(percent),
            "Share of data before": table["share_before"].map(percent),
            "after": table["share_after"].map(percent),
        }
    )
    st.dataframe(worded, hide_index=True, height=min(len(worded), 12) * 35 + 38)


def _name_key(chosen: Selection) -> str:
    return f"prune.name {chosen.settings!r}"


def _suggest(made: SelectionSettings) -> str:
    what = made.strategy if made.strategy in WITHOUT_SCORE else f"{made.score}-{made.prune}"
    return f"{what}-{round(100 * made.fraction)}"


def _folder(run: Run, name: str) -> Path:
    """Return where an export of that name lies, inside the run whatever was typed."""
    return run.path / "exports" / (re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "export")


def _write(run: Run, chosen: Selection, name: str, format_: Format) -> None:
    folder = _folder(run, name)
    bar = st.progress(0.0, text="Writing")

    def listen(event: Event) -> None:
        bar.progress(min(event.done / max(event.total, 1), 1.0), text="Writing")

    try:
        exports.export(
            run,
            np.asarray(chosen.kept),
            folder,
            format_,
            settings=chosen.settings,
            command=exports.command_line(run, folder, format_, chosen.settings),
            overwrite=True,
            progress=Progress(listen),
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
