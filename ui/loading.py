"""Loading what was computed elsewhere: scores, training dynamics, probabilities, checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from influence_core import pipeline
from influence_core.config import DataSettings, ImportSettings, RunSettings
from influence_core.errors import DataError, InfluenceError
from influence_core.exchange.importing import for_import
from influence_core.exchange.trial import Trial, columns_of, try_out
from influence_core.progress import Event, Progress
from influence_core.store import uploads
from influence_core.store.names import named, placed
from influence_core.store.run import Finding
from ui import checkpoints, findings, forms, source, starting
from ui.wording import count, figure

WAYS = {
    "upload": "Upload files",
    "path": "Name a file or folder",
    "checkpoints": "Name checkpoints",
}
"""Where what was computed elsewhere lies."""

TYPES = [*source.TYPES, "npy"]

_BY_ORDER = ""
_IDS = {None: "found by themselves", _BY_ORDER: "none: by row order"}
_ENDS = {"high": "high values", "low": "low values"}


def form() -> None:
    """Draw the form of a run that trains nothing."""
    seen = _texts()
    st.subheader("2. What was computed elsewhere?", anchor=False)
    way = st.segmented_control(
        "Where is it?",
        list(WAYS),
        format_func=WAYS.get,
        default="upload",
        required=True,
        key="load_way",
        persist_state="session",
    )
    if way == "checkpoints":
        checkpoints.form(seen)
        return
    path = _uploaded() if way == "upload" else _path()
    if seen is None or path is None:
        st.caption(
            "The texts, and one of: a table with a column a score; a folder of training dynamics "
            "as cartography writes them; class probabilities, a table or .npy. Rows are joined by "
            "id, else by their order, and everything is checked before you load it."
        )
        return
    _fit(seen, path)


def _texts() -> DataSettings | None:
    """Draw which texts were scored."""
    way = st.segmented_control(
        "Which texts were scored?",
        list(source.TEXTS),
        format_func=source.TEXTS.get,
        default="upload",
        required=True,
        key="load_texts",
        persist_state="session",
    )
    picked = source.pick(str(way))
    seen = source.look(picked) if picked else None
    return seen.settings if seen else None


def _uploaded() -> str | None:
    files = st.file_uploader(
        "Scores, probabilities, or all epochs of the training dynamics",
        type=TYPES,
        accept_multiple_files=True,
        key="load_upload",
    )
    if files:
        known: dict[Any, Path] = st.session_state.setdefault("kept_scores", {})
        key = tuple(file.file_id for file in files)
        if key not in known:
            uploads.forget_uploads()
            known[key] = uploads.save_together([(file.name, file) for file in files])
        st.session_state["uploaded_scores"] = str(known[key])
    return st.session_state.get("uploaded_scores")


def _path() -> str | None:
    typed = st.text_input(
        "Path",
        placeholder="scores.csv, probabilities.npy, or a folder with training_dynamics/",
        key="load_path",
        persist_state="session",
        help="A path of the machine that serves this page.",
    ).strip()
    return str(placed(typed)) if typed else None


def _fit(texts: DataSettings, path: str) -> None:
    """Try the import out, draw what came of it, and offer to start it."""
    st.subheader("3. Do they fit together?", anchor=False)
    options = _options(path)
    low = st.session_state.get(f"load.low {path}", [])
    hard = ("high", *(f"{column}=low" for column in low))
    settings = for_import(
        texts, forms.build(ImportSettings, {"path": path, "hard": hard, **options})
    )
    ready = _tried(settings, path)
    key = f"load name {texts.source} {path}"
    starting.offer(key, settings, ready, pipeline.free_name(settings.data))


def _options(path: str) -> dict[str, Any]:
    """Draw how the files are read and joined."""
    columns = _columns(path, source.stamp(path))
    with st.expander("How are they read and joined?", icon=":material/tune:"):
        left, right = st.columns(2)
        with left:
            values = forms.fields(ImportSettings, ("kind",), "load")
            values["partial"] = st.toggle(
                "Allow rows without a score, and scores of unknown ids",
                key="load.partial",
                persist_state="session",
                help=ImportSettings.model_fields["partial"].description,
            )
        values["score_id"] = right.selectbox(
            "Ids",
            [None, _BY_ORDER, *columns],
            format_func=lambda name: _IDS.get(name, name),
            key=f"load.score_id {path}",
            help=ImportSettings.model_fields["score_id"].description,
        )
        chosen = right.multiselect(
            "Columns",
            columns,
            placeholder="all numeric ones",
            key=f"load.scores {path}",
            help=ImportSettings.model_fields["scores"].description,
        )
    return {**values, "scores": tuple(chosen)}


def _tried(settings: RunSettings, path: str) -> bool:
    """Draw what the import would bring; say whether it may start."""
    stamp = (source.stamp(*named(settings.data.source)), source.stamp(path))
    size = sum(length for part in stamp for _, length in part)
    key = f"tried {settings.model_dump_json()} {stamp}"
    if size > source.CHECKED_AT_ONCE and not st.session_state.get(key):
        st.caption("The files are checked before anything is written. That can be done now, too.")
        st.session_state[key] = st.button("Check now", icon=":material/fact_check:")
        if not st.session_state[key]:
            return True
    trial, listed = _try(settings.model_dump_json(), stamp)
    if trial is not None:
        _matched(trial)
        _scores(trial, path)
    findings.report(listed)
    return trial is not None


def _matched(trial: Trial) -> None:
    train = trial.dataset.splits.get("train", 0)
    figures = {
        "Texts": trial.dataset.rows,
        "Training rows": train,
        "With scores": train - trial.unmatched,
        "Without": trial.unmatched,
    }
    for place, (name, number) in zip(st.columns(len(figures)), figures.items(), strict=True):
        place.metric(name, count(number))


def _scores(trial: Trial, path: str) -> None:
    """Draw the scores and their ranges, and which end of those of their own is hard."""
    rows = [
        {
            "Score": score.label,
            "Rows": count(score.rows),
            "Lowest": figure(score.lowest),
            "Median": figure(score.median),
            "Highest": figure(score.highest),
            "Hard are": _ENDS[score.hard],
        }
        for score in trial.scores
    ]
    st.dataframe(rows, hide_index=True, height="content")
    if trial.custom:
        st.multiselect(
            "In which of these are low values the hard examples?",
            [score.column for score in trial.custom],
            placeholder="in none: high is hard",
            key=f"load.low {path}",
            help=ImportSettings.model_fields["hard"].description,
        )


@st.cache_data(show_spinner=False, max_entries=20)
def _columns(path: str, stamp: Any) -> list[str]:
    """Return the columns of a table; what else lies there has none."""
    try:
        return list(columns_of(path))
    except InfluenceError:
        return []


@st.cache_data(show_spinner=False, max_entries=10)
def _try(settings: str, stamp: Any) -> tuple[Trial | None, tuple[Finding, ...]]:
    """Do the import in a folder that is thrown away."""
    bar = st.progress(0.0, text="Trying it out")

    def listen(event: Event) -> None:
        bar.progress(min(event.done / max(event.total, 1), 1.0), text="Trying it out")

    try:
        trial = try_out(RunSettings.model_validate_json(settings), Progress(listen))
    except DataError as error:
        return None, findings.of(error)
    finally:
        bar.empty()
    return trial, trial.dataset.findings
