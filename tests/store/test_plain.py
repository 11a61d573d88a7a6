"""Columns of every type that a Parquet file may hold: filtered, grouped, sorted and shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from influence_core.errors import RunError
from influence_core.store.columns import catalogue
from influence_core.store.files import write_parquet
from influence_core.store.finding import numbers
from influence_core.store.grouping import MISSING, groups_of
from influence_core.store.masking import text_columns
from influence_core.store.order import ordered
from influence_core.store.plain import plain
from influence_core.store.query import Between, Contains, ExampleQuery, OneOf
from influence_core.store.rows import columns_of, example, find_rows
from influence_core.store.run import Run
from influence_core.store.statistics import histogram, value_counts
from tests.factory import make_run, read

pytestmark = pytest.mark.filterwarnings(
    "ignore:The inplace keyword in DataFrame.drop:pandas.errors.Pandas4Warning"
)
"""DuckDB makes frames of times with a zone in a way that pandas will give up."""

ROWS = 30


def zoned(year: int) -> datetime:
    return datetime(year, 5, 1, tzinfo=UTC)


def extension(kind: pa.DataType, values: list[Any]) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))


LOW, HIGH = UUID(int=7), UUID(int=2**127 + 9)
KINDS: dict[str, tuple[pa.Array, tuple[Any, Any]]] = {
    "half": (pa.array([np.float16(1.5), None, np.float16(3)], pa.float16()), (1.5, 3.0)),
    "float": (pa.array([1.5, None, 3.0], pa.float32()), (1.5, 3.0)),
    "long decimal": (
        pa.array([Decimal("1.50"), None, Decimal("3")], pa.decimal256(50, 2)),
        (1.5, 3.0),
    ),
    "decimal": (
        pa.array([Decimal("1.50"), None, Decimal("3")], pa.decimal128(9, 2)),
        (Decimal("1.50"), Decimal("3.00")),
    ),
    "duration": (pa.array([5, None, 90], pa.duration("s")), (5, 90)),
    "whole": (pa.array([2**63 + 1, None, 2**63 + 2049], pa.uint64()), (2**63 + 1, 2**63 + 2049)),
    "flag": (pa.array([False, None, True]), (False, True)),
    "small flag": (extension(pa.bool8(), [0, None, 1]), (0, 1)),
    "uuid": (extension(pa.uuid(), [LOW.bytes, None, HIGH.bytes]), (str(LOW), str(HIGH))),
    "json": (extension(pa.json_(), ['{"a": 1}', None, '{"b": 2}']), ('{"a": 1}', '{"b": 2}')),
    "words": (pa.array(["tea", None, "zoo"]), ("tea", "zoo")),
    "seen words": (pa.array(["tea", None, "zoo"], pa.string_view()), ("tea", "zoo")),
    "coded words": (pa.array(["tea", None, "zoo"]).dictionary_encode(), ("tea", "zoo")),
    "day": (
        pa.array([date(2020, 1, 1), None, date(2021, 1, 1)]),
        (date(2020, 1, 1), date(2021, 1, 1)),
    ),
    "hour": (pa.array([time(1, 30), None, time(3)], pa.time64("us")), (time(1, 30), time(3))),
    "moment": (
        pa.array([datetime(2020, 1, 1), None, datetime(2021, 1, 1)], pa.timestamp("us")),
        (datetime(2020, 1, 1), datetime(2021, 1, 1)),
    ),
    "zone": (
        pa.array([zoned(2020), None, zoned(2021)], pa.timestamp("us", tz="Europe/Berlin")),
        (zoned(2020), zoned(2021)),
    ),
}
"""Three values of a type, rising but for the gap between them, and what an answer shows of them."""

NESTED = {
    "halves": pa.array([[1.5], None, [2.0, 3.0]], pa.list_(pa.float16())),
    "records": pa.array(
        [{"size": Decimal("1.5")}, None, {"size": Decimal("2")}],
        pa.struct([("size", pa.decimal256(50, 1))]),
    ),
    "mapped": pa.array([[("a", 1.5)], None, []], pa.map_(pa.string(), pa.float16())),
    "keys": pa.ListArray.from_arrays([0, 2, 3, 3], KINDS["uuid"][0]),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run whose rows 0, 1, 2, 0, 1, 2 ... hold the three values of every type."""
    run = make_run(tmp_path_factory.mktemp("runs"), rows=ROWS)
    table = read(run.examples_file)
    for name, values in ({name: one for name, (one, _) in KINDS.items()} | NESTED).items():
        table = table.append_column(name, pa.chunked_array([values] * (ROWS // 3)))
    write_parquet(run.examples_file, table)
    return run


def rows_of(value: int) -> list[int]:
    return list(range(value, ROWS, 3))


@pytest.mark.parametrize("name", KINDS)
def test_any_type_is_filtered(run: Run, name: str) -> None:
    column, high = catalogue(run).get(name), KINDS[name][1][1]

    def found(test: Any) -> list[int]:
        query = ExampleQuery(filters=(test,))
        assert numbers(run, query).tolist() == find_rows(run, query, 0, ROWS)
        return numbers(run, query).tolist()

    assert found(OneOf(column=name, values=(None,))) == rows_of(1)
    if column.kind in ("number", "integer"):
        assert found(OneOf(column=name, values=(float(high),))) == rows_of(2)
        assert found(Between(column=name, minimum=float(high))) == rows_of(2)
    elif column.kind != "time":
        assert found(OneOf(column=name, values=(high,))) == rows_of(2)
        assert found(Contains(column=name, text=str(high).upper())) == rows_of(2)
    elif isinstance(high, date):
        assert found(Between(column=name, minimum=high)) == rows_of(2)


@pytest.mark.parametrize("name", KINDS)
def test_any_type_is_grouped_and_counted(run: Run, name: str) -> None:
    column = catalogue(run).get(name)
    assert value_counts(run, name)["rows"].tolist() == [ROWS // 3] * 3
    members, names = groups_of(run, column, np.arange(ROWS), 5)
    assert [len(set(members[turn::3].tolist())) for turn in range(3)] == [1, 1, 1]
    assert len(set(members[:3].tolist())) == 3
    assert names[members[1]] == MISSING
    if column.kind in ("number", "integer"):
        assert histogram(run, name, 2)["rows"].tolist() == [ROWS // 3] * 2


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_any_type_sorts(run: Run, name: str, descending: bool) -> None:
    query = ExampleQuery(order="column", column=name, descending=descending)
    first, second = (2, 0) if descending else (0, 2)
    expected = [*rows_of(first), *rows_of(second), *rows_of(1)]
    assert ordered(run, query).tolist() == expected == find_rows(run, query, 0, ROWS)


def test_a_row_shows_all_of_them(run: Run) -> None:
    shown = [example(run, row).values for row in range(3)]
    for name, (_, (low, high)) in KINDS.items():
        assert [one[name] for one in shown] == [low, None, high]
    assert [one["halves"] for one in shown] == [[1.5], None, [2.0, 3.0]]
    assert [one["records"] for one in shown] == [{"size": 1.5}, None, {"size": 2.0}]
    assert [one["mapped"] for one in shown] == [{"a": 1.5}, None, {}]
    assert [one["keys"] for one in shown] == [[LOW, None], [HIGH], []]


def test_a_page_shows_all_of_them(run: Run) -> None:
    found = columns_of(run, [2, 1, 0], (*KINDS, *NESTED))
    for name in ("half", "long decimal", "decimal", "uuid", "json", "duration"):
        low, high = KINDS[name][1]
        assert found[name].tolist()[::2] == [high, low]
    assert found[[*KINDS]].isna().to_numpy().tolist() == [
        [gap] * len(KINDS) for gap in (False, True, False)
    ]
    assert found["halves"][0].tolist() == [2.0, 3.0]


def test_all_of_them_can_be_looked_through_for_texts(run: Run) -> None:
    assert set(NESTED) <= text_columns(run)


def test_many_identifiers_stay_in_their_order() -> None:
    known = [UUID(int=number * 2**64) for number in range(5000)]
    chunks = [extension(pa.uuid(), [one.bytes for one in part]) for part in (known, known[::-1])]
    found = plain(pa.chunked_array(chunks)).to_pylist()
    assert found == [*map(str, known), *map(str, known[::-1])]
    assert all(one < other for one, other in pairwise(found[:5000]))


CASES = {"source": "a", "Source": "b", "SOURCE": "c", "Row": "d", "Text": "e", "VOG": "f"}


@pytest.fixture
def shouting(tmp_path: Path) -> Run:
    """Return a run with names that differ only by capital letters; a row in three has a value."""
    run = make_run(tmp_path, rows=ROWS)
    table = read(run.examples_file).drop_columns("source")
    for name, value in CASES.items():
        table = table.append_column(name, pa.array([value, None, "x"] * (ROWS // 3)))
    write_parquet(run.examples_file, table)
    return run


def test_capital_letters_tell_columns_apart(shouting: Run) -> None:
    shown, page = example(shouting, 0).values, columns_of(shouting, [3, 0], [*CASES, "vog"])
    assert list(page) == ["row", *CASES, "vog"]
    assert page["row"].tolist() == [3, 0]
    for name, value in CASES.items():
        query = ExampleQuery(filters=(OneOf(column=name, values=(value,)),))
        assert numbers(shouting, query).tolist() == rows_of(0) == find_rows(shouting, query, 0, 99)
        sorted_ = ExampleQuery(order="column", column=name)
        assert ordered(shouting, sorted_).tolist() == find_rows(shouting, sorted_, 0, ROWS)
        assert value_counts(shouting, name)["value"].tolist()[:2] == [value, "x"]
        assert shown[name] == value
        assert page[name].tolist() == [value, value]


def test_the_name_of_row_numbers_is_kept_however_it_is_written(shouting: Run) -> None:
    table = read(shouting.examples_file)
    numbered = table.append_column("File_Row_Number", pa.array(range(ROWS)))
    write_parquet(shouting.examples_file, numbered)
    with pytest.raises(RunError, match="'File_Row_Number'"):
        catalogue(shouting)
