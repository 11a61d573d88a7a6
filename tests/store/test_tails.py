"""The ends of a score: the rows that a sort of all of them would put there."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from influence_core.errors import ConfigError, ReadOnly, RunError
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from influence_core.store.tails import TailSettings, tail_bytes, tails, write_tails
from tests.factory import make_run, read


def ranked(run: Run, column: str) -> pd.DataFrame:
    scores = run.scores(["row", "id", column])
    return scores.merge(run.examples(["id", "label"]), on="id")


@pytest.mark.parametrize(("key", "hard_is_high"), [("vog", True), ("pvi", False)])
@pytest.mark.parametrize("normalise", ["raw", "dataset"])
def test_both_ends_are_those_of_the_ranks(
    small_run: Run, key: str, hard_is_high: bool, normalise: str
) -> None:
    found = tails(small_run, TailSettings(score=key, normalise=normalise, number=7))
    order = ranked(small_run, f"{key}_rank").sort_values(f"{key}_rank")
    assert found["end"].tolist() == ["hardest"] * 7 + ["easiest"] * 7
    assert found["place"].tolist() == [*range(1, 8)] * 2
    assert found["id"].tolist() == [*order["id"][:7], *order["id"][::-1][:7]]
    hardest, easiest = (found.loc[found["end"] == end, key] for end in ("hardest", "easiest"))
    assert (hardest.mean() > easiest.mean()) == hard_is_high


def test_the_class_score_orders_by_itself(small_run: Run) -> None:
    settings = TailSettings(score="vog", normalise="class", end="hardest", number=9)
    found = tails(small_run, settings)
    order = ranked(small_run, "vog_class_norm").nlargest(9, "vog_class_norm")
    assert found["id"].tolist() == order["id"].tolist()
    assert found["vog_class_norm"].tolist() == order["vog_class_norm"].tolist()


def test_what_was_never_learnt_turns_no_class_score_round(small_run: Run) -> None:
    table = read(small_run.scores_file).to_pandas()
    table.loc[0, ["forgetting", "forgetting_rank", "never_learnt"]] = (0.0, 0, True)
    table.loc[0, "forgetting_class_norm"] = table["forgetting_class_norm"].min() - 1
    write_parquet(small_run.scores_file, pa.Table.from_pandas(table, preserve_index=False))
    settings = TailSettings(score="forgetting", normalise="class", end="hardest", number=5)
    found = tails(small_run, settings)
    largest = table["forgetting_class_norm"].nlargest(5).tolist()
    assert found["forgetting_class_norm"].tolist() == largest


def test_every_class_has_its_own_ends(small_run: Run) -> None:
    found = tails(small_run, TailSettings(score="vog", end="easiest", number=3, per_class=True))
    order = ranked(small_run, "vog_rank").sort_values("vog_rank", ascending=False)
    for label, part in order.groupby("label"):
        own = found[found["label"] == label]
        assert own["id"].tolist() == part["id"].tolist()[:3]
        assert own["place"].tolist() == [*range(1, len(own) + 1)]


def test_rows_without_the_score_are_at_no_end(small_run: Run) -> None:
    table = read(small_run.scores_file)
    values = table["vog"].to_numpy().copy()
    values[:300] = np.nan
    place = table.column_names.index("vog")
    write_parquet(small_run.scores_file, table.set_column(place, "vog", pa.array(values)))
    found = tails(small_run, TailSettings(score="vog", end="hardest", number=1_000))
    assert len(found) == len(values) - 300
    assert found["vog"].notna().all()


def test_input_columns_of_the_same_names_are_called_otherwise(small_run: Run) -> None:
    examples = read(small_run.examples_file)
    ids = examples["id"]
    for name in ("end", "place", "end_input"):
        examples = examples.append_column(name, ids)
    write_parquet(small_run.examples_file, examples)
    found = tails(small_run, TailSettings(score="vog", end="hardest", number=5))
    assert found["place"].tolist() == [1, 2, 3, 4, 5]
    for name in ("end_input", "end_input_input", "place_input"):
        assert found[name].tolist() == found["id"].tolist()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_file_holds_the_table(hostile_run: Run, tmp_path: Path, suffix: str) -> None:
    settings = TailSettings(number=40)
    path = write_tails(hostile_run, tmp_path / f"ends{suffix}", settings)
    found = tails(hostile_run, settings)
    if suffix == ".parquet":
        ids = read(path)["id"].to_pylist()
        assert read(path)["text"].to_pylist() == found["text"].tolist()
    elif suffix == ".jsonl":
        ids = [json.loads(line)["id"] for line in path.read_text("utf-8").split("\n")[:-1]]
    else:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        ids = [line["id"] for line in lines]
        assert not [line for line in lines if line["text"].startswith(("=", "+", "@", "\t"))]
    assert ids == found["id"].tolist()
    assert tail_bytes(found, suffix[1:]) == path.read_bytes()


def test_what_cannot_be_listed_is_told(
    small_run: Run, runs_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RunError, match="'score' must be one of 'vog'"):
        tails(small_run, TailSettings(score="grand"))
    with pytest.raises(RunError, match="has no scores yet"):
        tails(make_run(runs_root, "early", scored=False), TailSettings())
    with pytest.raises(ConfigError, match=r"end in .csv, .jsonl, .parquet"):
        write_tails(small_run, tmp_path / "ends.xlsx", TailSettings())
    with pytest.raises(ConfigError, match="'format' must be one of"):
        tail_bytes(tails(small_run, TailSettings()), "datasets")
    monkeypatch.setenv("INFLUENCE_READ_ONLY", "1")
    with pytest.raises(ReadOnly):
        write_tails(small_run, tmp_path / "ends.csv", TailSettings())
