"""Columns that are laid out, against the Parquet files they are of."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from influence_core.errors import RunError
from influence_core.store import laid, shelf

WORDS = ["tea", None, "ÄRGER", "tea", "Zebra", None]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "table.parquet"
    columns = {
        "row": [4, 0, 2, 1, 7, 5],
        "id": list("fedcba"),
        "word": WORDS,
        "size": [2.5, 0.5, None, 1.5, np.inf, 2.5],
        "count": [3, 1, 2, 1, 3, 3],
        "spans": [[{"start": 1}], [], None, [], [], [{"start": 2}]],
    }
    pq.write_table(pa.table(columns), path, row_group_size=4)
    return path


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MAPPED_BYTES", 1)


@pytest.mark.parametrize("name", ["row", "id", "word", "size", "count", "spans"])
@pytest.mark.usefixtures("mapped")
def test_a_column_that_lies_on_the_disk_is_that_of_the_file(file: Path, name: str) -> None:
    expected = pq.read_table(file)[name].to_pylist()
    assert laid.column(file, name).to_pylist() == expected
    assert laid.column(file, name) is not None
    assert laid.column(file, name).num_chunks == 1


def test_it_is_laid_out_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = laid.values(file, "count")
    monkeypatch.setattr(laid, "_read", lambda *_: pytest.fail("read again"))
    assert np.shares_memory(first, laid.values(file, "count"))


def test_nothing_is_left_in_the_folder(file: Path, mapped: None) -> None:
    laid.column(file, "id")
    assert not list(shelf.shelf().folder.iterdir())


def test_where_the_disk_is_full_it_stays_in_memory(
    file: Path, mapped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(shelf, "_mapped", full)
    assert laid.column(file, "word").to_pylist() == WORDS


def test_a_file_that_is_written_anew_is_read_anew(file: Path) -> None:
    assert laid.values(file, "count").tolist() == [3, 1, 2, 1, 3, 3]
    pq.write_table(pa.table({"count": [9]}), file)
    assert laid.values(file, "count").tolist() == [9]


def test_a_file_that_is_gone_is_told(file: Path) -> None:
    laid.column(file, "word")
    file.unlink()
    with pytest.raises(RunError, match=r"'table\.parquet' was deleted"):
        laid.column(file, "word")


def test_flags_with_gaps_and_decimals_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    money = pa.array([Decimal("1.50"), None, Decimal("-2.00")])
    pq.write_table(
        pa.table({"flag": [True, None, False], "whole": [3, None, 1], "money": money}), path
    )
    for name, expected in (("flag", [1, np.nan, 0]), ("whole", [3, np.nan, 1])):
        np.testing.assert_array_equal(laid.values(path, name), expected)
    np.testing.assert_array_equal(laid.values(path, "money"), [1.5, np.nan, -2])


def test_long_words_lie_in_one_piece(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laid, "_LONG", 1)
    found = laid._read(file, "id")
    assert found.type == pa.large_string()
    assert (found.num_chunks, found.to_pylist()) == (1, list("fedcba"))


def test_words_of_few_kinds_are_codes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes, names = laid.coded(file, "word")
    assert [None if code < 0 else names[code].as_py() for code in codes] == WORDS
    assert pa.types.is_dictionary(laid.column(file, "word").type)
    assert not pa.types.is_dictionary(laid.column(file, "id").type)
    monkeypatch.setattr(laid, "MOST_KINDS", 2)
    assert laid._read(file, "word").to_pylist() == WORDS
    assert not pa.types.is_dictionary(laid._read(file, "word").type)


@pytest.mark.parametrize("name", ["count", "size", "id"])
def test_any_column_has_kinds(file: Path, name: str) -> None:
    codes, names = laid.coded(file, name)
    expected = pq.read_table(file)[name].to_pylist()
    assert [None if code < 0 else names[code].as_py() for code in codes] == expected


def test_ordinals_follow_the_order_of_the_values(file: Path) -> None:
    assert laid.ordinals(file, "word").tolist() == [1, -1, 2, 1, 0, -1]
    assert laid.ordinals(file, "count").tolist() == [2, 0, 1, 0, 2, 2]
    assert laid.ordinals(file, "id").tolist() == [5, 4, 3, 2, 1, 0]


def test_places_are_where_rows_stand(file: Path) -> None:
    assert laid.places(file).tolist() == [1, 3, 2, -1, 0, 5, -1, 4]


def test_words_are_lowered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laid, "MOST_KINDS", 2)
    assert laid.lowered(file, "word").to_pylist() == ["tea", None, "ärger", "tea", "zebra", None]


@pytest.mark.parametrize("place", range(6))
@pytest.mark.usefixtures("mapped")
def test_one_row_is_that_of_the_file(file: Path, place: int) -> None:
    assert laid.row(file, place).to_pylist() == pq.read_table(file).slice(place, 1).to_pylist()
