"""The noise page: what it says of labels, and what becomes of decisions about them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from influence_core import jobs
from influence_core.noise.known import detections, known_wrong
from influence_core.noise.table import NoiseReport, find_noise, read_noise, suspected
from influence_core.store.files import write_parquet
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from tests.factory import make_run, read
from tests.test_architecture import loaded_by
from ui.reviewing import NOTICE, REVIEWER, Desk

APP = Path(__file__).parents[2] / "app.py"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of hostile texts and labels, some of them known to be wrong, judged already."""
    run = make_run(tmp_path_factory.mktemp("judged"), "hostile", rows=160, hostile=True)
    features = np.random.default_rng(0).normal(size=(160, 8)).astype(np.float16)
    np.save(run.embeddings_file, features)
    examples = read(run.examples_file)
    wrong = pa.array(np.arange(len(examples)) % 9 == 0)
    write_parquet(run.examples_file, examples.append_column("flipped", wrong))
    find_noise(run)
    return run.path


@pytest.fixture
def run(judged: Path, runs_root: Path) -> Run:
    return Run(shutil.copytree(judged, runs_root / "hostile"))


@pytest.fixture
def report(run: Run) -> NoiseReport:
    return read_noise(run)


def visit(reviewer: str | None = "Ada", page: str = "noise", **view: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.switch_page(f"pages/{page}.py")
    for name, value in view.items():
        app.query_params[name] = value
    if reviewer:
        app.session_state[REVIEWER] = reviewer
    return app.run()


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label.startswith(label)).click().run()


def said(app: AppTest) -> str:
    elements = [*app.caption, *app.markdown, *app.text, *app.subheader, *app.warning]
    return "\n".join(str(element.value) for element in elements)


def stands(run: Run) -> dict[str, tuple[str, str | None, str]]:
    decisions = Reviews(run).standing().values()
    return {one.id: (one.action, one.new_label, one.reviewer) for one in decisions}


def in_focus(app: AppTest, run: Run) -> str:
    examples = run.examples(["id", "text"]).set_index("text")["id"]
    return str(examples[app.text[0].value])


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def disabled(app: AppTest, *actions: str) -> dict[str, bool]:
    actions = actions or ("Keep", "Relabel", "Drop", "Skip")
    found = [button for button in app.button if button.label in actions]
    assert len(found) == len(actions)
    return {button.label: button.disabled for button in found}


def test_labels_are_judged_on_request_only(runs_root: Path) -> None:
    run = make_run(runs_root, rows=80)
    app = visit(run="small")
    assert not app.exception
    assert not (run.path / "noise.parquet").exists()
    press(app, "Judge the labels")
    assert not app.exception
    first = read_noise(run).table.iloc[0]
    assert in_focus(app, run) == first["id"]


def test_every_decision_leads_to_the_next_row(run: Run, report: NoiseReport) -> None:
    first, second, third, fourth, fifth = report.table.iloc[:5].to_dict("records")
    app = visit(run="hostile")
    for one, action in ((first, "Keep"), (second, "Relabel"), (third, "Drop"), (fourth, "Skip")):
        assert in_focus(app, run) == one["id"]
        press(app, action)
        assert not app.exception
    assert in_focus(app, run) == fifth["id"]
    assert stands(run) == {
        first["id"]: ("keep", None, "Ada"),
        second["id"]: ("relabel", second["suggested"], "Ada"),
        third["id"]: ("drop", None, "Ada"),
        fourth["id"]: ("skip", None, "Ada"),
    }
    shown = metrics(app)
    assert (shown["Decided"], shown["Wrong among the decided"]) == ("3", "67%")
    assert shown["Right after all"] == "1"


def test_another_label_may_be_chosen(run: Run, report: NoiseReport) -> None:
    first = report.table.iloc[0]
    app = visit(run="hostile")
    choice = next(box for box in app.selectbox if box.label.startswith("New label"))
    assert choice.value == first["suggested"]
    other = next(name for name in choice.options if name != first["suggested"])
    choice.set_value(other).run()
    press(app, "Relabel")
    assert stands(run) == {first["id"]: ("relabel", other, "Ada")}


def test_undo_brings_the_row_back(run: Run, report: NoiseReport) -> None:
    first, second = report.table["id"].iloc[:2]
    app = press(press(visit(run="hostile"), "Keep"), "Drop")
    assert "Last you dropped 1 row" in said(app)
    press(app, "Undo")
    assert in_focus(app, run) == second
    press(app, "Undo")
    assert in_focus(app, run) == first
    assert stands(run) == {}


def test_a_second_click_on_what_is_gone_is_told(run: Run, report: NoiseReport) -> None:
    first, second = report.table.iloc[:2].to_dict("records")
    seen = Desk(Reviews(run), {}, "Ada")
    for action in ("keep", "drop"):
        seen.decide({first["id"]: first["label"]}, action, {}, None)
    assert stands(run) == {first["id"]: ("keep", None, "Ada")}
    assert "You decided about this row already: kept" in st.session_state[NOTICE]
    seen.decide({second["id"]: second["label"]}, "drop", {}, None)
    later = Desk(Reviews(run), Reviews(run).standing()).seat("Ada")
    later.undo()
    later.undo()
    assert stands(run) == {first["id"]: ("keep", None, "Ada")}


def test_undo_takes_back_no_other_act_than_was_shown(run: Run, report: NoiseReport) -> None:
    second = report.table.iloc[1]
    app = press(visit(run="hostile"), "Keep")
    Reviews(run).decide({second["id"]: second["label"]}, "drop", "Ada")
    press(app, "Undo")
    assert "Nothing was taken back" in said(app)
    assert len(stands(run)) == 2


def test_undo_is_of_the_act_that_is_shown(run: Run, report: NoiseReport) -> None:
    first, *others = report.table.iloc[:11].to_dict("records")
    app = press(visit(run="hostile"), "Keep")
    press(app, "Drop: 10 rows")
    third = others[1]
    Reviews(run).decide({third["id"]: third["label"]}, "keep", "Ben")
    assert "Last you dropped 10 rows, just now; 1 decided anew since" in said(app.run())
    press(app, "Undo")
    assert stands(run) == {
        first["id"]: ("keep", None, "Ada"),
        third["id"]: ("keep", None, "Ben"),
    }
    assert "Last you kept 1 row" in said(app)


def test_two_windows_under_one_account_are_two_people(
    run: Run, report: NoiseReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    first, second = report.table["id"].iloc[:2]
    one, other = visit(reviewer=None, run="hostile"), visit(reviewer=None, run="hostile")
    assert one.selectbox(key=REVIEWER).value == other.selectbox(key=REVIEWER).value == "root"
    press(one, "Keep")
    assert one.selectbox(key=REVIEWER).value == "root", "all that root said was said here"
    press(other, "Drop")
    assert stands(run) == {first: ("keep", None, "root")}
    assert "root decided about this row while you looked at it: kept" in said(other)
    assert other.selectbox(key=REVIEWER).value is None
    assert next(button for button in other.button if button.label == "Undo").disabled
    assert in_focus(other, run) == second
    other.selectbox(key=REVIEWER).set_value("root").run()
    assert other.selectbox(key=REVIEWER).value == "root", "whoever says so decides as root"
    press(other, "Drop")
    assert "root" not in said(other)
    one.run()
    assert one.selectbox(key=REVIEWER).value is None
    assert "Somebody else decides as root: say who you are" in said(one)


def test_what_others_decided_meanwhile_stands(run: Run, report: NoiseReport) -> None:
    first, second = report.table.iloc[:2].to_dict("records")
    app = visit(run="hostile")
    Reviews(run).decide({first["id"]: first["label"]}, "drop", "Ben <b>")
    press(app, "Keep")
    assert stands(run) == {first["id"]: ("drop", None, "Ben <b>")}
    assert r"Ben \<b\> decided about this row while you looked at it: dropped" in said(app)
    assert in_focus(app, run) == second["id"]
    press(app, "Keep")
    assert "while you looked" not in said(app)
    assert stands(run)[second["id"]] == ("keep", None, "Ada")


def test_all_shown_are_decided_at_once_but_for_those_of_others(
    run: Run, report: NoiseReport
) -> None:
    rows = report.table.iloc[:10]
    app = visit(run="hostile")
    third = rows.iloc[2]
    Reviews(run).decide({third["id"]: third["label"]}, "keep", "Ben")
    press(app, "Relabel each to its suggestion: 10 rows")
    wanted = {
        row["id"]: ("relabel", row["suggested"], "Ada") for row in rows.to_dict("records")
    } | {third["id"]: ("keep", None, "Ben")}
    assert stands(run) == wanted
    assert "Ben decided about 1 row of these meanwhile" in said(app)
    press(app, "Undo")
    assert stands(run) == {third["id"]: ("keep", None, "Ben")}


def test_a_decided_row_is_found_again_with_its_history(run: Run, report: NoiseReport) -> None:
    first = report.table.iloc[0]
    Reviews(run).decide({first["id"]: first["label"]}, "drop", "Ben")
    app = visit(run="hostile", rows="decided")
    assert in_focus(app, run) == first["id"]
    assert "Ben dropped it just now" in said(app)
    press(app, "Keep")
    assert stands(run) == {first["id"]: ("keep", None, "Ada")}


def test_rows_that_were_kept_before_are_left_out_until_asked_for(
    run: Run, report: NoiseReport
) -> None:
    first, second = report.table["id"].iloc[:2]
    assert "kept" not in [toggle.key for toggle in visit(run="hostile").main.toggle]
    examples = read(run.examples_file)
    kept = pa.array(["keep" if id == first else None for id in examples["id"].to_pylist()])
    write_parquet(run.examples_file, examples.append_column("review_action", kept))
    run.update()
    find_noise(run)
    app = visit(run="hostile")
    assert in_focus(app, run) == second
    assert app.toggle(key="kept").label == "Show also the 1 row already kept in an earlier review"
    app.toggle(key="kept").set_value(True).run()
    assert in_focus(app, run) == first
    assert in_focus(visit(run="hostile", kept="yes"), run) == first
    assert "Already kept in an earlier review" in said(app)
    press(app, "Drop")
    assert stands(run) == {first: ("drop", None, "Ada")}
    assert in_focus(app, run) == second
    assert "Already kept" not in said(app)


def test_whoever_comes_back_alone_need_not_say_who_they_are(run: Run, report: NoiseReport) -> None:
    first, second = report.table.iloc[:2].to_dict("records")
    Reviews(run).decide({first["id"]: first["label"]}, "drop", "Ben")
    app = visit(reviewer=None, run="hostile")
    assert app.selectbox(key=REVIEWER).value == "Ben"
    assert "You decide as Ben" in said(app)
    assert disabled(app, "Undo") == {"Undo": True}
    press(app, "Keep")
    assert disabled(app, "Undo") == {"Undo": False}
    assert stands(run)[second["id"]] == ("keep", None, "Ben")
    app.switch_page("pages/home.py").run()
    app.switch_page("pages/noise.py").run()
    assert app.selectbox(key=REVIEWER).value == "Ben"


def test_nobody_decides_without_a_name(run: Run, report: NoiseReport) -> None:
    for row, name in zip(report.table.to_dict("records"), ("Ada", "Ben"), strict=False):
        Reviews(run).decide({row["id"]: row["label"]}, "drop", name)
    app = visit(reviewer=None, run="hostile")
    assert app.selectbox(key=REVIEWER).value is None
    assert "Say who you are" in said(app)
    assert disabled(app) == {"Keep": True, "Relabel": True, "Drop": True, "Skip": True}
    app.selectbox(key=REVIEWER).set_value("Ben").run()
    assert disabled(app) == {"Keep": False, "Relabel": False, "Drop": False, "Skip": False}


def test_what_is_found_is_told_where_the_truth_is_known(run: Run) -> None:
    app = visit(run="hostile", part="reliable")
    assert not app.exception
    table = next(one.value for one in app.dataframe if "Average precision" in one.value)
    found = dict(detections(run, known_wrong(run)))
    assert sorted(table["Average precision"], reverse=True) == table["Average precision"].tolist()
    consensus = table[table["What it is"] == "what ranks the queue"].iloc[0]
    assert consensus["Average precision"] == found["consensus"].average_precision
    assert set(table["What it is"]) >= {"pruning score", "detector, neighbours"}
    assert "VoG is a pruning score" in said(app)
    assert f"average precision {found['vog'].average_precision:.2f}, chance" in said(app)


def test_whether_to_go_on_is_drawn_from_ten_decisions_on(run: Run, report: NoiseReport) -> None:
    rows = report.table.iloc[:10].to_dict("records")
    reviews = Reviews(run)
    for row in rows[:9]:
        reviews.decide({row["id"]: row["label"]}, "drop", "Ada")
    assert "Is it worth going on?" not in said(visit(run="hostile"))
    reviews.decide({rows[9]["id"]: rows[9]["label"]}, "keep", "Ada")
    app = visit(run="hostile")
    assert not app.exception
    assert "Is it worth going on?" in said(app)


def test_the_queue_follows_the_rows_in_view(run: Run, report: NoiseReport) -> None:
    label = "<b>bold</b>"
    rows = report.table[report.table["label"] == label]
    app = visit(run="hostile", label=label)
    assert in_focus(app, run) == rows["id"].iloc[0]
    left = int((rows["rank"] <= suspected(run)).sum())
    assert 0 < left < len(rows)
    assert f"**{left} likely wrong** to review" in said(app)
    assert f"{len(rows) - left} rows that the consensus suspects less" in said(app)
    assert f"{len(rows)} of {len(report.table)} training rows in view" in said(app)
    press(app, "Keep")
    assert in_focus(app, run) == rows["id"].iloc[1]
    for row in rows.to_dict("records")[1:]:
        Reviews(run).decide({row["id"]: row["label"]}, "keep", "Ada")
    assert "No row in view is left to review" in said(app.run())
    press(app, "Show all rows")
    assert in_focus(app, run) == report.table.loc[report.table["label"] != label, "id"].iloc[0]


def test_it_is_told_where_the_likely_wrong_labels_end(run: Run, report: NoiseReport) -> None:
    last = suspected(run)
    assert 0 < last < len(report.table) - 1
    ids = report.table["id"]
    assert f"Suspect {last} of about {last}" in said(visit(run="hostile", at=ids[last - 1]))
    behind = f"Row {last + 1} of {len(ids)} by suspicion: behind the {last} likely wrong"
    assert behind in said(visit(run="hostile", at=ids[last]))
    decided = report.table.iloc[:last]
    labels = dict(zip(decided["id"], decided["label"], strict=True))
    Reviews(run).decide(labels, "keep", "Ada")
    told = said(visit(run="hostile"))
    assert "**No likely wrong label to review here**" in told
    assert f"{len(ids) - last} rows that the consensus suspects less" in told
    assert f"**{last} rows** decided" in said(visit(run="hostile", rows="decided"))


def test_without_an_estimate_all_rows_are_suspects(runs_root: Path) -> None:
    run = make_run(runs_root, rows=80)
    rows = len(find_noise(run).table)
    assert suspected(run) == 0
    told = said(visit(run="small"))
    assert f"Row 1 of {rows} by suspicion" in told
    assert f"**{rows} rows** to review" in told


def test_only_one_action_stands_out_on_every_part(run: Run) -> None:
    for part in ("review", "reliable", "experiment"):
        app = visit(run="hostile", part=part)
        assert not app.exception
        assert sum(button.proto.type == "primary" for button in app.main.button) <= 1, part


def test_names_stay_text(run: Run) -> None:
    app = visit(run="hostile", label="<b>bold</b>")
    assert not app.exception
    assert not any("<b>bold</b>" in str(one.value) for one in [*app.caption, *app.markdown])
    assert app.text[1].value == "<b>bold</b>"


def test_decisions_go_into_the_export(run: Run, report: NoiseReport) -> None:
    first, second = report.table.iloc[:2].to_dict("records")
    switches = {toggle.key for toggle in visit(page="export", run="hostile").main.toggle}
    assert switches == {"prune.per_class", "tails.per_class"}
    reviews = Reviews(run)
    reviews.decide({first["id"]: first["label"]}, "drop", "Ada")
    reviews.decide({second["id"]: second["label"]}, "relabel", "Ada", second["suggested"])
    app = visit(page="export", run="hostile")
    assert "2 rows: 1 relabelled, 1 dropped" in app.toggle(key="prune.reviews").label
    press(app, "Export")
    assert not app.exception
    assert not app.error
    (kept,) = run.path.glob("exports/*/kept.csv")
    assert first["id"] not in kept.read_text("utf-8")


def test_decisions_go_into_a_new_run(
    run: Run, report: NoiseReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(
        jobs, "start", lambda settings, name, queued: started.append((settings, name))
    )
    first = report.table.iloc[0]
    app = visit(run="hostile")
    assert "Start a new run" not in [button.label for button in app.button]
    press(app, "Drop")
    press(app, "Start a new run")
    assert not app.exception
    ((settings, name),) = started
    assert name.startswith("hostile")
    written = read(Path(settings.data.source))
    assert len(written) == 159
    assert first["id"] not in written["id"].to_pylist()


def test_a_run_without_evidence_says_what_it_needs(runs_root: Path) -> None:
    run = make_run(runs_root, rows=80, scores=("vog",))
    shutil.rmtree(run.dynamics_folder)
    app = visit(run="small")
    assert not app.exception
    assert "holds nothing that tells wrong labels" in said(app)
    assert "training dynamics" in said(app)


def test_the_page_loads_no_model_library(tmp_path: Path) -> None:
    reading = "import ui.noise, ui.desk, ui.detection, ui.reviewed"
    assert loaded_by(reading, tmp_path) <= {"plotly", "pandas"}
