"""Suspicion among the columns that examples are sorted and filtered by."""

from __future__ import annotations

import pandas as pd
import pytest

from influence_core.noise.table import write_noise
from influence_core.store.run import Run
from influence_core.store.tables import (
    Between,
    ExampleQuery,
    OneOf,
    columns,
    count,
    page,
)

NAMES = [
    *(f"suspicion_{key}" for key in ("aum", "confidence", "el2n", "pvi")),
    *("noise_consensus", "noise_rank", "noise_suggested", "noise_confidence"),
]


@pytest.fixture
def table(small_run: Run) -> pd.DataFrame:
    """The suspicions of a run, the most suspicious row first."""
    return write_noise(small_run).table


def test_they_are_there_once_they_are_computed(small_run: Run) -> None:
    def noise() -> list[str]:
        return [column.name for column in columns(small_run) if column.table == "noise"]

    assert noise() == []
    write_noise(small_run)
    assert noise() == NAMES
    small_run.update()
    assert noise() == [], "they speak of the run as it was"


def test_rows_are_sorted_by_them(small_run: Run, table: pd.DataFrame) -> None:
    query = ExampleQuery(order="column", column="noise_rank", splits=("train",))
    first, second = (page(small_run, query, number, 30, NAMES) for number in (1, 2))
    shown = pd.concat([first, second], ignore_index=True)
    assert shown["row"].tolist() == table["row"].head(60).tolist()
    pd.testing.assert_series_equal(
        shown["noise_consensus"], table["consensus"].head(60), check_names=False
    )
    held_out = page(small_run, ExampleQuery(splits=("test",)), 1, 500, ["noise_rank"])
    assert held_out["noise_rank"].isna().all()


@pytest.mark.parametrize("scored", [False, True])
def test_rows_are_filtered_by_them(small_run: Run, table: pd.DataFrame, scored: bool) -> None:
    query = ExampleQuery(
        score="vog",
        order="hardest",
        filters=(
            Between(column="suspicion_aum", minimum=0.9),
            OneOf(column="noise_suggested", values=("music_start", None)),
        ),
        scored_only=scored,
    )
    loud = table["suspicion_aum"] >= 0.9
    wanted = table[loud & table["suggested"].isin(["music_start", None])]
    assert len(wanted)
    found = page(small_run, query, 1, 400)
    assert set(found["row"]) == set(wanted["row"])
    assert count(small_run, query) == len(wanted)
