"""A read-only demonstration: every page can be looked at, nothing can be begun, nothing changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from influence_core.access import READ_ONLY
from influence_core.config import RunSettings
from influence_core.noise.table import find_noise
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.review import Reviews
from influence_core.store.run import Run, create_run
from influence_core.store.selections import Selections
from tests.factory import make_run
from tests.reviewer import given_labels, some
from tests.ui.everything import messages, pages, visit
from tests.untouched import contents

READING = {
    "See only these rows",
    "Clear",
    "Make the report",
    "Show all",
    "Use the defaults instead",
}
"""Buttons that write nothing."""


@pytest.fixture
def run(small_run: Run) -> Run:
    """A run with suspects, decisions, a selection and an experiment that was only planned."""
    find_noise(small_run)
    Reviews(small_run).decide(some(given_labels(small_run), 0, 3), "drop", "Ada")
    Selections(small_run).create("some", [0, 2])
    Experiment.create(small_run, "planned", ExperimentSettings())
    return small_run


@pytest.fixture
def read_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv(READ_ONLY, "1")
    return run


def writing(app: AppTest) -> list[str]:
    """Return the buttons that can be pressed and may write."""
    return [one.label for one in app.button if not one.disabled and one.label not in READING]


def seated(app: AppTest) -> AppTest:
    """Say who decides, where that is asked."""
    chairs = [one for one in app.selectbox if one.key == "noise.reviewer"]
    return chairs[0].set_value("Ada").run() if chairs else app


@pytest.mark.parametrize("page", pages())
def test_a_page_can_be_seen_and_changes_nothing(read_only: Run, runs_root: Path, page: str) -> None:
    before = contents(runs_root)
    app = visit(page, run="small")
    assert not app.exception
    assert not app.error
    assert "Read-only demonstration" in messages(app)
    assert writing(app) == []
    assert contents(runs_root) == before


def test_no_source_can_be_looked_at_where_there_is_no_run(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert visit("run").segmented_control or visit("run").button
    monkeypatch.setenv(READ_ONLY, "1")
    app = visit("run")
    assert "New runs are switched off" in messages(app)
    assert not app.text_input
    assert writing(app) == []


@pytest.mark.parametrize("page", pages())
def test_an_unfinished_run_can_be_seen_and_changes_nothing(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    make_run(runs_root, "bare", scored=False)
    create_run("early", RunSettings(), runs_root)
    monkeypatch.setenv(READ_ONLY, "1")
    before = contents(runs_root)
    for name in ("bare", "early"):
        app = visit(page, run=name)
        assert not app.exception
        assert writing(app) == []
    assert contents(runs_root) == before


@pytest.mark.parametrize("page", pages())
def test_an_empty_workspace_stays_empty(
    runs_root: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setenv(READ_ONLY, "1")
    app = visit(page)
    assert not app.exception
    assert writing(app) == []
    assert list(runs_root.iterdir()) == []


def test_buttons_are_there_where_writing_is_allowed(run: Run) -> None:
    for page, label in (
        ("noise", "Keep"),
        ("pruning", "Start"),
        ("run", "Delete for good"),
        ("export", "Export"),
    ):
        view = {"view": "progress"} if page == "run" else {}
        app = seated(visit(page, run="small", **view))
        assert label in writing(app), page
        assert "Read-only demonstration" not in messages(app)


def test_the_run_page_shows_the_run_and_says_that_new_ones_are_off(read_only: Run) -> None:
    app = visit("run", run="small", view="new")
    said = messages(app)
    assert "New runs are switched off" in said
    assert "How good is the model?" in said
    assert "Which data?" not in said


def test_a_button_that_is_drawn_anyway_is_refused_by_the_core(
    run: Run, runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was drawn before the variable was set cannot write either."""
    app = seated(visit("noise", run="small"))
    keep = next(one for one in app.button if one.label == "Keep")
    monkeypatch.setenv(READ_ONLY, "1")
    before = contents(runs_root)
    app = keep.click().run()
    assert "nothing can be" in messages(app) or "must be unset" in messages(app)
    assert contents(runs_root) == before
