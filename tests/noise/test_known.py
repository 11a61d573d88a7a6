"""Columns that say which labels are wrong."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from influence_core.errors import RunError
from influence_core.noise.known import found_by_rank, known_wrong
from influence_core.noise.table import find_noise
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read


def test_what_says_yes_or_no_is_taken_unasked(small_run: Run) -> None:
    rows = read(small_run.examples_file).num_rows
    _say(small_run, "flipped", ["true" if row % 3 == 0 else None for row in range(rows)])
    _say(small_run, "label_is_wrong", [row % 5 == 0 for row in range(rows)])
    train = np.array(read(small_run.examples_file)["split"]) == "train"
    expected = np.array([row % 3 == 0 or row % 5 == 0 for row in range(rows)])[train]
    found = known_wrong(small_run)
    assert found is not None
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("said", ["yes", 1.5])
def test_a_column_that_says_other_things_is_refused_only_where_it_is_named(
    small_run: Run, said: object
) -> None:
    _say(small_run, "flipped", [said] * read(small_run.examples_file).num_rows)
    assert known_wrong(small_run) is None
    with pytest.raises(RunError, match="'truth' must name a column of true and false"):
        known_wrong(small_run, "flipped")


def test_no_column_is_nothing_known(small_run: Run) -> None:
    assert known_wrong(small_run) is None


def test_every_number_of_first_rows_is_told_from_the_ranking(small_run: Run) -> None:
    report = find_noise(small_run)
    ids = report.table["id"].tolist()
    wrong = np.isin(_training_ids(small_run), [ids[0], ids[2], ids[9]])
    found = found_by_rank(report, wrong, 4)
    assert found["k"].tolist() == [1, 2, 3, 4]
    assert found["precision"].tolist() == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4])
    assert found["recall"].tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    whole = found_by_rank(report, wrong)
    assert whole["recall"].iloc[-1] == 1
    assert whole["precision"].iloc[-1] == pytest.approx(3 / len(ids))
    assert found_by_rank(report, np.zeros(len(ids), bool))["recall"].isna().all()


def _training_ids(run: Run) -> list[str]:
    examples = read(run.examples_file).to_pandas()
    return examples.loc[examples["split"] == "train", "id"].tolist()


def _say(run: Run, name: str, values: list[object]) -> None:
    table = read(run.examples_file)
    write_parquet(run.examples_file, table.append_column(name, pa.array(values)))
