"""Columns of any kind as numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from influence_core.exchange.numbers import as_numbers, numeric


def column(values: list[object], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        (" -2.5 ", -2.5),
        ("+3e-2", 0.03),
        (".5", 0.5),
        ("7.", 7.0),
        ("inf", np.inf),
        ("-Infinity", -np.inf),
        ("True", 1.0),
        ("", np.nan),
        ("NA", np.nan),
        ("nan", np.nan),
    ],
)
def test_text_is_read_as_a_number(text: str, value: float) -> None:
    values, wrong = as_numbers(column([text, "0"]))
    np.testing.assert_equal(values, [value, 0.0])
    assert not wrong.any()


@pytest.mark.parametrize("text", ["high", "1,5", "0x10", "1 000", "--1", "e5", "1e"])
def test_what_is_no_number_is_told(text: str) -> None:
    values, wrong = as_numbers(column([text, "0", None]))
    assert wrong.tolist() == [True, False, False]
    assert np.isnan(values[[0, 2]]).all()


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, None, 3], pa.int8()),
        pa.array([1.0, np.nan, 3.0], pa.float16()),
        pa.array(["1", None, "3"], pa.large_string()),
        pa.array([1, None, 3], pa.decimal128(5, 0)),
    ],
    ids=lambda array: str(array.type),
)
def test_every_type_of_number_counts_and_missing_is_nan(array: pa.Array) -> None:
    values, wrong = as_numbers(pa.chunked_array([array]))
    np.testing.assert_equal(values, [1.0, np.nan, 3.0])
    assert not wrong.any()


def test_lists_are_no_numbers() -> None:
    _, wrong = as_numbers(column([[1.0], None]))
    assert wrong.tolist() == [True, False]


def test_a_column_is_numeric_if_most_of_it_is() -> None:
    assert numeric(column(["1", "2", "x"]))
    assert numeric(column([1, None]))
    assert not numeric(column(["a", "b", "3"]))
    assert not numeric(column(["", ""]))
