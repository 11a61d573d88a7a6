"""Home's pieces: the runs as cards, what to do next, and what to do in an empty workspace."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from influence_core import jobs
from influence_core.config import RunSettings
from influence_core.progress import duration
from influence_core.report import tour
from influence_core.scores.registry import specs_of
from influence_core.store.run import Manifest, Run
from ui import access, queries, shell, state
from ui.queries import Card
from ui.wording import age, count, counted, percent, plain, short

COLUMNS = 3
SHOWN = 6
ERROR_LENGTH = 160

PURPOSE = "See which of your labelled texts matter, which labels look wrong, and what can go."

_HOW = (
    "A model is trained on your texts while every example is watched: how fast it is learnt, how "
    "often it is forgotten, how hard it pulls at the weights. The scores that come of it tell "
    "which examples are hard, which labels look wrong, and which rows can go. You look, decide, "
    "and take away a smaller dataset with a record of what was removed and why."
)

DEMO = "demo"

_BADGES = {
    "created": ("Not started", "gray", ":material/hourglass_empty:"),
    "queued": ("Waiting", "violet", ":material/hourglass_top:"),
    "running": ("Running", "blue", ":material/autorenew:"),
    "complete": ("Complete", "green", ":material/check_circle:"),
    "failed": ("Failed", "red", ":material/error:"),
    "cancelled": ("Cancelled", "gray", ":material/cancel:"),
    "interrupted": ("Interrupted", "orange", ":material/warning:"),
    "unreadable": ("Unreadable", "red", ":material/error:"),
}

_STEPS = (
    (
        "distributions",
        "Distributions",
        ":material/bar_chart:",
        "How are the scores spread, and which classes are hard?",
    ),
    (
        "classes",
        "Classes",
        ":material/category:",
        "Which classes are small, hard or uneven, and what would pruning take?",
    ),
    (
        "examples",
        "Examples",
        ":material/table_rows:",
        "Read the hardest and the easiest texts, and how each was learnt.",
    ),
    (
        "map",
        "Map",
        ":material/scatter_plot:",
        "Which examples are alike, and where do the hard ones lie?",
    ),
    (
        "noise",
        "Noise",
        ":material/rule:",
        "Which labels are wrong? Keep, relabel or drop, one row or many at once.",
    ),
    (
        "pruning",
        "Pruning",
        ":material/content_cut:",
        "How much can go? Train on what is left, and see with error bars.",
    ),
    (
        "nlu",
        "NLU",
        ":material/account_tree:",
        "What does pruning do to a voice assistant's domains, intents and slots?",
    ),
    (
        "compare",
        "Compare",
        ":material/compare_arrows:",
        "Which of two models is better, at what, and how sure is that?",
    ),
    (
        "export",
        "Export",
        ":material/download:",
        "Drop a share, see what every class loses, take the rest away.",
    ),
    (
        "report",
        "Report",
        ":material/description:",
        "What was found, in one file that others read in three minutes.",
    ),
    (
        "run",
        "Progress",
        ":material/timeline:",
        "How the run was made, stage by stage, and what the data check found.",
    ),
)
"""Where to go with a run: page, name, icon, and the question it answers."""


def about() -> None:
    """Say how the purpose is met."""
    st.markdown(_HOW)


def badge(status: str) -> None:
    """Draw a run's status."""
    label, colour, icon = _BADGES[status]
    st.badge(label, color=colour, icon=icon)


def welcome() -> None:
    """Say what to do in an empty workspace."""
    if access.say_only_read("There is no run here, and none can be started"):
        return
    first, second = st.columns(2, border=True)
    with first:
        st.subheader("Try it", anchor=False)
        st.write(
            "About 6,000 commands to a voice assistant, made from a grammar, with known wrong "
            "labels among them. Scored in less than a minute, without a network."
        )
        if st.button("Score the built-in data", type="primary", icon=":material/play_arrow:"):
            _start_demo()
    with second:
        st.subheader("Score your own data", anchor=False)
        st.write(
            "CSV, TSV, JSON Lines, Parquet, a dataset id of the Hub or a saved dataset folder: one "
            "column of texts and one of labels is enough."
        )
        shell.link("run", "Upload or name a source", ":material/upload:", view="new", way="upload")


def _start_demo() -> None:
    """Start a run of the built-in data with what every setting is by default, and show it."""
    jobs.start(RunSettings(), DEMO, queued=True)
    st.switch_page(shell.PAGES / "run.py", query_params=state.link(run=DEMO, view="progress"))


def next_steps(run: Run | None) -> None:
    """Draw where to go from here with the run in view."""
    if run is None:
        return
    manifest = queries.manifest(run)
    st.subheader(f"Next with {plain(run.name)}", anchor=False)
    ways(run, [step[0] for step in _STEPS if manifest.scores or step[0] == "run"])


def ways(run: Run, pages: Sequence[str], columns: int = COLUMNS) -> None:
    """Draw links to pages with a run, and the question that each of them answers."""
    steps = [step for step in _STEPS if step[0] in pages]
    for start in range(0, len(steps), columns):
        row = st.columns(columns)
        for place, (page, label, icon, why) in zip(row, steps[start:][:columns], strict=False):
            view = "progress" if page == "run" else None
            with place, st.container(border=True, height="stretch", gap="xxsmall"):
                shell.link(page, label, icon, run=run.name, view=view)
                st.caption(why)


def gallery(found: list[Card]) -> None:
    """Draw the runs as cards, the newest first, and the way to one more."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(counted(len(found), "run"), anchor=False, width="content")
        every = len(found) <= SHOWN or st.toggle(f"Show all {len(found)}", key="all_runs")
        st.space("stretch")
        _score_new()
    shown = found if every else found[:SHOWN]
    for start in range(0, len(shown), COLUMNS):
        row = st.columns(COLUMNS)
        for place, card in zip(row, shown[start : start + COLUMNS], strict=False):
            with place:
                _card(card)


def _score_new() -> None:
    """Draw the button that leads to the form of a new run."""
    label, icon = "Score new data", ":material/add:"
    if st.button(label, icon=icon, type="primary", key="score_new", **access.locked()):
        asked = state.link(run=state.get("run"), view="new")
        st.switch_page(shell.PAGES / "run.py", query_params=asked)


def _card(card: Card) -> None:
    with st.container(border=True, height="stretch"):
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.markdown(f"**{plain(card.name)}**")
            badge(card.status)
        if card.manifest is None:
            st.text(short(card.problem, ERROR_LENGTH))
            return
        _facts(card.name, card.manifest)
        view = "distributions" if card.manifest.scores else "run"
        shell.link(
            view,
            "Open" if card.manifest.scores else "See how far it is",
            ":material/arrow_forward:",
            run=card.name,
            view=None if card.manifest.scores else "progress",
        )


def _facts(name: str, manifest: Manifest) -> None:
    dataset = manifest.dataset
    if dataset is not None:
        accuracy = manifest.metrics.get("test", {}).get("accuracy")
        rows, classes, tested = st.columns([1.1, 0.9, 1.2], gap="xsmall")
        rows.metric("Rows", count(dataset.rows))
        classes.metric("Classes", count(len(dataset.class_counts)))
        tested.metric("Test accuracy", percent(accuracy))
    if found := queries.ask(queries.open_run(name), tour.finding) if dataset else "":
        st.markdown(f":material/lightbulb: {plain(found)}")
    if manifest.error:
        st.text(short(manifest.error, ERROR_LENGTH))
    seconds = sum(stage.seconds for stage in manifest.stages.values())
    names = ", ".join(entry.label for entry in specs_of(manifest).values()) or "no scores yet"
    took = f", took {duration(seconds)}" if seconds and manifest.status == "complete" else ""
    origin = manifest.settings.origin.capitalize()
    st.caption(f"{origin}: {names}  \n{age(manifest.created).capitalize()}{took}")
