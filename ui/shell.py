"""The frame around every page: navigation, the run and score in view, and kind errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from influence_core.errors import InfluenceError
from influence_core.scores.registry import ScoreSpec, spec_of, specs_of
from influence_core.store.columns import score_column
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Manifest, Run
from ui import access, queries, rows, state
from ui.wording import NORMS, plain

HERE = Path(__file__).resolve().parent.parent
PAGES = HERE / "pages"
ICON = str(HERE / "assets" / "icon.svg")

SIDEBAR_PIXELS = 256

_FRAMED = "_frame_drawn"
_MISSING = "_run_that_is_missing"
_UNKNOWN = "_score_that_is_unknown"
_SWITCHED = "_run_was_switched"

_GROUPS = {
    "": ("home", "run"),
    "Look": ("distributions", "classes", "examples", "map"),
    "Decide": ("noise", "pruning", "nlu", "compare"),
    "Take away": ("export", "report"),
}
"""Pages by what somebody comes for; the navigation shows them under these headings."""

_SCORE_PAGES = ("distributions", "classes", "examples", "map", "compare", "export", "report")
"""Pages that look through a score."""

_COMPARING_PAGES = ("distributions", "classes", "examples", "map")
"""Pages on which the sidebar says what a score is compared with."""

_log = logging.getLogger("influence_scope.app")


@dataclass(frozen=True)
class Lens:
    """The run in view and the score through which it is seen."""

    run: Run
    manifest: Manifest
    score: str
    norm: str

    @property
    def spec(self) -> ScoreSpec:
        """The entry of the score."""
        return spec_of(self.manifest, self.score)

    @property
    def column(self) -> str:
        """Column of `scores.parquet` that holds the score in its normalisation."""
        return score_column(self.score, self.norm)

    def query(self, **more: Any) -> ExampleQuery:
        """Return the query for the rows in view through this score; `more` says what else."""
        chosen = {"score": self.score, "normalise": self.norm}
        return rows.query(self.run, self.manifest, **(chosen | more))

    @property
    def title(self) -> str:
        """Name of the score and its unit, for axes."""
        if self.norm == "raw":
            return f"{self.spec.label} ({self.spec.unit})"
        return f"{self.spec.label}, standard deviations {NORMS[self.norm]}"


def show(above: Callable[[str], None]) -> None:
    """Draw the frame and the page that was asked for; `above` draws what stands over its title."""
    st.set_page_config(
        page_title="Influence Scope",
        page_icon=ICON,
        layout="wide",
        initial_sidebar_state=SIDEBAR_PIXELS,
    )
    st.html(HERE / "assets" / "style.css")
    st.logo(ICON, size="large")
    known = pages()
    page = st.navigation(known, position="hidden")
    st.session_state[_FRAMED] = True
    name = page.url_path or "home"
    state.restore(name)
    access.settle()
    with guard():
        _sidebar(page.url_path, known)
        above(name)
        page.run()
    state.remember(name)


def pages() -> list[st.Page]:
    """Return the pages in their order."""
    return [
        st.Page(PAGES / "home.py", title="Home", icon=":material/home:", default=True),
        st.Page(PAGES / "run.py", title="Run", icon=":material/play_circle:"),
        st.Page(PAGES / "distributions.py", title="Distributions", icon=":material/bar_chart:"),
        st.Page(PAGES / "classes.py", title="Classes", icon=":material/category:"),
        st.Page(PAGES / "examples.py", title="Examples", icon=":material/table_rows:"),
        st.Page(PAGES / "map.py", title="Map", icon=":material/scatter_plot:"),
        st.Page(PAGES / "noise.py", title="Noise", icon=":material/rule:"),
        st.Page(PAGES / "pruning.py", title="Pruning", icon=":material/content_cut:"),
        st.Page(PAGES / "nlu.py", title="NLU", icon=":material/account_tree:"),
        st.Page(PAGES / "compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page(PAGES / "export.py", title="Export", icon=":material/download:"),
        st.Page(PAGES / "report.py", title="Report", icon=":material/description:"),
    ]


@contextmanager
def guard() -> Iterator[None]:
    """Show what a user can mend as a message; log and pass on what is a bug."""
    try:
        yield
    except InfluenceError as error:
        st.error(plain(error), icon=":material/error:")
    except Exception:
        _log.exception("The page failed.")
        raise


ORIGINS = {
    "probe": "Measured by a probe on frozen features: a proxy of what fine-tuning would say.",
    "import": "Computed elsewhere and imported: no model was trained here.",
}
"""What must be said of scores before anyone relies on them, by where they come from."""


def header(title: str, question: str) -> None:
    """Draw a page's title and, below it, what the page answers."""
    _enter_through_the_frame()
    with st.container(gap="xxsmall"):
        st.title(title, anchor=False)
        st.caption(question)
    _say_what_is_missing()


def chosen_run() -> Run | None:
    """Return the run in view, or None in an empty workspace."""
    name = state.get("run")
    return queries.open_run(name) if name else None


def lens() -> Lens | None:
    """Return the run and score in view; where there is none to see, say what to do."""
    run = chosen_run()
    if run is None:
        return _nothing("There is no run yet.", "Start one", "new")
    manifest = queries.manifest(run)
    if not manifest.scores or not run.scores_file.exists():
        return _nothing(
            f"Run {plain(run.name)} has no scores yet.",
            "See how far it is",
            "progress",
        )
    if manifest.settings.origin in ORIGINS:
        st.caption(ORIGINS[manifest.settings.origin])
    return Lens(run, manifest, state.settle("score", list(manifest.scores)), state.get("norm"))


def link(page: str, label: str, icon: str | None = None, **view: object) -> None:
    """Draw a link to a page with its view."""
    st.page_link(PAGES / f"{page}.py", label=label, icon=icon, query_params=state.link(**view))


def _view(page: str) -> dict[str, list[str]]:
    """Return the address of a page as it would be drawn now, off the guided path."""
    return {name: value for name, value in state.view(page).items() if name != "walk"}


def _enter_through_the_frame() -> None:
    """Start again with the frame where Streamlit ran the page without it.

    It takes `pages/` for its older kind of multi-page app until `st.navigation` was called once,
    so that a deep link that is a fresh server's first visit runs the page alone.
    """
    if _FRAMED not in st.session_state:
        st.set_page_config(page_title="Influence Scope", page_icon=ICON)
        st.navigation(pages(), position="hidden")
        st.rerun()


def _nothing(message: str, label: str, view: str) -> None:
    with st.container(border=True):
        st.markdown(f"**{message}**")
        st.write("Scores appear here as soon as a run has computed them.")
        link("run", label, ":material/arrow_forward:", run=state.get("run"), view=view)


def _sidebar(page: str, known: list[st.Page]) -> None:
    """Draw the way to the pages, and the pickers of this one: run, score and its comparison."""
    state.settle("norm", list(NORMS))
    with st.sidebar:
        ways = st.container(gap=None, key="navigation")
        if _pick_run(page) and page in _SCORE_PAGES:
            _pick_score(page, compare=page in _COMPARING_PAGES)
        st.space("small")
        access.sidebar()
        st.caption(f"Runs are kept in `{queries.root()}`")
    with ways:
        _navigation(known)


def _navigation(known: list[st.Page]) -> None:
    """Draw links that take the view along: Streamlit's own would lead to an empty address.

    A page that had to write its address after it was entered would stand in the way back.
    """
    named = {page.url_path or "home": page for page in known}
    for title, names in _GROUPS.items():
        if title:
            st.caption(title)
        for name in names:
            st.page_link(named[name], query_params=_view(name), width="stretch")


def _pick_run(page: str) -> list[str]:
    """Draw the picker of the run; where the one asked for is gone, take the newest instead."""
    runs = {card.name: card.status for card in queries.cards()}
    names = list(runs)
    asked = state.get("run")
    newest = next((name for name in names if runs[name] == "complete"), None)
    state.settle("run", names, newest)
    shown = state.get("run")
    if asked and asked != shown:
        state.put("id", None)
        st.session_state[_MISSING] = (asked, shown, page)
    elif st.session_state.get(_MISSING, (None, None, None))[1:] != (shown, page):
        st.session_state.pop(_MISSING, None)
    if names:
        st.selectbox("Run", names, key="run", persist_state="session", on_change=_forget_rows)
    return names


def _forget_rows() -> None:
    """Forget the rows that were looked at and the guided path: they are of another run."""
    rows.restart()
    state.put("point", None)
    state.put("walk", None)
    st.session_state[_SWITCHED] = True


def _say_what_is_missing() -> None:
    """Say which run or score was asked for in vain, as long as what stands in is in view."""
    missing, shown, _ = st.session_state.get(_MISSING, (None, None, None))
    if missing:
        instead = f" This is {plain(shown)}, the newest." if shown else ""
        st.warning(
            f"There is no run named {plain(missing)}: it was deleted or renamed, or lies in "
            f"another folder.{instead}",
            icon=":material/search_off:",
        )
    unknown, instead, *_ = st.session_state.get(_UNKNOWN, (None, None))
    if unknown:
        st.warning(
            f"This run has no score {plain(unknown)}; this is {plain(instead)}.",
            icon=":material/search_off:",
        )


def _settled_score(entries: dict[str, ScoreSpec], page: str) -> ScoreSpec:
    """Return the score in view; remember one that was asked for in vain, not by another run."""
    asked, switched = state.get("score"), st.session_state.pop(_SWITCHED, False)
    entry = entries[state.settle("score", list(entries))]
    place = (entry.label, state.get("run"), page)
    if asked and asked not in entries and not switched:
        st.session_state[_UNKNOWN] = (asked, *place)
    elif st.session_state.get(_UNKNOWN, (None,))[1:] != place:
        st.session_state.pop(_UNKNOWN, None)
    return entry


def _pick_score(page: str, compare: bool) -> None:
    """Draw the picker of the score and of what it is compared with, as far as there are scores."""
    run = chosen_run()
    entries = specs_of(queries.manifest(run)) if run else {}
    if not entries:
        return
    entry = _settled_score(entries, page)
    with st.container(gap="xxsmall"):
        st.selectbox(
            "Score",
            list(entries),
            format_func=lambda key: entries[key].label,
            key="score",
            persist_state="session",
            help=plain(entry.summary),
        )
        st.caption(plain(f"{entry.label}: {entry.gloss}."))
    if not compare:
        return
    st.radio(
        "Compared",
        list(NORMS),
        format_func=NORMS.get,
        key="norm",
        persist_state="session",
        help="As computed: in the score's own unit. Within its class and within the dataset: how "
        "many standard deviations the value lies from the mean of the rows with the same label, "
        "or of all training rows.",
    )
