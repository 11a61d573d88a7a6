"""Pages, counts, single rows and dynamics, each against pandas on the same files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from influence_core.errors import ConfigError, DataError, RunError
from influence_core.store.files import write_parquet
from influence_core.store.finding import numbers
from influence_core.store.rows import columns_of
from influence_core.store.run import Run
from influence_core.store.tables import (
    Between,
    Contains,
    ExampleQuery,
    OneOf,
    columns,
    count,
    dynamics,
    example,
    page,
    score_column,
)
from tests.factory import (
    HOSTILE_COLUMNS,
    HOSTILE_LABELS,
    HOSTILE_TEXTS,
    make_run,
    read,
    snapshot_files,
)


def whole(run: Run) -> pd.DataFrame:
    """Join everything in pandas, as the oracle."""
    examples = read(run.examples_file).to_pandas()
    examples = examples.rename(columns={"row": "row_input"})
    examples.insert(0, "row", range(len(examples)))
    scores = read(run.scores_file).to_pandas().drop(columns="id")
    predictions = read(run.predictions_file).to_pandas()[["row", "predicted", "correct"]]
    return examples.merge(predictions, on="row").merge(scores, on="row", how="left")


def found(run: Run, **query: Any) -> list[int]:
    asked = ExampleQuery(**query)
    rows = page(run, asked, size=1000)["row"].tolist()
    assert count(run, asked) == len(rows)
    assert numbers(run, asked).tolist() == sorted(rows)
    return rows


@pytest.mark.parametrize("key", ["vog", "pvi", "forgetting", "aum"])
@pytest.mark.parametrize("order", ["hardest", "easiest"])
@pytest.mark.parametrize("normalise", ["raw", "dataset"])
def test_ranked_pages_follow_the_stored_rank(
    small_run: Run, key: str, order: str, normalise: str
) -> None:
    table = whole(small_run).dropna(subset=[f"{key}_rank"])
    expected = table.sort_values(f"{key}_rank", ascending=order == "hardest")["row"].tolist()
    query = ExampleQuery(score=key, order=order, normalise=normalise, scored_only=True)
    pages = [page(small_run, query, number, 50)["row"].tolist() for number in range(1, 9)]
    assert [row for rows in pages for row in rows] == expected
    assert pages[-1] == expected[350:]


@pytest.mark.parametrize(("key", "high"), [("vog", True), ("pvi", False)])
def test_class_normalised_order_is_sorted_towards_the_hard_end(
    small_run: Run, key: str, high: bool
) -> None:
    column = f"{key}_class_norm"
    table = whole(small_run).dropna(subset=[column])
    expected = table.sort_values([column, "row"], ascending=[not high, True])["row"].tolist()
    query = {"score": key, "normalise": "class", "scored_only": True}
    assert found(small_run, order="hardest", **query) == expected
    assert found(small_run, order="easiest", **query) == expected[::-1]


def test_rows_without_scores_come_last(small_run: Run) -> None:
    rows = found(small_run, score="vog", order="hardest")
    scored = set(read(small_run.scores_file)["row"].to_pylist())
    assert set(rows[: len(scored)]) == scored
    assert rows[len(scored) :] == [row for row in range(400) if row not in scored]


def test_any_column_orders(small_run: Run) -> None:
    table = whole(small_run)
    expected = table.sort_values(["frequency", "row"], ascending=[False, True])["row"].tolist()
    assert found(small_run, order="column", column="frequency", descending=True) == expected
    assert found(small_run) == list(range(400))


FILTERS = {
    "labels": (
        {"labels": ("lights_start", "music_start")},
        lambda t: t["label"].isin(["lights_start", "music_start"]),
    ),
    "split": ({"splits": ("test",)}, lambda t: t["split"] == "test"),
    "one of": (
        {"filters": (OneOf(column="domain", values=("lights", "nowhere")),)},
        lambda t: t["domain"] == "lights",
    ),
    "missing": (
        {"filters": (OneOf(column="source", values=(None, "synthetic")),)},
        lambda t: t["source"].isna() | (t["source"] == "synthetic"),
    ),
    "number": (
        {"filters": (OneOf(column="frequency", values=(1, "2")),)},
        lambda t: t["frequency"].isin([1, 2]),
    ),
    "flag": (
        {"filters": (OneOf(column="correct", values=(False,)),)},
        lambda t: ~t["correct"],
    ),
    "range": (
        {"filters": (Between(column="frequency", minimum=2, maximum=5),)},
        lambda t: t["frequency"].between(2, 5),
    ),
    "open range": (
        {"filters": (Between(column="vog_class_norm", minimum=0.5),)},
        lambda t: t["vog_class_norm"] >= 0.5,
    ),
    "contains": (
        {"filters": (Contains(column="domain", text="IGHT"),)},
        lambda t: t["domain"].str.contains("ight"),
    ),
    "search": ({"search": "JAZZ"}, lambda t: t["text"].str.contains("jazz")),
    "regex": (
        {"search": r"^(play|STOP) .*[0-4]$", "regex": True},
        lambda t: t["text"].str.contains(r"^(?:play|stop) .*[0-4]$"),
    ),
    "all at once": (
        {"search": "the", "splits": ("train",), "labels": ("lights_start",)},
        lambda t: (
            t["text"].str.contains("the") & (t["split"] == "train") & (t["label"] == "lights_start")
        ),
    ),
    "nothing": ({"search": "%"}, lambda t: t["text"].isna()),
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("scored_only", [False, True])
def test_filters_find_what_pandas_finds(small_run: Run, name: str, scored_only: bool) -> None:
    query, expected = FILTERS[name]
    table = whole(small_run)
    wanted = table[expected(table) & (table["vog"].notna() | (not scored_only))]
    assert found(small_run, scored_only=scored_only, **query) == wanted["row"].tolist()
    hardest = wanted.sort_values(["vog_rank", "row"])["row"].tolist()
    assert found(small_run, score="vog", order="hardest", scored_only=scored_only, **query) == (
        hardest
    )


def test_a_page_shows_what_the_files_hold(small_run: Run) -> None:
    shown = page(
        small_run,
        ExampleQuery(score="el2n", normalise="class", order="hardest", scored_only=True),
        2,
        25,
        columns=["frequency", "source"],
    )
    table = whole(small_run).set_index("row").loc[shown["row"]].reset_index()
    assert list(shown.columns) == [
        *("row", "id", "text", "text_pair", "label", "split", "predicted"),
        *("el2n_class_norm", "el2n_rank", "frequency", "source"),
    ]
    for column in ("id", "text", "label", "predicted", "el2n_class_norm", "frequency"):
        assert shown[column].tolist() == table[column].tolist()


def test_the_second_text_is_searched(runs_root: Path) -> None:
    run = make_run(runs_root, pairs=True)
    table = read(run.examples_file).to_pandas()
    both = table["text"].str.contains("milk") | table["text_pair"].str.contains("milk")
    assert found(run, search="Milk") == np.flatnonzero(both).tolist()


def test_an_example_is_complete(small_run: Run) -> None:
    table = whole(small_run)
    row = int(table.loc[table["vog_rank"] == 33, "row"].iloc[0])
    record = table.loc[row]
    shown = example(small_run, row)
    assert shown == example(small_run, record["id"])
    values = vars(shown)["values"]
    assert values["text"] == record["text"]
    assert values["slots"] == read(small_run.examples_file)["slots"][row].as_py()
    assert shown.prediction["predicted"] == record["predicted"]
    assert [reading.score for reading in shown.scores] == list(small_run.manifest().scores)
    vog = shown.scores[0]
    assert (vog.raw, vog.class_norm) == (record["vog"], record["vog_class_norm"])
    scored = table["vog"].dropna()
    assert vog.percentile == pytest.approx(100 * (scored < vog.raw).sum() / (len(scored) - 1))
    assert shown.never_learnt == record["never_learnt"]


def test_rows_as_hard_as_each_other_are_harder_than_the_same_share(small_run: Run) -> None:
    table = read(small_run.scores_file).to_pandas()
    never = pd.Series(np.arange(len(table)) % 46 == 0)
    vog = table["vog"].rank().floordiv(9).where(table.index % 9 != 0)
    hardness = {
        "forgetting": table["forgetting"].mask(never, np.inf),
        "vog": vog,
        "aum": -table["aum"].round(0),
    }
    changed = read(small_run.scores_file)
    flags = changed.column_names.index("never_learnt")
    changed = changed.set_column(flags, "never_learnt", pa.array(never))
    for key, values in hardness.items():
        if key != "forgetting":
            stored = pa.array(-values if key == "aum" else values, from_pandas=True)
            changed = changed.set_column(changed.column_names.index(key), key, stored)
        ranks = values.rank(method="first", ascending=False, na_option="bottom").astype(int)
        place = changed.column_names.index(f"{key}_rank")
        changed = changed.set_column(place, f"{key}_rank", pa.array(ranks))
    write_parquet(small_run.scores_file, changed)
    for at in range(0, len(table), 23):
        told = {
            one.score: one.percentile for one in example(small_run, int(table["row"][at])).scores
        }
        for key, values in hardness.items():
            easier = (values < values[at]).sum() / (values.notna().sum() - 1)
            expected = np.nan if np.isnan(values[at]) else 100 * easier
            assert told[key] == pytest.approx(expected, nan_ok=True)
    easiest = int(table["row"][hardness["forgetting"].idxmin()])
    shares = {one.score: one.percentile for one in example(small_run, easiest).scores}
    assert shares["forgetting"] == 0


def test_a_row_outside_training_has_no_scores(small_run: Run) -> None:
    row = int(whole(small_run).query("split == 'test'")["row"].iloc[0])
    shown = example(small_run, row)
    assert shown.scores == ()
    assert shown.never_learnt is None
    assert dynamics(small_run, row).empty


def test_dynamics_are_those_of_the_row(small_run: Run) -> None:
    rows = read(small_run.scores_file)["row"].to_pylist()
    position = 57
    line = dynamics(small_run, rows[position])
    files = snapshot_files(small_run)
    expected = [read(file).slice(position, 1).to_pylist()[0] for file in files]
    assert line["p_true"].tolist() == pytest.approx([entry["p_true"] for entry in expected])
    assert line["margin"].tolist() == pytest.approx([entry["margin"] for entry in expected])
    assert line["correct"].tolist() == [entry["correct"] for entry in expected]
    assert line["step"].tolist() == [50 * turn for turn in range(1, 9)]
    assert line["epoch"].tolist() == [turn / 2 for turn in range(1, 9)]


@pytest.mark.parametrize("key", ["nobody", "' OR 1=1 --", 400, -1])
def test_an_unknown_example_is_said_so(small_run: Run, key: int | str) -> None:
    with pytest.raises(DataError, match="must be one of run 'small'"):
        example(small_run, key)


@pytest.mark.parametrize("size", [(0, 10), (1, 0), (-3, 10)])
def test_pages_count_from_one(small_run: Run, size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        page(small_run, ExampleQuery(), *size)
    assert page(small_run, ExampleQuery(), 1000).empty


@pytest.mark.parametrize("pattern", ["(", "*a", "[z-a]", r"(?<=look)behind"])
def test_a_bad_pattern_is_explained(small_run: Run, pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"'search' must be a regular expression .*; got"):
        count(small_run, ExampleQuery(search=pattern, regex=True))


def test_questions_that_make_no_sense(small_run: Run) -> None:
    with pytest.raises(ValidationError, match="'score' must be given"):
        ExampleQuery(order="hardest")
    with pytest.raises(ValidationError, match="'column' must be given"):
        ExampleQuery(order="column")
    with pytest.raises(RunError, match="'score' must be one of 'vog'"):
        count(small_run, ExampleQuery(score="grand"))
    with pytest.raises(RunError, match="'column' must be one of"):
        page(small_run, ExampleQuery(order="column", column='x"; --'))
    with pytest.raises(ConfigError, match="hold number or integer values"):
        count(small_run, ExampleQuery(filters=(Between(column="domain", minimum=1),)))


def test_a_run_without_scores_is_browsed_but_not_ranked(runs_root: Path) -> None:
    run = make_run(runs_root, scored=False)
    assert len(page(run, ExampleQuery(search="the", scored_only=True))) > 0
    assert example(run, 3).scores == ()
    assert dynamics(run, 3).empty
    with pytest.raises(RunError, match="has no scores yet"):
        page(run, ExampleQuery(score="vog", order="hardest"))


def test_missing_scores_sort_last(small_run: Run) -> None:
    scores = read(small_run.scores_file)
    values = scores["pvi_class_norm"].to_numpy().copy()
    values[:5] = np.nan
    place = scores.schema.get_field_index("pvi_class_norm")
    write_parquet(
        small_run.scores_file, scores.set_column(place, "pvi_class_norm", pa.array(values))
    )
    lost = scores["row"].to_pylist()[:5]
    for order in ("hardest", "easiest"):
        query = {"score": "pvi", "normalise": "class", "order": order, "scored_only": True}
        assert found(small_run, **query)[-5:] == lost


@pytest.mark.parametrize("column", [*HOSTILE_COLUMNS])
def test_hostile_columns_are_columns_like_others(hostile_run: Run, column: str) -> None:
    name = "row_input" if column == "row" else column
    stored = read(hostile_run.examples_file)[column].to_pylist()
    value = HOSTILE_LABELS[2]
    expected = [row for row, entry in enumerate(stored) if entry == value]
    assert found(hostile_run, filters=(OneOf(column=name, values=(value,)),)) == expected
    assert found(hostile_run, filters=(Contains(column=name, text=value.upper()),)) == expected
    shown = page(hostile_run, ExampleQuery(order="column", column=name), columns=[name], size=120)
    assert shown[name].tolist() == sorted(stored)
    assert name in {entry.name for entry in columns(hostile_run) if entry.groupable}


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_searches_find_their_text(hostile_run: Run, text: str) -> None:
    stored = read(hostile_run.examples_file)["text"].to_pylist()
    expected = [row for row, entry in enumerate(stored) if text.lower() in entry.lower()]
    assert expected
    assert found(hostile_run, search=text) == expected


def test_paths_may_hold_wildcards(tmp_path: Path) -> None:
    run = make_run(tmp_path / "odd [1] * ? root", rows=50)
    query = ExampleQuery(score="vog", order="hardest", scored_only=True)
    first = int(page(run, query)["row"].iloc[0])
    assert len(dynamics(run, first)) == 8


def test_columns_whose_names_are_taken_are_renamed(small_run: Run) -> None:
    table = read(small_run.examples_file)
    for name in ("vog", "predicted", "vog_input"):
        table = table.append_column(name, pa.array(["x"] * 400))
    write_parquet(small_run.examples_file, table)
    names = [column.name for column in columns(small_run)]
    assert len(names) == len(set(names))
    assert {"vog", "vog_input", "vog_input_input", "predicted_input"} <= set(names)
    assert found(small_run, filters=(OneOf(column="vog_input_input", values=("x",)),)) == (
        list(range(400))
    )


def test_threads_may_ask_at_once(small_run: Run) -> None:
    queries = [ExampleQuery(search=str(number)) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda query: count(small_run, query), queries))
    assert answers == [count(small_run, query) for query in queries]


def test_score_columns_are_named_by_the_contract() -> None:
    assert [score_column("vog", way) for way in ("raw", "class", "dataset")] == [
        "vog",
        "vog_class_norm",
        "vog_dataset_norm",
    ]


def test_some_rows_come_with_some_columns_in_the_order_asked_for(small_run: Run) -> None:
    wanted = [7, 3, 250, 4]
    found = columns_of(small_run, wanted, ("text", "el2n", "text", "predicted"))
    assert list(found) == ["row", "text", "el2n", "predicted"]
    expected = whole(small_run).set_index("row").loc[wanted, ["text", "el2n", "predicted"]]
    pd.testing.assert_frame_equal(found.set_index("row"), expected)
    with pytest.raises(RunError, match="'column' must be one of"):
        columns_of(small_run, wanted, ("gone",))
