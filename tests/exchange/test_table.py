"""Tables of scores that were computed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import influence_core as ic
from influence_core.config import DataSettings, ImportSettings
from influence_core.errors import ConfigError, DataError
from influence_core.scores.normalise import class_norm, id_order, rank
from influence_core.scores.registry import SCORES, specs_of
from influence_core.store import tables
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run, list_runs
from tests.exchange.files import IDS, write_csv, write_lines, write_texts

VALUES = [0.5, 0.25, 1.0, 0.125, 0.0, 0.75]


def bring(folder: Path, columns: dict[str, Sequence[object]], **settings: Any) -> Run:
    """Import a CSV table for the six texts."""
    table = write_csv(folder / "scores.csv", columns)
    return bring_file(folder, table, **settings)


def bring_file(folder: Path, path: Path, **settings: Any) -> Run:
    texts = folder / "texts.csv"
    source = str(texts if texts.exists() else write_texts(folder))
    options = ImportSettings(path="", **settings)
    return ic.import_scores(source, path, settings=options)


@pytest.fixture(autouse=True)
def _runs(runs_root: Path) -> None:
    """Keep the runs of every test apart."""


def test_values_norms_and_ranks_belong_to_their_ids(tmp_path: Path) -> None:
    shuffled = [3, 0, 5, 1, 4, 2]
    run = bring(tmp_path, {"id": [IDS[i] for i in shuffled], "mine": [VALUES[i] for i in shuffled]})
    scores = run.scores()
    assert scores["id"].tolist() == IDS
    assert scores["mine"].tolist() == VALUES
    assert scores["mine_rank"].tolist() == [3, 4, 1, 5, 6, 2]
    # lights: 0.5, 1, 0 with mean 0.5 and population deviation (0.5 / 3) ** 0.5
    spread = (0.5 / 3) ** 0.5
    assert scores["mine_class_norm"][[0, 2, 4]].tolist() == pytest.approx(
        [0, 0.5 / spread, -0.5 / spread]
    )
    assert scores["mine_dataset_norm"].mean() == pytest.approx(0, abs=1e-12)
    assert scores["mine_dataset_norm"].std(ddof=0) == pytest.approx(1)


def test_a_score_of_the_registry_takes_its_entry(tmp_path: Path) -> None:
    run = bring(tmp_path, {"id": IDS, "EL2N": VALUES, "aum": VALUES})
    manifest = run.manifest()
    assert manifest.scores == ("el2n", "aum")
    assert not manifest.custom_scores
    assert specs_of(manifest) == {key: SCORES[key] for key in ("el2n", "aum")}
    assert run.scores()["aum_rank"].tolist() == [4, 3, 6, 2, 1, 5]


@pytest.mark.parametrize(
    ("hard", "ends"),
    [
        ((), ["high", "high"]),
        (("low",), ["low", "low"]),
        (("two=low",), ["high", "low"]),
        (("low", "two=high"), ["low", "high"]),
    ],
)
def test_any_other_column_says_which_end_is_hard(
    tmp_path: Path, hard: tuple[str, ...], ends: list[str]
) -> None:
    run = bring(tmp_path, {"id": IDS, "one": VALUES, "two": VALUES}, hard=hard or ("high",))
    assert [entry.hard for entry in specs_of(run.manifest()).values()] == ends
    firsts = {"high": "c", "low": "e"}
    for key, end in zip(("one", "two"), ends, strict=True):
        hardest = tables.page(run, ExampleQuery(score=key, order="hardest"), size=1)
        assert hardest["id"].tolist() == [firsts[end]]


def test_the_order_of_rows_joins_where_there_are_no_ids(tmp_path: Path) -> None:
    write_texts(tmp_path, ids=False)
    run = bring(tmp_path, {"mine": VALUES})
    assert run.scores()["mine"].tolist() == VALUES


def test_rows_left_out_of_the_data_are_counted_in_the_order(tmp_path: Path) -> None:
    texts = {
        "text": ["dim", "", "jazz", "lamp", "song"],
        "label": ["lights", "lights", "music", "lights", "music"],
    }
    write_csv(tmp_path / "texts.csv", texts)
    run = bring(tmp_path, {"mine": [0, 1, 2, 3, 4]})
    assert run.scores()["mine"].tolist() == [0, 2, 3, 4]


def test_scores_of_the_training_rows_alone_join_in_their_order(tmp_path: Path) -> None:
    write_texts(tmp_path, splits=["test", "train", "train", "train", "validation", "train"])
    run = bring(tmp_path, {"mine": [1, 2, 3, 4]}, score_id="")
    assert run.scores()["id"].tolist() == ["b", "c", "d", "f"]
    assert run.scores()["mine"].tolist() == [1, 2, 3, 4]


def test_only_training_rows_need_a_score(tmp_path: Path) -> None:
    write_texts(tmp_path, splits=["test", *["train"] * 5])
    run = bring(tmp_path, {"id": IDS, "mine": ["", *VALUES[1:]]})
    assert run.scores()["mine"].tolist() == VALUES[1:]


def table_file(folder: Path, suffix: str) -> Path:
    columns = {"id": IDS, "mine": VALUES}
    if suffix == ".parquet":
        pq.write_table(pa.table(columns), folder / "scores.parquet")
        return folder / "scores.parquet"
    if suffix == ".jsonl":
        rows = [{"id": name, "mine": value} for name, value in zip(IDS, VALUES, strict=True)]
        return write_lines(folder / "scores.jsonl", rows)
    return write_csv(folder / f"scores{suffix}", columns, "\t" if suffix == ".tsv" else ",")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_format_says_the_same(tmp_path: Path, suffix: str) -> None:
    run = bring_file(tmp_path, table_file(tmp_path, suffix))
    assert run.scores()["mine"].tolist() == VALUES


def test_whole_number_ids_join_with_their_text(tmp_path: Path) -> None:
    texts = {"guid": [7, 8, 9], "text": ["x y", "y z", "z x"], "label": ["a", "b", "a"]}
    source = write_csv(tmp_path / "texts.csv", texts)
    table = tmp_path / "scores.parquet"
    pq.write_table(pa.table({"guid": [9, 8, 7], "mine": [1.0, 2.0, 3.0]}), table)
    run = ic.import_scores(str(source), table, data=DataSettings(id="guid"))
    assert run.scores()["mine"].tolist() == [3, 2, 1]


def test_the_scores_of_a_run_come_back_as_they_were(small_run: Run, tmp_path: Path) -> None:
    source = tmp_path / "texts.parquet"
    small_run.examples(["id", "text", "label", "split"]).to_parquet(source, index=False)
    again = ic.import_scores(str(source), small_run.scores_file, name="again")
    assert again.manifest().scores == small_run.manifest().scores
    before, after = small_run.scores(), again.scores()
    assert set(after.columns) == set(before.columns)
    for key in small_run.manifest().scores:
        np.testing.assert_allclose(after[key], before[key])
    never = before["never_learnt"].to_numpy()
    assert after["never_learnt"].tolist() == never.tolist()
    assert set(after["forgetting_rank"][never]) == set(range(1, never.sum() + 1))


def test_infinite_forgetting_is_never_learnt(tmp_path: Path) -> None:
    run = bring(tmp_path, {"id": IDS, "forgetting": [0, "inf", 2, 0, 1, 0]})
    scores = run.scores()
    assert scores["forgetting"].tolist() == [0, 0, 2, 0, 1, 0]
    assert scores["never_learnt"].tolist() == [False, True, *[False] * 4]
    assert scores["forgetting_rank"][1] == 1


def test_columns_that_the_data_has_are_scores_only_by_name(tmp_path: Path) -> None:
    texts = {
        "id": IDS,
        "text": [f"text {i}" for i in IDS],
        "label": list("xyxyxy"),
        "grade": VALUES,
    }
    write_csv(tmp_path / "texts.csv", texts)
    table = {"id": IDS, "grade": VALUES, "mine": VALUES}
    run = bring(tmp_path, table)
    assert run.manifest().scores == ("mine",)
    assert any("'grade'" in finding.message for finding in run.manifest().dataset.findings)
    named = bring(tmp_path, table, scores=("grade",))
    assert named.manifest().scores == ("grade",)
    shown = tables.page(
        named, ExampleQuery(score="grade", order="hardest"), columns=["grade_input"]
    )
    assert shown["grade"].tolist() == shown["grade_input"].tolist()


def test_names_that_a_run_uses_itself_are_kept_apart(tmp_path: Path) -> None:
    run = bring(tmp_path, {"id": IDS, "page_rank": VALUES, 'say "hi"; --': VALUES}, hard=("low",))
    assert run.manifest().scores == ("page_rank", "say_hi")
    entries = specs_of(run.manifest())
    assert [entry.label for entry in entries.values()] == ["page_rank", "say_hi"]
    assert "'say \"hi\"; --'" in entries["say_hi"].summary
    query = ExampleQuery(score="page_rank", normalise="class", order="hardest")
    assert tables.page(run, query)["page_rank_class_norm"].is_monotonic_increasing
    read = [reading.score for reading in tables.example(run, "a").scores]
    assert read == ["page_rank", "say_hi"]


BAD: dict[str, tuple[dict[str, Sequence[object]], str]] = {
    "unknown id": (
        {"id": [*IDS, "zz"], "s": range(7)},
        "1 row of the imported table whose id is not in the data (first: row 7, ids 'zz')",
    ),
    "missing id": (
        {"id": IDS[:-1], "s": range(5)},
        "1 training row of the data with no row in the imported table (first: row 6, ids 'f')",
    ),
    "duplicate id": (
        {"id": [*IDS, "b"], "s": range(7)},
        "1 row of the imported table whose id an earlier row has (first: row 7, ids 'b')",
    ),
    "empty id": (
        {"id": [*IDS, ""], "s": range(7)},
        "1 row of the imported table with no id in column 'id' (first: row 7)",
    ),
    "no number": (
        {"id": IDS, "s": [1, "x", 3, "y", 5, 6]},
        "2 rows with no number in column 's' (first: rows 2, 4), such as 'x'",
    ),
    "no value": (
        {"id": IDS, "s": [1, "", 3, 4, "nan", 6]},
        "2 rows with no value in column 's' (first: rows 2, 5)",
    ),
    "infinite": (
        {"id": IDS, "s": [1, 2, "inf", 4, 5, "-inf"]},
        "2 rows with an infinite value in column 's' (first: rows 3, 6)",
    ),
    "too few rows": ({"s": range(5)}, "The imported table has 5 rows, the data 6"),
    "no scores": ({"id": IDS, "word": IDS}, "No column of the imported table holds scores"),
    "same name": (
        {"id": IDS, "s": range(6), "S": range(6)},
        "Columns 's' and 'S' would both become",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_told_and_leaves_no_run(tmp_path: Path, case: str) -> None:
    columns, message = BAD[case]
    with pytest.raises(DataError) as told:
        bring(tmp_path, columns)
    assert message in str(told.value)
    assert told.value.findings
    assert not list_runs()


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as told:
        bring(tmp_path, {"id": ["a", "b", "b", "zz"], "s": ["x", 1, 2, 3], "t": ["", 1, 2, 3]})
    checks = {finding.check for finding in told.value.findings if finding.level == "error"}
    assert checks == {"not_a_number", "duplicate_id", "unknown_id", "unscored", "missing"}


def test_partial_tables_leave_rows_without_a_score(tmp_path: Path) -> None:
    columns = {"id": ["f", "b", "zz", "c"], "s": [1, "inf", 5, 2], "t": [3, 2, 5, ""]}
    run = bring(tmp_path, columns, partial=True)
    scores = run.scores()
    np.testing.assert_equal(scores["s"].to_numpy(), [*[np.nan] * 2, 2, *[np.nan] * 2, 1])
    assert scores["s_rank"].tolist() == [3, 4, 1, 5, 6, 2]
    levels = {finding.check: finding.level for finding in run.manifest().dataset.findings}
    assert {levels[check] for check in ("unknown_id", "unscored", "infinite", "missing")} == {
        "warning"
    }
    chosen = ic.select(run, ic.SelectionSettings(score="s", fraction=0.5))
    assert chosen.unscored == 4


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"hard": ("up",)}, ConfigError, "'hard' must be 'high', 'low', or 'column=low'"),
        ({"hard": ("other=low",)}, DataError, "'hard' must name imported columns; got 'other'"),
        ({"hard": ("el2n=low",)}, DataError, "The hard end of EL2N is 'high'; got 'low'"),
        ({"scores": ("other",)}, DataError, "'scores' must name columns of the imported table"),
        ({"score_id": "other"}, DataError, "'score_id' must name a column of the imported table"),
    ],
)
def test_wrong_settings_are_told(
    tmp_path: Path, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        bring(tmp_path, {"id": IDS, "el2n": VALUES}, **settings)
    assert not list_runs()


def test_values_beyond_the_range_of_their_score_raise_a_warning(tmp_path: Path) -> None:
    run = bring(tmp_path, {"id": IDS, "el2n": [0, 1, 1.4, 1.5, -1, 0]})
    found = [finding for finding in run.manifest().dataset.findings if finding.check == "range"]
    assert [(finding.count, finding.rows) for finding in found] == [(2, (4, 5))]


def test_a_missing_file_is_told_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file or folder"):
        bring_file(tmp_path, tmp_path / "nowhere.csv")


def test_norms_and_ranks_are_those_of_our_own_scores(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    count = 500
    labels = generator.choice(["a", "b", "c"], count, p=[0.7, 0.2, 0.1])
    ids = [f"x{number}" for number in generator.permutation(count)]
    raw = generator.normal(size=count).round(1)
    texts = {"id": ids, "text": [f"text {i}" for i in ids], "label": labels}
    write_csv(tmp_path / "texts.csv", texts)
    scores = bring(tmp_path, {"id": ids, "s": raw}, hard=("low",)).scores()
    codes = np.unique(labels, return_inverse=True)[1]
    np.testing.assert_allclose(scores["s_class_norm"], class_norm(raw, codes))
    assert scores["s_rank"].tolist() == rank(raw, id_order(np.array(ids, object)), "low").tolist()
