"""Rows that a query finds where tables lack rows, against the pages that DuckDB joins."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from influence_core.errors import ConfigError, RunError
from influence_core.store.columns import catalogue
from influence_core.store.files import write_parquet
from influence_core.store.finding import numbers
from influence_core.store.lookup import at, coded_at, numbers_at, ordinals_at
from influence_core.store.query import Between, Contains, ExampleQuery, OneOf
from influence_core.store.rows import page
from influence_core.store.run import Run
from tests.factory import read

CONDITIONS = [
    {"filters": (OneOf(column="predicted", values=(None,)),)},
    {"filters": (OneOf(column="correct", values=(True, None)),)},
    {"filters": (OneOf(column="frequency", values=(1, "1000")),)},
    {"filters": (Between(column="el2n", minimum=0.2), OneOf(column="source", values=(None,)))},
    {"filters": (Contains(column="predicted", text="PLAY"),)},
    {"filters": (Contains(column="text", text="The"),), "splits": ("train", "test")},
    {"search": "^(turn|play)", "regex": True},
    {"search": "LAMP", "labels": ("lights_start", "music_play")},
]


@pytest.fixture
def gappy_run(small_run: Run) -> Run:
    """Return a run whose predictions lack every third row and stand in another order."""
    table = read(small_run.predictions_file)
    rows = np.arange(len(table))
    kept = np.random.default_rng(0).permutation(rows[rows % 3 > 0])
    write_parquet(small_run.predictions_file, table.take(pa.array(kept)))
    return small_run


@pytest.mark.parametrize("query", CONDITIONS, ids=str)
@pytest.mark.parametrize("scored", [True, False])
def test_it_finds_what_a_join_finds(gappy_run: Run, query: dict, scored: bool) -> None:
    asked = ExampleQuery(**query, scored_only=scored)
    expected = sorted(page(gappy_run, asked, size=1000)["row"])
    assert numbers(gappy_run, asked).tolist() == expected


def test_a_row_that_a_table_lacks_has_no_value(gappy_run: Run) -> None:
    gaps = ExampleQuery(filters=(OneOf(column="predicted", values=(None,)),))
    examples = len(read(gappy_run.examples_file))
    assert numbers(gappy_run, gaps).tolist() == list(range(0, examples, 3))


def test_a_wrong_question_is_refused(small_run: Run) -> None:
    with pytest.raises(ConfigError, match="'search' must be a regular expression"):
        numbers(small_run, ExampleQuery(search="(", regex=True))
    with pytest.raises(RunError, match="'score' must be one of"):
        numbers(small_run, ExampleQuery(score="loss"))
    with pytest.raises(RunError, match="'column' must be one of"):
        numbers(small_run, ExampleQuery(filters=(OneOf(column="no", values=(1,)),)))


@pytest.mark.parametrize("name", ["predicted", "correct", "p_true"])
def test_values_at_rows_are_those_of_the_table(gappy_run: Run, name: str) -> None:
    known, rows = catalogue(gappy_run).get(name), np.array([5, 0, 399, 7, 5])
    table = read(gappy_run.predictions_file).to_pandas().set_index("row")[name]
    expected = [table.get(row) for row in rows]
    assert at(gappy_run, known, rows).to_pylist() == expected
    codes, names = coded_at(gappy_run, known, rows)
    assert [None if code < 0 else names[code].as_py() for code in codes] == expected
    ordinals = ordinals_at(gappy_run, known, rows)
    present = sorted({value for value in table})
    assert ordinals.tolist() == [-1 if one is None else present.index(one) for one in expected]
    if name != "predicted":
        found = numbers_at(gappy_run, known, rows)
        assert [None if np.isnan(one) else one for one in found] == expected
