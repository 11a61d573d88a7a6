"""The export page: what goes, what that does, and what is written, are those of the core."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from influence_core.noise.share import WrongShare
from influence_core.noise.table import NoiseReport, read_noise, write_noise
from influence_core.selection.curate import CurationSettings, curate
from influence_core.selection.retention import class_entropy
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.columns import NOISE_FACTS
from influence_core.store.export import DATASHEET
from influence_core.store.exported import kept_ids, written_exports
from influence_core.store.files import write_parquet
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from tests.factory import make_run
from tests.reviewer import review_some

APP = Path(__file__).parents[2] / "app.py"


def visit(**view: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120)
    app.switch_page("pages/export.py")
    for name, value in view.items():
        app.query_params[name] = value
    return app.run()


def metrics(app: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in app.metric}


def said(app: AppTest) -> str:
    elements = [*app.caption, *app.markdown, *app.subheader, *app.warning, *app.error]
    return "\n".join(str(element.value) for element in elements)


def press(app: AppTest, label: str) -> AppTest:
    return next(one for one in app.button if one.label == label).click().run()


@pytest.fixture
def easy(small_run: Run) -> np.ndarray:
    """Rows that go first, of which two selections are made."""
    rows = select(small_run, SelectionSettings(fraction=0.2)).dropped
    Selections(small_run).create("gold", rows[:10])
    Selections(small_run).create("bad", rows[10:40])
    return rows


def test_selections_move_the_figures_and_the_export(small_run: Run, easy: np.ndarray) -> None:
    app = visit(run="small", keep=["gold"], omit=["bad"])
    assert not app.exception
    named = CurationSettings(keep_selection=("gold",), drop_selection=("bad",))
    curated = curate(small_run, SelectionSettings(), named)
    assert metrics(app)["Kept"] == str(len(curated.kept))
    assert "10 training rows of gold always kept" in said(app)
    assert f"of {curated.decided} left to decide {len(curated.selection.dropped)} go" in said(app)
    press(app, "Export")
    (done,) = written_exports(small_run)
    assert done.folder.name == "vog-class-easy-30-with-gold-without-bad"
    ids = small_run.examples(["id"])["id"]
    assert sorted(kept_ids(done)) == sorted(ids[curated.kept])
    assert {one.name: one.rows for one in done.manifest.selections} == {"gold": 10, "bad": 30}
    assert "Replace" in [one.label for one in app.button]


def test_balance_follows_reviewers_before_anything_is_written(small_run: Run) -> None:
    review_some(small_run)
    app = visit(run="small")
    app.slider(key="prune.fraction").set_value(0).run()
    before = small_run.manifest().dataset.class_counts
    assert metrics(app)["Removed"] == "2"
    assert "Reviewers remove 2 more" in said(app)
    frame = next(one.value for one in app.dataframe if "Kept share" in one.value)
    press(app, "Export")
    (done,) = written_exports(small_run)
    after = {name: int(rows) for name, rows in zip(frame["class"], frame["Kept"], strict=True)}
    assert after == done.manifest.train_after != before
    entropy = class_entropy(list(after.values()))
    assert metrics(app)["Balance"] == f"{100 * entropy / np.log2(len(after)):.0f}% even"


@pytest.fixture
def doubtful(small_run: Run) -> NoiseReport:
    """The labels of the run, judged, a tenth of them being likely wrong."""
    report = write_noise(small_run)
    wrong = WrongShare(share=0.1, low=0.05, high=0.15)
    facts = report.facts.model_copy(update={"wrong": wrong})
    table = pq.read_table(small_run.noise_file)
    told = {**table.schema.metadata, NOISE_FACTS: facts.model_dump_json().encode()}
    write_parquet(small_run.noise_file, table.replace_schema_metadata(told))
    return read_noise(small_run)


def test_likely_wrong_labels_that_stay_are_counted_and_dropped_on_request(
    small_run: Run, doubtful: NoiseReport
) -> None:
    top = doubtful.table["row"].iloc[: round(0.1 * len(doubtful.table))]
    before = len(top) / len(doubtful.table)
    app = visit(run="small", share="60")
    kept = select(small_run, SelectionSettings(fraction=0.6)).kept
    stay = int(np.isin(top, kept).sum())
    assert metrics(app)["Likely wrong labels"] == str(stay)
    (told,) = (one.delta for one in app.metric if one.label == "Likely wrong labels")
    assert told == f"{100 * stay / len(kept):.1f}%, was {100 * before:.1f}%"
    press(app, "Drop likely wrong labels first")
    clipped = SelectionSettings(fraction=0.6, clip_suspicious=round(before, 3))
    kept = select(small_run, clipped).kept
    assert metrics(app)["Likely wrong labels"] == str(int(np.isin(top, kept).sum()))
    assert app.session_state["protect"] == [f"clip_suspicious:{round(before, 3)}"]
    assert "Drop likely wrong labels first" not in [one.label for one in app.button]
    press(app, "Export")
    assert written_exports(small_run)[0].folder.name == "vog-class-easy-60-clipped"


def test_what_goes_first_is_no_more_than_what_goes(small_run: Run, doubtful: NoiseReport) -> None:
    app = visit(run="small", share="60")
    press(app, "Drop likely wrong labels first")
    app.slider[0].set_value(0).run()
    assert not app.error
    assert metrics(app)["Removed"] == "0"
    assert "as many as the share that goes lets" in said(app)


def test_what_was_estimated_of_one_run_drops_nothing_of_another(
    small_run: Run, doubtful: NoiseReport
) -> None:
    make_run(small_run.root, "other", rows=100)
    app = visit(run="small", share="60")
    press(app, "Drop likely wrong labels first")
    app.session_state["run"] = "other"
    app.run()
    assert not app.error
    assert app.session_state["prune.clip_suspicious"] == 0


def test_an_export_that_lost_a_file_is_written_again(small_run: Run) -> None:
    app = visit(run="small")
    press(app, "Export")
    (export,) = written_exports(small_run)
    assert "Replace" in [one.label for one in app.run().button]
    next(export.folder.glob("kept.*")).unlink()
    buttons = {one.label: one for one in visit(run="small").button}
    assert buttons["Replace"].proto.type == "primary"


def test_rows_that_reviewers_judged_are_no_longer_suspects(
    small_run: Run, doubtful: NoiseReport
) -> None:
    top = doubtful.table.iloc[: round(0.1 * len(doubtful.table))]
    Reviews(small_run).decide(dict(zip(top["id"][:3], top["label"][:3], strict=True)), "keep", "A")
    Reviews(small_run).decide(
        dict(zip(top["id"][3:5], top["label"][3:5], strict=True)), "drop", "A"
    )
    app = visit(run="small", share="0")
    app.slider(key="prune.fraction").set_value(0).run()
    assert metrics(app)["Likely wrong labels"] == str(len(top) - 5)


def test_what_was_never_estimated_leads_to_noise(small_run: Run) -> None:
    app = visit(run="small")
    assert "Likely wrong labels" not in metrics(app)
    assert "How many of the labels that stay are wrong was not estimated." in said(app)


def test_decisions_that_pruning_takes_are_told_before_and_after(small_run: Run) -> None:
    review_some(small_run)
    app = visit(run="small", share="60")
    kept = set(small_run.examples(["id"])["id"][select(small_run, settings60()).kept])
    decided = list(Reviews(small_run).standing().values())
    gone = {
        action: [one.id for one in decided if one.action == action and one.id not in kept]
        for action in ("relabel", "keep")
    }
    assert gone["relabel"] or gone["keep"]
    words = " and ".join(
        f"{len(gone[action])} of 2 {noun}"
        for action, noun in (("relabel", "relabelled rows"), ("keep", "found right"))
        if gone[action]
    )
    assert f"{words} are among the rows that go" in said(app)
    press(app, "Export")
    (done,) = written_exports(small_run)
    assert words in (done.folder / DATASHEET).read_text(encoding="utf-8")
    app.slider(key="prune.fraction").set_value(0).run()
    assert "are among the rows that go" not in said(app)


def settings60() -> SelectionSettings:
    return SelectionSettings(fraction=0.6)


def test_what_was_written_is_taken_first_and_replaced_last(small_run: Run) -> None:
    app = visit(run="small")
    press(app, "Export")
    shown = app.get("download_button")
    assert [one.proto.type for one in shown if one.proto.label == "Download"] == [
        "primary",
        "secondary",
    ]
    (again,) = (one for one in app.button if one.label == "Replace")
    assert again.proto.type == "secondary"
    app.number_input(key="prune.floor").set_value(2).run()
    (again,) = (one for one in app.button if one.label == "Replace")
    assert again.proto.type == "primary"


def test_starting_from_a_selection_keeps_all_of_it(small_run: Run, easy: np.ndarray) -> None:
    app = visit(run="small")
    app.slider(key="prune.fraction").set_value(40).run()
    app.multiselect(key="prune.start").set_value(["bad"]).run()
    assert metrics(app)["Kept"] == "30"
    assert app.slider(key="prune.fraction").value == 0
    assert "would lose every row" in said(app) or metrics(app)["Classes left empty"] == "0"
    app.multiselect(key="prune.start").set_value([]).run()
    assert app.slider(key="prune.fraction").value == 40


def test_a_contradiction_is_told_in_place(small_run: Run, easy: np.ndarray) -> None:
    Selections(small_run).add("bad", easy[:1])
    app = visit(run="small", keep=["gold"], omit=["bad"])
    assert not app.exception
    assert "1 rows are both to keep" in said(app)
    assert "Export" not in [one.label for one in app.button]
    assert any("the hardest or the easiest rows" in one.label for one in app.expander)


@pytest.mark.parametrize("strategy", ["random", "softmax"])
def test_both_ends_stop_no_page_where_rows_are_drawn(small_run: Run, strategy: str) -> None:
    app = visit(run="small")
    app.selectbox(key="prune.prune").set_value("both").run()
    app.selectbox(key="prune.strategy").set_value(strategy).run()
    assert not app.error
    assert not app.exception
    assert strategy == "random" or "easy rows go" in said(app).lower()
    app.session_state["part"] = "sampling"
    app.switch_page("pages/distributions.py").run()
    assert "draw" in said(app)
    assert not app.error
    assert not app.exception


def test_other_pages_say_that_they_leave_selections_aside(small_run: Run, easy: np.ndarray) -> None:
    app = visit(run="small", omit=["bad"])
    app.session_state["part"] = "sampling"
    app.switch_page("pages/distributions.py").run()
    assert "cut off by rank, named selections left aside" in said(app)
    app.session_state["prune.omit"] = []
    app.run()
    assert "named selections left aside" not in said(app)


def test_a_class_that_is_emptied_is_named(small_run: Run) -> None:
    label = small_run.manifest().dataset.label_names[2]
    examples = small_run.examples(["label", "split"])
    rows = np.flatnonzero((examples["label"] == label) & (examples["split"] == "train"))
    Selections(small_run).create("class", rows)
    app = visit(run="small", omit=["class"])
    assert metrics(app)["Classes left empty"] == "1"
    assert label.replace("_", "\\_") in app.warning[0].value


def test_files_are_checked_on_request(small_run: Run) -> None:
    app = visit(run="small")
    press(app, "Export")
    app.session_state["contents vog-class-easy-30"] = True
    press(app.run(), "Check the files")
    assert "Every file is as it was written." in [one.value for one in app.success]
    (done,) = written_exports(small_run)
    (done.folder / "kept.csv").write_text("other")
    press(app, "Check the files")
    assert "1 file differs" in said(app)
    frame = next(one.value for one in app.dataframe if "State" in one.value)
    assert dict(zip(frame["File"], frame["State"], strict=True))["kept.csv"] == "changed since"


def test_two_exports_are_compared(small_run: Run) -> None:
    app = visit(run="small")
    press(app, "Export")
    app.slider(key="prune.fraction").set_value(50).run()
    press(app, "Export")
    second = next(one for one in app.selectbox if one.label == "Second")
    second.set_value(second.options[0]).run()
    less, more = (
        set(select(small_run, SelectionSettings(fraction=part)).kept) for part in (0.5, 0.3)
    )
    found = metrics(app)
    assert found["Kept by both"] == str(len(less & more))
    assert found["Jaccard"] == f"{len(less & more) / len(less | more):.2f}"


def test_the_address_carries_the_draft(small_run: Run, easy: np.ndarray) -> None:
    app = visit(run="small", share="45", goes="hard", chosen="softmax", omit=["bad"])
    named = CurationSettings(drop_selection=("bad",))
    wanted = SelectionSettings(fraction=0.45, prune="hard", strategy="softmax")
    assert metrics(app)["Kept"] == str(len(curate(small_run, wanted, named).kept))
    app.slider(key="prune.fraction").set_value(50).run()
    assert app.slider(key="prune.fraction").value == 50
    assert app.session_state["share"] == "50"
    app = visit(run="small", share="300", goes="sideways")
    assert not app.exception
    assert app.slider(key="prune.fraction").value == 30


def test_the_address_carries_what_protects_and_the_seed(small_run: Run) -> None:
    asked = ["floor:20", "per_class:True", "seed:7", "clip_suspicious:0.1"]
    app = visit(run="small", share="60", chosen="linear", protect=asked)
    wanted = SelectionSettings(
        fraction=0.6, strategy="linear", floor=20, per_class=True, seed=7, clip_suspicious=0.1
    )
    assert [app.session_state[f"prune.{name}"] for name in ("floor", "per_class", "seed")] == [
        *(20, True, 7)
    ]
    assert metrics(app)["Kept"] == str(len(select(small_run, wanted).kept))
    assert set(app.session_state["protect"]) == set(asked)
    app.number_input(key="prune.floor").set_value(0).run()
    assert set(app.session_state["protect"]) == set(asked[1:])


def test_a_link_that_protects_nothing_takes_protection_back(small_run: Run) -> None:
    app = visit(run="small", share="60", protect=["floor:20"], unreviewed="yes")
    assert app.session_state["prune.reviews"] is False
    app.session_state["protect"], app.session_state["unreviewed"] = [], False
    app.run()
    assert app.number_input(key="prune.floor").value == 0
    assert app.session_state["prune.reviews"] is True
    assert app.session_state["protect"] == []


def test_what_makes_no_sense_in_a_link_is_left_out(small_run: Run) -> None:
    app = visit(run="small", protect=["floor:many", "floor:-3", "password:1", "seed", ":"])
    assert not app.exception
    assert app.number_input(key="prune.floor").value == 0
    assert app.session_state["protect"] == []


def test_a_link_to_a_selection_alone_keeps_all_of_it(small_run: Run, easy: np.ndarray) -> None:
    assert metrics(visit(run="small", start=["bad"]))["Kept"] == "30"
    half = metrics(visit(run="small", start=["bad"], share="50"))["Kept"]
    assert half == "15"


def test_a_selection_that_is_gone_leaves_the_address(small_run: Run) -> None:
    app = visit(run="small", keep=["ghost"])
    assert not app.exception
    assert not app.error
    assert "keep" not in app.query_params


def test_a_folder_with_a_long_name_is_written(small_run: Run) -> None:
    app = visit(run="small")
    typed = next(one for one in app.text_input if one.label.startswith("Folder"))
    typed.set_value("long" * 100).run()
    press(app, "Export")
    assert not app.exception
    assert written_exports(small_run)[0].folder.name == "long" * 50


def test_nothing_is_written_where_nothing_may_be(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFLUENCE_READ_ONLY", "1")
    app = visit(run="small")
    assert next(one for one in app.button if one.label == "Export").disabled
    monkeypatch.setenv("INFLUENCE_MASK_TEXTS", "1")
    app = visit(run="small")
    assert "Texts are masked" in said(app)
    assert not [one for one in app.get("download_button")]
