"""Distributions against numpy and pandas on the same files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from influence_core.errors import ConfigError, RunError
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from influence_core.store.tables import (
    MISSING,
    OTHER,
    ExampleQuery,
    box,
    histogram,
    quantiles,
    summary,
    value_counts,
)
from tests.factory import make_run, read


def scored(run: Run) -> pd.DataFrame:
    examples = read(run.examples_file).to_pandas()
    examples["row"] = range(len(examples))
    scores = read(run.scores_file).to_pandas().drop(columns="id")
    table = scores.merge(examples, on="row")
    table["source"] = table["source"].fillna(MISSING)
    return table


@pytest.mark.parametrize("column", ["vog", "pvi_dataset_norm", "aum_class_norm"])
def test_histogram_counts_as_numpy(small_run: Run, column: str) -> None:
    values = scored(small_run)[column]
    counts, edges = np.histogram(values, 20)
    shown = histogram(small_run, column, 20)
    filled = np.flatnonzero(counts)
    assert shown["rows"].tolist() == counts[filled].tolist()
    np.testing.assert_allclose(shown["left"], edges[filled], atol=1e-12)
    np.testing.assert_allclose(shown["right"], edges[filled + 1], atol=1e-12)


@pytest.mark.parametrize("value", [0.25, 0.0, 2.0**53, -(2.0**60), 1e300])
@pytest.mark.parametrize("bins", [1, 50])
def test_histogram_of_one_value_has_one_bin(small_run: Run, value: float, bins: int) -> None:
    table = read(small_run.scores_file)
    place = table.schema.get_field_index("vog")
    same = table.set_column(place, "vog", pa.array([value] * len(table)))
    write_parquet(small_run.scores_file, same)
    shown = histogram(small_run, "vog", bins)
    assert shown["rows"].tolist() == [len(table)]
    assert shown["left"][0] <= value <= shown["right"][0]
    assert shown["left"][0] < shown["right"][0]


def test_histogram_by_group_shares_its_bins(small_run: Run) -> None:
    table = scored(small_run)
    edges = np.histogram_bin_edges(table["pvi"], 12)
    shown = histogram(small_run, "pvi", 12, "source")
    for source, part in table.groupby("source"):
        counts = np.histogram(part["pvi"], edges)[0]
        assert shown.loc[shown["group"] == source, "rows"].tolist() == counts[counts > 0].tolist()


def test_histogram_leaves_out_what_lies_beyond_the_clip(small_run: Run) -> None:
    values = scored(small_run)["tracin"]
    low, high = np.quantile(values, [0.05, 0.9])
    shown = histogram(small_run, "tracin", 10, clip=(0.05, 0.9))
    assert shown["rows"].sum() == values.between(low, high).sum()
    assert shown["left"].min() == pytest.approx(low)
    assert shown["right"].max() == pytest.approx(high)


def test_a_constant_column_fills_one_bin(runs_root: Path) -> None:
    run = make_run(runs_root, classes=1, rows=40)
    shown = histogram(run, "forgetting", 3, query=ExampleQuery(labels=("lights_start",)))
    assert shown["rows"].sum() == len(scored(run))


def test_quantiles_interpolate_as_numpy(small_run: Run) -> None:
    shown = quantiles(small_run, "vog", "label", 11)
    for label, part in scored(small_run).groupby("label"):
        lines = shown[shown["group"] == label]
        np.testing.assert_allclose(lines["quantile"], np.linspace(0, 1, 11))
        np.testing.assert_allclose(lines["value"], np.quantile(part["vog"], np.linspace(0, 1, 11)))


def test_box_numbers_as_pandas(small_run: Run) -> None:
    shown = box(small_run, "aum", "domain").set_index("group")
    for domain, part in scored(small_run).groupby("domain"):
        values = part["aum"]
        q1, median, q3 = values.quantile([0.25, 0.5, 0.75])
        line = shown.loc[domain]
        reach = 1.5 * (q3 - q1)
        np.testing.assert_allclose(
            line[["minimum", "q1", "median", "q3", "maximum"]].to_numpy(float),
            [values.min(), q1, median, q3, values.max()],
        )
        assert line["lower_fence"] == pytest.approx(max(values.min(), q1 - reach))
        assert line["upper_fence"] == pytest.approx(min(values.max(), q3 + reach))
        assert line["rows"] == len(values)


def test_summary_is_the_table_of_the_paper(small_run: Run) -> None:
    shown = summary(small_run, "pvi", "label").set_index(["group", "normalise"])
    columns = {"raw": "pvi", "class": "pvi_class_norm", "dataset": "pvi_dataset_norm"}
    for label, part in scored(small_run).groupby("label"):
        for normalise, column in columns.items():
            line, values = shown.loc[(label, normalise)], part[column]
            assert line["rows"] == len(values)
            np.testing.assert_allclose(
                line[["median", "mean", "std", "below_zero"]].to_numpy(float),
                [values.median(), values.mean(), values.std(ddof=0), (values < 0).mean()],
                atol=1e-12,
            )


def test_summary_of_everything_has_a_line_a_normalisation(small_run: Run) -> None:
    shown = summary(small_run, "vog")
    assert shown["normalise"].tolist() == ["raw", "class", "dataset"]
    assert shown["group"].tolist() == ["all"] * 3
    assert shown["mean"].iloc[2] == pytest.approx(0, abs=1e-12)
    assert shown["std"].iloc[2] == pytest.approx(1)


def test_a_query_chooses_the_rows(small_run: Run) -> None:
    query = ExampleQuery(labels=("lights_start",), search="lamp")
    table = scored(small_run)
    part = table[(table["label"] == "lights_start") & table["text"].str.contains("lamp")]
    assert summary(small_run, "vog", query=query)["rows"].tolist() == [len(part)] * 3
    assert box(small_run, "vog", query=query)["median"].item() == pytest.approx(
        part["vog"].median()
    )


def test_value_counts_as_pandas(small_run: Run) -> None:
    table = read(small_run.examples_file).to_pandas()
    shown = value_counts(small_run, "domain").set_index("value")["rows"]
    assert shown.to_dict() == table["domain"].value_counts().to_dict()
    assert shown.is_monotonic_decreasing
    test = value_counts(small_run, "source", "test")
    expected = table.loc[table["split"] == "test", "source"].value_counts(dropna=False)
    assert test["rows"].tolist() == sorted(expected, reverse=True)
    assert len(value_counts(small_run, "label", groups=2)) == 2


def test_the_smallest_groups_are_gathered(runs_root: Path) -> None:
    run = make_run(runs_root, rows=3000, classes=500)
    shown = box(run, "vog", "label", groups=10)
    sizes = scored(run)["label"].value_counts()
    assert len(shown) == 11
    assert shown["group"].iloc[-1] == OTHER
    assert shown["rows"].iloc[:10].tolist() == sizes.iloc[:10].tolist()
    assert shown["rows"].iloc[10] == sizes.iloc[10:].sum()


def test_rows_without_a_group_are_shown(small_run: Run) -> None:
    shown = box(small_run, "vog", "source").set_index("group")["rows"]
    assert shown.to_dict() == scored(small_run)["source"].value_counts().to_dict()
    assert MISSING in shown


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: histogram(run, "vog", 0), "'bins' must be at least 1"),
        (lambda run: histogram(run, "domain"), "'column' must hold numbers"),
        (lambda run: histogram(run, "vog", clip=(0.5, 0.5)), "'clip' must hold two rising"),
        (lambda run: quantiles(run, "vog", points=1), "'points' must be at least 2"),
    ],
)
def test_bad_questions_are_explained(small_run: Run, call, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        call(small_run)


def test_unknown_columns_and_scores_are_named(small_run: Run, runs_root: Path) -> None:
    with pytest.raises(RunError, match=r"'column' must be one of .*; got 'gravity'"):
        box(small_run, "gravity")
    with pytest.raises(RunError, match="no scores yet"):
        summary(make_run(runs_root, name="early", scored=False), "vog")


def test_hostile_groups_keep_their_names(hostile_run: Run) -> None:
    shown = box(hostile_run, "vog", '"; DROP TABLE examples; --')
    table = scored(hostile_run)
    assert set(shown["group"]) == set(table['"; DROP TABLE examples; --'])
