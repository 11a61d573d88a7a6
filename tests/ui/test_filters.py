"""Filters survive the way into the address and back, whatever a dataset's columns are called."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from influence_core.store.columns import Catalogue, Column
from influence_core.store.query import Between, Contains, OneOf
from ui import filters

names = st.text(min_size=1, max_size=12).filter(lambda name: name.isprintable())
words = st.text(min_size=1, max_size=12).filter(lambda word: word.isprintable())


def known(name: str, kind: str) -> Catalogue:
    return Catalogue([Column(name, kind, "examples", name)])


@given(name=names, values=st.lists(words | st.none(), min_size=1, max_size=4, unique=True))
def test_values(name: str, values: list[str | None]) -> None:
    wanted = OneOf(column=name, values=tuple(values))
    assert filters.decode(filters.encode(wanted), known(name, "text")) == wanted


@given(name=names, text=words)
def test_parts_of_a_text(name: str, text: str) -> None:
    wanted = Contains(column=name, text=text)
    assert filters.decode(filters.encode(wanted), known(name, "text")) == wanted


@given(
    name=names,
    low=st.none() | st.integers(-999, 999),
    high=st.none() | st.integers(-999, 999),
)
def test_ranges(name: str, low: int | None, high: int | None) -> None:
    wanted = Between(column=name, minimum=low, maximum=high)
    assert filters.decode(filters.encode(wanted), known(name, "number")) == wanted


def test_unknown_and_nested_columns_are_passed_over() -> None:
    assert filters.decode("gone=1", known("here", "text")) is None
    assert filters.decode("here=1", known("here", "nested")) is None
    assert filters.decode("", known("here", "text")) is None


def test_words() -> None:
    assert filters.worded("source=a,!") == "source is a or missing"
    assert filters.worded("frequency=2:") == "frequency 2 to …"
    assert filters.worded("note=*so%20on") == "note contains so on"
