"""The distributions page: every part follows the rows in view, and says what it means."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from influence_core.scores.timing import early_and_late
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.files import write_parquet
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run
from tests.factory import make_run, read, snapshot_files
from ui import spread

APP = Path(__file__).parents[2] / "app.py"
PARTS = tuple(spread.PARTS)


def visit(page: str = "distributions", **view: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=200)
    app.switch_page(f"pages/{page}.py")
    for name, value in view.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*app.subheader, *app.caption, *app.markdown])


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_drawn_and_named_in_the_address(small_run: Run, part: str) -> None:
    app = visit(run="small", part=part)
    assert not app.error
    assert app.query_params["part"] in (part, [part])
    assert len(app.subheader) >= 1


@pytest.mark.parametrize("part", PARTS)
def test_hostile_names_are_no_markup(hostile_run: Run, part: str) -> None:
    app = visit(run="hostile", part=part, by='"; DROP TABLE examples; --')
    assert not app.error
    assert "<b>bold</b>" not in said(app)


def test_the_name_of_a_column_is_no_markup_in_a_question(small_run: Run) -> None:
    name = "![seen](https://example.org/a.png)"
    examples = read(small_run.examples_file)
    write_parquet(small_run.examples_file, examples.append_column(name, examples["source"]))
    app = visit(run="small", part="groups", by=name)
    assert any("seen" in one.value for one in app.subheader)
    assert not any("[seen](" in one.value for one in app.subheader)


@pytest.mark.parametrize("order", ["largest", "hardest", "easiest"])
def test_boxes_stand_by_hardness(small_run: Run, order: str) -> None:
    app = visit(run="small", part="groups", order=order, score="vog", norm="dataset")
    scores = small_run.scores(["row", "vog_dataset_norm"]).set_index("row")["vog_dataset_norm"]
    labels = small_run.examples(["label"])["label"]
    medians = scores.groupby(labels.reindex(scores.index)).median()
    expected = medians.sort_values(ascending=order == "easiest").index.tolist()
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert figure["layout"]["yaxis"]["ticktext"] == expected


def test_a_choice_of_all_groups_says_so(small_run: Run) -> None:
    app = visit(run="small", part="groups")
    groups = len(small_run.manifest().dataset.label_names)
    assert app.multiselect(key="groups").placeholder == f"all {groups}"


def test_charts_follow_the_rows_in_view(small_run: Run) -> None:
    human = (
        (read(small_run.examples_file).to_pandas().query("split == 'train'")["source"]) == "human"
    )
    app = visit(run="small", part="shape", tails="yes", filter=["source=human"])
    assert f"All {human.sum()} rows" in said(app)
    timing = visit(run="small", part="timing", filter=["source=human"])
    assert f"{human.sum()} rows in view" in said(timing)


def test_a_chart_keeps_the_bars_that_its_own_filter_leaves_out(small_run: Run) -> None:
    median = float(np.median(read(small_run.scores_file)["vog"].to_numpy()))
    app = visit(run="small", score="vog", part="shape", tails="yes", filter=[f"vog=:{median!r}"])
    assert "All 328 rows" in said(app)
    assert "164 of 328 training rows in view" in said(app)
    label = read(small_run.examples_file)["label"][0].as_py()
    groups = visit(run="small", part="groups", label=label)
    assert "6 of 6 classes" in said(groups)


def test_a_filter_goes_along_to_the_examples(small_run: Run) -> None:
    train = read(small_run.examples_file).to_pandas().query("split == 'train'")
    human = (train["source"] == "human").sum()
    app = visit(run="small", part="timing", filter=["source=human"])
    assert app.session_state["filter"] == ["source=human"]
    app.switch_page("pages/examples.py").run()
    assert f"{human} of 328 training rows in view" in said(app)
    assert f"{human} training rows by VoG" in said(app)


@pytest.mark.parametrize("part", PARTS)
def test_where_no_row_is_left_it_says_so(small_run: Run, part: str) -> None:
    app = visit(run="small", part=part, search="nothing says this")
    assert "No training row is in view" in said(app)
    next(one for one in app.button if one.label == "Show all rows").click().run()
    assert "No training row is in view" not in said(app)


def test_before_and_after_counts_what_is_kept(small_run: Run) -> None:
    app = visit(run="small", score="el2n", norm="dataset", part="sampling", tails="yes")
    assert "230 of the 328 rows drawn stay, 70.1%" in said(app)
    app.slider(key="prune.fraction").set_value(75).run()
    wanted = SelectionSettings(score="el2n", normalise="dataset", fraction=0.75)
    kept = len(select(small_run, wanted).kept)
    assert f"{kept} of the 328 rows drawn stay" in said(app)
    assert "What does dropping 75% leave of EL2N?" in said(app)


def test_the_share_is_that_of_the_export_page(small_run: Run) -> None:
    app = visit(run="small", part="sampling")
    app.slider(key="prune.fraction").set_value(55).run()
    app.switch_page("pages/export.py").run()
    assert app.slider(key="prune.fraction").value == 55


def test_timing_says_how_early_and_late_differ(small_run: Run) -> None:
    found = early_and_late(small_run, ExampleQuery(scored_only=True), 2)
    told = said(visit(run="small", part="timing"))
    assert f"{found.flat_early:.0%} of the rows lie below 0.1 after epoch 2" in told
    assert f"rank correlation of {found.likeness.spearman:.2f}" in told
    assert "Looking 8 times" in told


def test_without_dynamics_it_says_what_would_bring_them(small_run: Run) -> None:
    for path in snapshot_files(small_run):
        path.unlink()
    app = visit(run="small", part="timing")
    assert not app.error
    assert "kept no training dynamics" in said(app)


def test_a_score_alone_is_enough(runs_root: Path) -> None:
    make_run(runs_root, "single", rows=80, scores=("pvi",))
    for part in PARTS:
        app = visit(run="single", part=part, score="vog")
        assert not app.error
        assert app.selectbox(key="score").value == "pvi"
