"""The tail of the traffic: which rows it holds, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.errors import ConfigError
from influence_core.nlu.comparing import compare_stacks
from influence_core.nlu.figures import WHOLE, StackFindings
from influence_core.nlu.tail import frequencies, tail, traffic
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import make_run, read
from tests.nlu.pretended import SMALL, pretend, with_intents


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = with_intents(make_run(tmp_path, rows=300))
    return without(run, "frequency")


def without(run: Run, name: str) -> Run:
    table = read(run.examples_file)
    if name in table.column_names:
        write_parquet(run.examples_file, table.drop_columns([name]))
        run.update()
    return run


def holding(run: Run, name: str, values: list[object]) -> Run:
    """Put a column in the place of one, or beside the others."""
    table, column = read(without(run, name).examples_file), pa.array(values)
    write_parquet(run.examples_file, table.append_column(name, column))
    run.update()
    return run


def saying(run: Run, texts: list[str]) -> Run:
    table = read(run.examples_file)
    place = table.schema.get_field_index("text")
    long = [text.ljust(200, "x") for text in texts]
    write_parquet(run.examples_file, table.set_column(place, "text", pa.array(long)))
    run.update()
    return run


def found(run: Run, name: str = "guessed") -> StackFindings:
    return StackFindings(pretend(run, SMALL, name=name))


def test_the_tail_are_the_least_frequent_texts() -> None:
    said = [50, 20, 10, 10, 10]
    assert tail(said, weights=said).tolist() == [False, False, True, True, True]
    assert tail([10, 10, 10]).tolist() == [False] * 3
    assert tail([]).tolist() == []
    assert tail([0, 0], weights=[0, 0]).tolist() == [False, False]


def test_rows_that_are_counted_weigh_one_each() -> None:
    """Ten rows say one text, ten another each: the latter are half of the traffic, not a tenth."""
    assert not tail([10] * 10 + [1] * 10).any()
    assert tail([10] * 13 + [1] * 7).tolist() == [False] * 13 + [True] * 7


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_the_tail_is_within_its_share_and_no_rarer_row_is_left_out(counts: list[int]) -> None:
    told = np.array(counts)
    rare = tail(told, weights=told)
    assert told[rare].sum() <= 0.4 * told.sum() + 1e-6
    if rare.any() and not rare.all():
        assert told[rare].max() < told[~rare].min()


def test_without_a_column_texts_are_counted_over_all_data(run: Run) -> None:
    texts = ["said often" if row % 4 else f"said once {row}" for row in range(300)]
    findings = found(saying(run, texts))
    told = [one.text for one in findings.truth]
    rare = traffic(findings).tail
    assert [text for text, is_rare in zip(told, rare, strict=True) if is_rare] == [
        text for text in told if text.startswith("said once")
    ]
    assert traffic(findings).remark == ""


def test_where_nearly_all_is_said_once_there_is_no_tail_and_that_is_told(run: Run) -> None:
    findings = found(saying(run, [f"text {row}" for row in range(300)]))
    seen = traffic(findings)
    assert not seen.tail.any()
    assert "said once each, already make up 100% of the traffic" in seen.remark
    parts = {one.part for one in compare_stacks(findings, ("random", 0.5), WHOLE, draws=20)}
    assert "tail" not in parts


def test_a_column_of_frequencies_is_taken_unasked(run: Run) -> None:
    holding(run, "frequency", [1 if row % 2 else 99 for row in range(300)])
    findings = found(run)
    rows = np.asarray(findings.material.test_rows)
    assert traffic(findings).tail.tolist() == (rows % 2 == 1).tolist()
    gaps = compare_stacks(findings, ("random", 0.5), WHOLE, draws=20)
    (line,) = [one for one in gaps if (one.part, one.metric) == ("tail", "icer")]
    assert line.rows == int((rows % 2 == 1).sum())


def test_rows_of_no_known_frequency_are_never_said(run: Run) -> None:
    holding(run, "often", [None if row % 3 else float("nan") for row in range(300)])
    assert not frequencies(run, "often").any()
    remark = traffic(found(run), "often").remark
    assert remark == "There is no tail: column 'often' says that no test row is ever said."


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ([1.0, -1.0], "be a column of finite numbers, at least 0"),
        ([1.0, float("inf")], "be a column of finite numbers, at least 0"),
        (["a", "b"], "be a column of numbers"),
    ],
)
def test_what_is_no_frequency_is_refused(run: Run, values: list[object], rule: str) -> None:
    holding(run, "often", values * 150)
    with pytest.raises(ConfigError, match=f"'frequency' must {rule}; got 'often'"):
        frequencies(run, "often")
    with pytest.raises(ConfigError, match="'frequency' must be a column of the data"):
        frequencies(run, "nowhere")
