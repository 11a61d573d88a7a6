"""All rows in order at once, against the pages that DuckDB sorts and against pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.store.files import write_parquet
from influence_core.store.finding import numbers
from influence_core.store.order import ordered, sort_rows, within
from influence_core.store.query import ExampleQuery, OneOf
from influence_core.store.rows import count, find_rows
from influence_core.store.run import Run
from tests.factory import read

ORDERS = [
    {"score": score, "order": order, "normalise": normalise}
    for score in ("vog", "pvi", "forgetting")
    for order in ("hardest", "easiest")
    for normalise in ("raw", "class", "dataset")
] + [
    {"order": "column", "column": column, "descending": descending}
    for column in ("text", "frequency", "source", "el2n", "correct", "final_confidence")
    for descending in (False, True)
]


@pytest.mark.parametrize("order", [*ORDERS, {}], ids=str)
@pytest.mark.parametrize("scored", [True, False])
def test_it_is_the_order_of_the_pages(small_run: Run, order: dict, scored: bool) -> None:
    query = ExampleQuery(**order, scored_only=scored)
    expected = find_rows(small_run, query, 0, 1000)
    assert ordered(small_run, query).tolist() == expected
    assert len(expected) == count(small_run, query)


@pytest.mark.parametrize("order", ORDERS[::5], ids=str)
def test_what_a_filter_keeps_stands_in_the_order_of_all(small_run: Run, order: dict) -> None:
    query = ExampleQuery(
        **order,
        scored_only=True,
        search="a",
        filters=(OneOf(column="source", values=("human",)),),
        labels=tuple(small_run.manifest().dataset.label_names[:3]),
    )
    found = within(ordered(small_run, query.arrangement), numbers(small_run, query.conditions))
    assert found.tolist() == find_rows(small_run, query, 0, 1000)
    assert 0 < len(found) < len(ordered(small_run, query.arrangement))


@pytest.mark.parametrize("order", ["hardest", "easiest"])
@pytest.mark.parametrize("least", [-5, 2**61])
def test_whole_numbers_of_any_size_are_sorted(small_run: Run, least: int, order: str) -> None:
    scores = read(small_run.scores_file)
    at = scores.column_names.index("forgetting")
    wide = pa.array(np.arange(len(scores)) % 11 + least)
    write_parquet(small_run.scores_file, scores.set_column(at, "forgetting", wide))
    query = ExampleQuery(score="forgetting", order=order, scored_only=True)
    assert ordered(small_run, query).tolist() == find_rows(small_run, query, 0, 1000)


def test_the_two_questions_forget_one_another() -> None:
    first = ExampleQuery(score="vog", order="hardest", search="jazz", scored_only=True)
    second = ExampleQuery(order="column", column="text", search="jazz", scored_only=True)
    other = first.model_copy(update={"search": "", "labels": ("a",)})
    assert first.conditions == second.conditions != other.conditions
    assert first.arrangement == other.arrangement != second.arrangement


def test_values_that_are_none_come_last_both_ways(small_run: Run) -> None:
    table = read(small_run.examples_file)
    values = np.where(np.arange(len(table)) % 3 == 0, np.nan, np.arange(len(table)) % 5)
    values[1] = np.inf
    write_parquet(small_run.examples_file, table.append_column("odd", pa.array(values)))
    for descending in (False, True):
        query = ExampleQuery(order="column", column="odd", descending=descending)
        found = ordered(small_run, query)
        assert found.tolist() == find_rows(small_run, query, 0, 1000)
        missing = [row for row in range(len(table)) if row % 3 == 0 or row == 1]
        assert found[-len(missing) :].tolist() == missing


@given(st.lists(st.sampled_from([-1.5, 0.0, 0.0, 2.0, float("nan")])), st.booleans(), st.randoms())
def test_rows_are_sorted_as_pandas_does(keys: list, descending: bool, random) -> None:
    rows = np.array(random.sample(range(10 * len(keys) + 1), len(keys)), np.int64)
    found = sort_rows(rows, np.array(keys, float), descending)
    table = pd.DataFrame({"row": rows, "key": np.array(keys, float)}).sort_values("row")
    expected = table.sort_values("key", ascending=not descending, kind="stable")
    assert found.tolist() == expected["row"].tolist()


def test_rows_outside_the_order_are_passed_over() -> None:
    assert within(np.array([5, 2, 9]), np.array([2, 3, 9, 40])).tolist() == [2, 9]
    assert within(np.zeros(0, np.int64), np.array([1])).tolist() == []
