"""The classes page: sizes, hardness, balance, what pruning keeps and what was learnt."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from influence_core.selection.imbalance import imbalance
from influence_core.selection.sampled import kept_by_normalisation
from influence_core.selection.select import SelectionSettings
from influence_core.store.files import write_parquet
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run
from tests.factory import make_run, read
from tests.ui.test_distributions import said
from tests.ui.test_distributions import visit as visit_page
from ui import classes

PARTS = tuple(classes.PARTS)


def visit(**view: str | list[str]) -> AppTest:
    return visit_page("classes", **view)


def train(run: Run) -> pd.DataFrame:
    return read(run.examples_file).to_pandas().query("split == 'train'")


def table(app: AppTest, column: str) -> pd.DataFrame:
    return next(frame.value for frame in app.dataframe if column in frame.value)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("by", ["label", "source"])
def test_every_part_is_drawn_for_classes_and_sources(small_run: Run, part: str, by: str) -> None:
    app = visit(run="small", part=part, by=by, norm="dataset")
    assert not app.error
    assert app.selectbox(key="by").value == by


@pytest.mark.parametrize("part", PARTS)
def test_hostile_labels_are_no_markup(hostile_run: Run, part: str) -> None:
    app = visit(run="hostile", part=part)
    assert not app.error
    assert "<b>bold</b>" not in said(app)


def test_the_corner_lists_rare_and_hard_classes(runs_root: Path) -> None:
    run = make_run(runs_root, "wide", rows=1_500, classes=60)
    app = visit(run="wide", score="el2n", norm="dataset")
    sizes = train(run)["label"].value_counts()
    listed = table(app, "Test recall")
    assert 0 < len(listed) < 60
    assert all(sizes[name] < sizes.median() for name in listed["Class"])
    assert f"Hard and rare: {len(listed)} classes" in said(app)
    assert "60 classes, orange hard" in said(app)


def test_balance_is_that_of_the_rows_in_view(small_run: Run) -> None:
    app = visit(run="small", part="balance", filter=["source=human"])
    rows = train(small_run)
    found = imbalance(rows.loc[rows["source"] == "human", "label"].value_counts())
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Classes"] == str(found.groups)
    assert shown["Entropy"] == f"{found.entropy:.2f} bits"
    assert shown["Effective"] == f"{found.effective:.1f}"
    assert shown["Gini"] == f"{found.gini:.2f}"
    splits = table(app, "Split")
    assert splits["Split"].tolist() == ["train", "validation", "test"]
    assert splits["Entropy"].iloc[0] == f"{imbalance(rows['label'].value_counts()).entropy:.2f}"


def test_sources_tell_how_mixed_they_are(small_run: Run) -> None:
    app = visit(run="small", part="balance", by="source")
    mixed = table(app, "Group").set_index("Group")["Rows"]
    sizes = train(small_run)["source"].value_counts()
    assert {name: int(rows) for name, rows in mixed.items() if name in sizes} == sizes.to_dict()
    assert not [
        frame for frame in visit(run="small", part="balance").dataframe if "Group" in frame.value
    ]


def test_the_slider_decides_what_classes_keep(small_run: Run) -> None:
    app = visit(run="small", part="kept", score="vog", norm="class")
    app.slider(key="prune.fraction").set_value(60).run()
    wanted = SelectionSettings(score="vog", normalise="class", fraction=0.6)
    kept = kept_by_normalisation(small_run, wanted, "label", ExampleQuery(scored_only=True))
    shown = table(app, "Kept within its class").set_index("Class")
    expected = (100 * kept.set_index("group")["class"]).to_dict()
    assert shown["Kept within its class"].to_dict() == pytest.approx(expected)
    assert "the 40% kept" in said(app)


def test_figures_of_what_is_kept_begin_with_what_is_lost_most(runs_root: Path) -> None:
    make_run(runs_root, "wide", rows=600, classes=14)
    app = visit(run="wide", part="kept", score="vog", norm="dataset", share="60")
    shown = next(one for one in app.dataframe if "Kept within the dataset" in one.value)
    kept = shown.value["Kept within the dataset"].tolist()
    assert kept == sorted(kept)
    assert kept[0] < kept[-1]


def test_lines_are_told_where_they_are_drawn(runs_root: Path) -> None:
    make_run(runs_root, "wide", rows=600, classes=40)
    assert "lines at the medians" in said(visit(run="wide", part="hardness", norm="dataset"))
    run = make_run(runs_root, "level", rows=80, classes=4)
    examples = read(run.examples_file)
    train = sum(split == "train" for split in examples["split"].to_pylist())
    classes_of = next(number for number in (5, 4, 3, 7, 11, train) if train % number == 0)
    turn = count()
    labels = [
        f"class {next(turn) % classes_of if split == 'train' else 0}"
        for split in examples["split"].to_pylist()
    ]
    place = examples.column_names.index("label")
    write_parquet(run.examples_file, examples.set_column(place, "label", pa.array(labels)))
    told = said(visit(run="level", part="hardness", norm="dataset"))
    assert "None is rare: all have" in told
    assert "lines at the medians" not in told


def test_the_share_is_in_the_address_and_that_of_the_export_page(small_run: Run) -> None:
    app = visit(run="small", part="kept", share="45")
    assert app.slider(key="prune.fraction").value == 45
    app.slider(key="prune.fraction").set_value(60).run()
    assert app.session_state["share"] == "60"
    app.switch_page("pages/export.py").run()
    assert app.slider(key="prune.fraction").value == 60


def test_classes_that_keep_nothing_are_named(runs_root: Path) -> None:
    run = make_run(runs_root, "wide", rows=600, classes=40)
    app = visit(run="wide", part="kept", score="vog", norm="dataset")
    app.slider(key="prune.fraction").set_value(95).run()
    wanted = SelectionSettings(score="vog", normalise="dataset", fraction=0.95)
    kept = kept_by_normalisation(run, wanted, "label", ExampleQuery(scored_only=True))
    emptied = kept.loc[kept["dataset"] == 0, "group"]
    assert len(emptied) > 3
    named = ", ".join(name.replace("_", "\\_") for name in emptied.head(3))
    assert app.warning[0].value.endswith(f"{named} and {len(emptied) - 3} more.")


def test_recall_without_test_rows_says_what_to_do(small_run: Run) -> None:
    small_run.predictions_file.unlink()
    app = visit(run="small", part="recall")
    assert not app.error
    assert "No test row was predicted" in said(app)


def test_a_chosen_class_leaves_the_others_in_view(small_run: Run) -> None:
    label = train(small_run)["label"].iloc[0]
    app = visit(run="small", part="hardness", label=label)
    assert "6 classes, orange hard" in said(app)
    balanced = visit(run="small", part="balance", label=label)
    assert {metric.label: metric.value for metric in balanced.metric}["Classes"] == "6"


def test_one_class_and_one_row_do_no_harm(runs_root: Path) -> None:
    make_run(runs_root, "one", rows=40, classes=1)
    for part in PARTS:
        assert not visit(run="one", part=part).error
