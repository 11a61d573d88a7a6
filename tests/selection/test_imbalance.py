"""Figures of imbalance against their definitions, and of real tables against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from influence_core.selection.imbalance import imbalance, imbalance_of, mixture
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run
from influence_core.store.statistics import MISSING
from tests.factory import read

SIZES = st.lists(st.integers(1, 10_000), min_size=1, max_size=40)
TRAIN = ExampleQuery(scored_only=True)


def test_a_case_by_hand() -> None:
    found = imbalance([8, 4, 2, 1, 1, 0])
    assert (found.groups, found.largest, found.smallest, found.ratio) == (5, 8, 1, 8)
    assert found.entropy == pytest.approx(1.875)
    assert found.effective == pytest.approx(2**1.875)
    assert found.evenness == pytest.approx(1.875 / np.log2(5))
    assert found.head == pytest.approx(0.5)
    assert found.gini == pytest.approx(0.425)


@given(SIZES)
def test_entropy_and_gini_follow_their_definitions(sizes: list[int]) -> None:
    found = imbalance(sizes)
    differences = np.abs(np.subtract.outer(sizes, sizes)).mean()
    assert found.gini == pytest.approx(differences / (2 * np.mean(sizes)), abs=1e-9)
    assert found.entropy == pytest.approx(entropy(sizes, base=2), abs=1e-9)
    assert 1 - 1e-9 <= found.effective <= len(sizes) + 1e-9


@given(SIZES, st.integers(2, 50))
def test_shares_count_and_not_how_many_rows_there_are(sizes: list[int], times: int) -> None:
    one, more = imbalance(sizes), imbalance(np.array(sizes)[::-1] * times)
    assert more.gini == pytest.approx(one.gini)
    assert more.entropy == pytest.approx(one.entropy)
    assert more.head == pytest.approx(one.head)


@pytest.mark.parametrize("groups", [1, 2, 150])
def test_groups_of_one_size_are_even(groups: int) -> None:
    found = imbalance([7] * groups)
    assert (found.evenness, found.ratio) == (pytest.approx(1), 1)
    assert found.effective == pytest.approx(groups)
    assert found.gini == pytest.approx(0)


def test_no_rows_are_no_groups() -> None:
    assert imbalance([]).groups == imbalance([0]).groups == 0
    assert imbalance([]).evenness == 1


def test_a_column_is_measured_over_the_rows_asked_for(small_run: Run) -> None:
    table = read(small_run.examples_file).to_pandas()
    for split in ("train", "test"):
        sizes = table.loc[table["split"] == split, "source"].value_counts(dropna=False)
        found = imbalance_of(small_run, "source", ExampleQuery(splits=(split,)))
        assert found == imbalance(sizes)


def test_the_mixture_of_groups_is_scipys_entropy(small_run: Run) -> None:
    table = read(small_run.examples_file).to_pandas()
    table = table[table["split"] == "train"].assign(
        source=lambda rows: rows["source"].fillna(MISSING)
    )
    found = mixture(small_run, "source", TRAIN).set_index("group")
    assert found["rows"].is_monotonic_decreasing
    assert set(found.index) == set(table["source"])
    for source, part in table.groupby("source"):
        sizes = part["label"].value_counts()
        assert found.loc[source, "entropy"] == pytest.approx(entropy(sizes, base=2))
        assert found.loc[source, "values"] == len(sizes)
