"""The report page: it says what will be there, makes the file, offers and previews it."""

from __future__ import annotations

import shutil
from base64 import b64decode
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from influence_core.report.page import render_report
from influence_core.report.settings import ReportSettings
from influence_core.store.run import Run
from tests.factory import make_run
from tests.report.evidence import make_evidence

APP = Path(__file__).parents[2] / "app.py"
NOW = "influence_core.report.contents.now"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reported")
    make_evidence(root, "hostile", rows=160, hostile=True)
    return root


@pytest.fixture
def run(made: Path, runs_root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(NOW, lambda: "2026-01-02T03:04:05")
    return Run(shutil.copytree(made / "hostile", runs_root / "hostile"))


def visit(**view: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.switch_page("pages/report.py")
    for name, value in view.items():
        app.query_params[name] = value
    return app.run()


def said(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*app.caption, *app.markdown, *app.info])


def make(app: AppTest) -> AppTest:
    return next(one for one in app.button if one.label == "Make the report").click().run()


def previewed(app: AppTest) -> str:
    """Return the document in the frame, which must be of an origin of its own."""
    address = app.get("iframe")[0].proto.src
    kind, _, document = address.partition(",")
    assert kind == "data:text/html;charset=utf-8;base64"
    return b64decode(document).decode("utf-8")


def test_the_file_is_that_of_the_core(run: Run) -> None:
    app = visit(run="hostile")
    assert not app.exception
    assert not app.get("iframe")
    app = make(app)
    assert not app.exception
    assert previewed(app) == render_report(run, ReportSettings(score="vog"))
    assert len(app.get("download_button")) == 1
    assert "`influence report hostile --score vog`" in said(app)


def test_settings_reach_it_and_an_old_one_goes(run: Run) -> None:
    app = make(visit(run="hostile", score="pvi", mask="yes"))
    wanted = ReportSettings(score="pvi", mask_texts=True)
    assert previewed(app) == render_report(run, wanted)
    app.toggle(key="mask").set_value(False).run()
    assert not app.get("iframe")
    app.number_input(key="report.tolerance").set_value(5.0).run()
    wanted = ReportSettings(score="pvi", tolerance=0.05)
    assert previewed(make(app)) == render_report(run, wanted)


def test_what_is_missing_has_a_way_to_it(runs_root: Path) -> None:
    make_run(runs_root, "small", rows=80)
    app = visit(run="small")
    links = [one.proto.label for one in app.get("page_link")]
    assert "Plan an experiment" in links
    assert "Look for wrong labels" in links
    assert "0 pruning experiments" in said(app)


def test_what_is_there_needs_no_way(run: Run) -> None:
    app = visit(run="hostile")
    links = [one.proto.label for one in app.get("page_link")]
    assert "Plan an experiment" not in links
    assert "Make labels wrong" in links
    assert "1 pruning experiment" in said(app)


def test_a_run_without_scores_is_told_as_far_as_it_is(runs_root: Path) -> None:
    make_run(runs_root, "bare", scored=False)
    app = make(visit(run="bare"))
    assert not app.exception
    assert "influence run --resume --name bare" in previewed(app)


@pytest.mark.parametrize("unread", [True, False])
def test_where_there_is_nothing_to_tell_it_says_what_to_do(runs_root: Path, unread: bool) -> None:
    if unread:
        make_run(runs_root, "early", scored=False).update(dataset=None)
    app = visit()
    assert not app.exception
    assert not app.button
    words = "has not read its data yet" if unread else "There is no run yet"
    assert words in said(app)
