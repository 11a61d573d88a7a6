"""Home: what it says of runs, the walk through a run, and what to do where there is none."""

from __future__ import annotations

import pytest

from influence_core import jobs
from influence_core.access import READ_ONLY
from influence_core.config import RunSettings
from influence_core.noise.table import find_noise
from influence_core.report import tour
from influence_core.store.run import Run
from tests.factory import make_run
from tests.ui.everything import PROJECT, messages, visit
from ui.wording import plain

Links = dict[str, str]


@pytest.fixture
def demo(small_run: Run) -> Run:
    """A finished run."""
    return small_run


def links(app) -> dict[str, tuple[str, str]]:
    """Return the page and the view of every link of the page, by its label."""
    found = [one.proto for one in app.main.get("page_link")]
    return {one.label: (one.page, one.query_string) for one in found}


def test_every_stop_has_its_figure_and_leads_there(demo: Run) -> None:
    app = visit("home", run="small")
    assert not app.exception
    said, found = messages(app), links(app)
    for told in (
        tour.rare_and_hard(demo, "vog"),
        tour.misjudged(demo, "vog"),
        tour.wrong_labels(demo),
        tour.cost_unknown(demo),
        tour.kept(demo, "vog"),
    ):
        assert plain(told) in said
    for label, page, view in (
        ("See the hard and rare classes", "classes", "part=hardness"),
        ("Read the hardest texts", "examples", "end=hardest"),
        ("Find wrong labels", "noise", "rows=open"),
        ("See what pruning costs", "pruning", "run=small"),
        ("Take the rest away", "export", "score=vog"),
        ("Tell others", "report", "score=vog"),
    ):
        assert found[label][0] == page
        assert {view, "run=small"} <= set(found[label][1].split("&"))


def test_figures_change_with_the_run(demo: Run) -> None:
    before = messages(visit("home", run="small"))
    assert plain(tour.wrong_labels(demo)) in before
    find_noise(demo)
    after = messages(visit("home", run="small"))
    assert plain(tour.wrong_labels(demo)) in after
    assert plain(tour.wrong_labels(demo)) not in before


def test_cards_tell_figures_and_the_top_finding(demo: Run, runs_root) -> None:
    make_run(runs_root, "bare", scored=False)
    app = visit("home")
    figures = [one.value for one in app.metric]
    manifest = demo.manifest()
    assert f"{manifest.dataset.rows:,}" in figures
    assert f"{manifest.metrics['test']['accuracy']:.1%}" in figures
    assert plain(tour.finding(demo)) in messages(app)
    assert links(app)["See how far it is"][0] == "run"


def test_next_steps_lead_to_every_page(demo: Run) -> None:
    named = {page for page, _ in links(visit("home", run="small")).values()}
    assert named == {path.stem for path in (PROJECT / "pages").glob("*.py")} - {"home"}


def test_the_walk_is_through_the_run_in_view(demo: Run, runs_root) -> None:
    other = make_run(runs_root, "other", rows=80, classes=3)
    app = visit("home", run="other")
    assert "A walk through other" in messages(app)
    assert plain(tour.rare_and_hard(other, "vog")) in messages(app)
    assert plain(tour.rare_and_hard(demo, "vog")) not in messages(app)
    assert "run=other" in links(app)["Find wrong labels"][1]


def test_a_run_without_scores_has_no_walk(demo: Run, runs_root) -> None:
    make_run(runs_root, "bare", scored=False)
    assert "A walk through" not in messages(visit("home", run="bare"))


def test_cards_come_by_their_start_the_newest_first(demo: Run, runs_root) -> None:
    moments = {"small": "2026-01-02", "early": "2026-01-01", "late": "2026-01-03"}
    for name, day in moments.items():
        run = demo if name == "small" else make_run(runs_root, name, rows=60)
        run.update(created=f"{day}T00:00:00+00:00")
    demo.update()
    opened = [
        one.proto.query_string
        for one in visit("home", run="small").main.get("page_link")
        if one.proto.label == "Open"
    ]
    assert [next(name for name in moments if f"run={name}" in one) for one in opened] == [
        "late",
        "small",
        "early",
    ]


def test_a_button_leads_to_a_new_run(demo: Run) -> None:
    app = visit("home", run="small")
    next(one for one in app.main.button if one.label == "Score new data").click().run()
    assert not app.exception
    assert app.title[0].value == "Run"


def test_hostile_names_stay_text(hostile_run: Run) -> None:
    find_noise(hostile_run)
    app = visit("home", run="hostile")
    assert not app.exception
    assert "<b>bold</b>" not in " ".join(str(one.value) for one in app.markdown)


def test_one_button_starts_the_demo_run(runs_root, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(
        jobs, "start", lambda settings, name, **more: started.append((settings, name, more))
    )
    app = visit("home")
    assert "A walk through" not in messages(app)
    button = next(one for one in app.button if one.label == "Score the built-in data")
    button.click().run()
    assert started == [(RunSettings(), "demo", {"queued": True})]


def test_an_empty_demonstration_offers_nothing(runs_root, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(READ_ONLY, "1")
    app = visit("home")
    assert "There is no run here, and none can be started" in messages(app)
    assert not app.main.button
    assert not links(app)


def framed(app) -> None:
    """Draw a page anew with its frame: on its own it is drawn once the frame was."""
    del app.session_state["_frame_drawn"]
    app.run()
    assert not app.exception
    assert app.sidebar.selectbox


STEPS = ("classes", "examples", "noise", "pruning", "export", "report")
"""Pages of the walk, in its order."""


@pytest.mark.parametrize("number", range(1, 7))
def test_a_step_of_the_walk_leads_to_the_next(demo: Run, number: int) -> None:
    app = visit(STEPS[number - 1], run="small", walk=str(number))
    assert not app.exception
    assert f"Step {number} of 6 of the walk" in messages(app)
    onward = [view for label, (_, view) in links(app).items() if label.startswith("Next: ")]
    if number == 6:
        assert not onward
        assert links(app)["Back to Home"] == ("", "run=small")
        return
    assert [f"walk={number + 1}" in view.split("&") for view in onward] == [True]
    next(one for one in app.main.button if one.label == "End the walk").click()
    framed(app)
    assert "of the walk" not in messages(app)
    assert "small" in app.query_params["run"]
    assert "walk" not in app.query_params


@pytest.mark.parametrize("asked", ["2", "7", "0", "one"])
def test_a_step_of_another_page_is_no_step(demo: Run, asked: str) -> None:
    app = visit("classes", run="small", walk=asked)
    assert not app.exception
    assert "of the walk" not in messages(app)


def test_the_navigation_leaves_the_walk(demo: Run) -> None:
    app = visit("classes", run="small", walk="1")
    led = [one.proto.query_string for one in app.sidebar.get("page_link")]
    assert len(led) == len(list((PROJECT / "pages").glob("*.py")))
    assert not [view for view in led if "walk" in view]


def test_another_run_leaves_the_walk(demo: Run, runs_root) -> None:
    make_run(runs_root, "other", rows=80, classes=3)
    app = visit("classes", run="small", walk="1")
    app.selectbox(key="run").set_value("other")
    framed(app)
    assert "of the walk" not in messages(app)


def test_a_score_that_is_not_there_is_told_once(demo: Run) -> None:
    app = visit("distributions", run="small", score="banana")
    assert "This run has no score banana; this is VoG." in messages(app)
    app.selectbox(key="score").set_value("el2n")
    framed(app)
    assert "has no score" not in messages(app)


def test_a_score_that_another_run_lacks_gives_way_quietly(demo: Run, runs_root) -> None:
    make_run(runs_root, "other", rows=80, classes=3, scores=("pvi",))
    app = visit("distributions", run="small", score="vog")
    app.selectbox(key="run").set_value("other")
    framed(app)
    assert "has no score" not in messages(app)
