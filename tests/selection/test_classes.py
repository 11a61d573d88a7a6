"""Groups by size and hardness against pandas on the same files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from influence_core.selection.classes import by_hardness
from influence_core.store.files import write_parquet
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run
from influence_core.store.statistics import MISSING
from tests.factory import make_run, read

TRAIN = ExampleQuery(scored_only=True)


def scored(run: Run) -> pd.DataFrame:
    labels = read(run.examples_file).to_pandas()["label"]
    scores = read(run.scores_file).to_pandas()
    return scores.assign(label=labels.iloc[scores["row"]].to_numpy())


@pytest.mark.parametrize(("score", "hard"), [("vog", "high"), ("aum", "low")])
def test_medians_and_hardness_are_those_of_pandas(small_run: Run, score: str, hard: str) -> None:
    found = by_hardness(small_run, score, hard, "label", TRAIN).set_index("group")
    table = scored(small_run)
    medians, sizes = table.groupby("label")[score].median(), table["label"].value_counts()
    assert found["rows"].to_dict() == sizes.to_dict()
    pd.testing.assert_series_equal(
        found["median"].sort_index(), medians, check_names=False, check_index_type=False
    )
    hardest = medians.idxmax() if hard == "high" else medians.idxmin()
    assert found["hardness"].idxmax() == hardest
    assert (found["hardness"].min(), found["hardness"].max()) == (0, 1)


def test_the_corner_holds_what_is_rarer_and_harder_than_the_median(runs_root: Path) -> None:
    run = make_run(runs_root, rows=3_000, classes=40)
    found = by_hardness(run, "aum", "low", "label", TRAIN)
    rare = found["rows"] < found["rows"].median()
    harder = found["median"] < found["median"].median()
    assert found["corner"].tolist() == (rare & harder).tolist()
    assert 0 < found["corner"].sum() < 40


def test_nothing_is_rare_among_groups_of_about_one_size(small_run: Run) -> None:
    label = scored(small_run)["label"].value_counts().index[0]
    alone = by_hardness(
        small_run, "vog", "high", "label", TRAIN.model_copy(update={"labels": (label,)})
    )
    assert alone["group"].tolist() == [label]
    assert not alone["corner"].any()
    assert alone["hardness"].tolist() == [0]


def test_recall_is_the_share_of_test_rows_predicted_right(small_run: Run) -> None:
    found = by_hardness(small_run, "vog", "high", "source", TRAIN).set_index("group")
    examples = read(small_run.examples_file).to_pandas()
    right = read(small_run.predictions_file).to_pandas()["correct"]
    test = examples["split"] == "test"
    sources = examples["source"].fillna(MISSING)
    expected = right[test].groupby(sources[test]).agg(["size", "mean"])
    assert found["tested"].to_dict() == expected["size"].to_dict()
    assert found["recall"].to_dict() == pytest.approx(expected["mean"].to_dict())


@pytest.mark.parametrize(
    ("kind", "names"),
    [(pa.bool_(), ["false", "true"]), (pa.int64(), ["0", "1"])],
)
def test_groups_that_are_no_words_have_their_recall(
    small_run: Run, kind: pa.DataType, names: list[str]
) -> None:
    examples = read(small_run.examples_file)
    odd = pa.array([None if row % 7 == 0 else row % 2 for row in range(len(examples))])
    grouped = examples.append_column("odd", odd.cast(kind))
    write_parquet(small_run.examples_file, grouped)
    found = by_hardness(small_run, "vog", "high", "odd", TRAIN).set_index("group")
    assert sorted(found.index) == [MISSING, *names]
    right = read(small_run.predictions_file).to_pandas()["correct"]
    test = examples.to_pandas()["split"] == "test"
    words = pd.Series([MISSING if row % 7 == 0 else names[row % 2] for row in range(len(examples))])
    expected = right[test].groupby(words[test]).mean()
    assert found["recall"].to_dict() == pytest.approx(expected.to_dict())


def test_a_row_without_a_prediction_is_not_tested(small_run: Run) -> None:
    full = by_hardness(small_run, "vog", "high", "label", TRAIN)
    predictions = read(small_run.predictions_file)
    told = predictions.filter(
        pc.and_(pc.equal(predictions["split"], "test"), predictions["correct"])
    )
    write_parquet(small_run.predictions_file, told)
    found = by_hardness(small_run, "vog", "high", "label", TRAIN)
    assert found["tested"].sum() == len(told) < full["tested"].sum()
    assert set(found["recall"].dropna()) == {1.0}


def test_without_predictions_no_recall_is_known(small_run: Run) -> None:
    small_run.predictions_file.unlink()
    found = by_hardness(small_run, "vog", "high", "label", TRAIN)
    assert found["recall"].isna().all()
    assert len(found) == 6


def test_hostile_labels_keep_their_names(hostile_run: Run) -> None:
    found = by_hardness(hostile_run, "vog", "high", "label", TRAIN)
    assert set(found["group"]) == set(scored(hostile_run)["label"])
