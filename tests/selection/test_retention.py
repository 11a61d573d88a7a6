"""What is kept and lost, by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from influence_core.errors import RunError
from influence_core.exporting import export
from influence_core.selection.retention import (
    class_entropy,
    groupings,
    length_bands,
    retention,
    retention_of,
)
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.corrections import corrections
from influence_core.store.run import Run
from tests.factory import make_run, read
from tests.reviewer import review_some


def test_retention_by_hand() -> None:
    values = ["a", "a", "a", "a", "b", "b", None, "c"]
    kept = np.array([1, 1, 0, 0, 1, 0, 1, 0], bool)
    table = retention(values, kept)
    assert table["value"].tolist()[:2] == ["a", "b"]
    assert table["before"].tolist() == [4, 2, 1, 1]
    named = table[table["value"].notna()].set_index("value")
    assert named["kept"].to_dict() == {"a": 2, "b": 1, "c": 0}
    assert table.loc[table["value"].isna(), "kept"].item() == 1
    assert table["lost"].sum() == 4
    first = table.iloc[0]
    assert (first["kept_share"], first["share_before"], first["share_after"]) == (0.5, 0.5, 0.5)
    assert table.set_index("value")["share_change"]["c"] == -1.0


def test_values_that_change_are_counted_where_they_end_up() -> None:
    before, after = ["a", "a", "a", "b"], ["a", "b", "c", "b"]
    table = retention(before, np.array([True, True, True, False]), after).set_index("value")
    assert table["before"].to_dict() == {"a": 3, "b": 1, "c": 0}
    assert table["kept"].to_dict() == {"a": 1, "b": 1, "c": 1}
    assert table["lost"].to_dict() == {"a": 2, "b": 0, "c": -1}
    assert table.loc["b", "kept_share"] == 1.0
    assert np.isnan(table.loc["c", ["kept_share", "share_change"]].to_numpy(float)).all()


def test_retention_follows_reviewers_as_the_export_does(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    kept = select(small_run, SelectionSettings(fraction=0.2)).kept
    made = export(small_run, kept, tmp_path / "out", review_version=4).manifest
    table = retention_of(small_run, kept, "label", corrections(small_run))
    assert dict(zip(table["value"], table["before"], strict=True)) == made.train_before
    assert dict(zip(table["value"], table["kept"], strict=True)) == made.train_after
    by_source = retention_of(small_run, kept, "source", corrections(small_run))
    assert by_source["kept"].sum() == sum(made.train_after.values())
    assert (by_source["kept"] <= by_source["before"]).all()


def test_nothing_kept_divides_by_nothing() -> None:
    table = retention(["a", "b"], np.array([False, False]))
    assert table["share_after"].tolist() == [0.0, 0.0]
    assert retention([], np.array([], bool)).empty


@pytest.mark.parametrize("column", ["label", "source", "frequency"])
def test_retention_of_a_run_counts_training_rows(small_run: Run, column: str) -> None:
    table = read(small_run.examples_file).to_pandas()
    train = table[table["split"] == "train"]
    kept = train.index[::3]
    shown = retention_of(small_run, kept, column)
    assert shown["before"].sum() == len(train)
    assert shown["kept"].sum() == len(kept)
    expected = train[column].value_counts(dropna=False)
    assert shown["before"].tolist() == sorted(expected, reverse=True)


@pytest.mark.parametrize("column", ["nothing", "vog", "slots", "split", "predicted"])
def test_what_rows_cannot_be_grouped_by_is_named(small_run: Run, column: str) -> None:
    allowed = "'label', 'domain', 'source', 'frequency', 'length'; got"
    with pytest.raises(RunError, match=f"'column' must be one of {allowed} '{column}'"):
        retention_of(small_run, [], column)


def test_rows_can_be_grouped_by_all_that_is_offered(hostile_run: Run) -> None:
    train = hostile_run.manifest().dataset.splits["train"]
    for column in groupings(hostile_run):
        assert retention_of(hostile_run, [], column)["lost"].sum() == train


def test_bands_of_length_by_hand() -> None:
    words = [0, 1, 3, 4, 6, 7, 10, 11, 20, 21, 500]
    bands = ["1–3"] * 3 + ["4–6"] * 2 + ["7–10"] * 2 + ["11–20"] * 2 + ["21+"] * 2
    assert length_bands(words).tolist() == bands


def test_the_lengths_of_both_texts_count(tmp_path: Path) -> None:
    run = make_run(tmp_path, rows=60, pairs=True)
    table = read(run.examples_file).to_pandas()
    train = table[table["split"] == "train"]
    words = train["text"].str.split().str.len() + train["text_pair"].str.split().str.len()
    shown = retention_of(run, [], "length").set_index("value")["before"]
    assert shown.to_dict() == pd.Series(length_bands(words)).value_counts().to_dict()


@pytest.mark.parametrize(
    ("counts", "bits"),
    [([1, 1, 1, 1], 2.0), ([8], 0.0), ([2, 1, 1], 1.5), ([5, 0, 5], 1.0), ([], 0.0)],
)
def test_entropy_by_hand(counts: list[int], bits: float) -> None:
    assert class_entropy(counts) == pytest.approx(bits)
