"""What reviewers decided, in the rows that leave the house."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pyarrow as pa
import pytest

from influence_core.errors import DataError
from influence_core.exporting import export
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.corrections import corrections
from influence_core.store.export import command_line
from influence_core.store.files import write_parquet
from influence_core.store.formats import Format
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from tests.factory import read
from tests.reviewer import given_labels, other_label, review_some, some

COLUMNS = ["id", "label", "review_action", "label_before_review"]


def exported(run: Run, kept: list[int], folder: Path, version: int | None) -> tuple[list, list]:
    """Export as Parquet; return the rows of both files."""
    export(run, kept, folder, "parquet", review_version=version)
    return tuple(read(folder / f"{name}.parquet").to_pylist() for name in ("kept", "removed"))


def every_train_row(run: Run) -> list[int]:
    return [
        n
        for n, split in enumerate(read(run.examples_file)["split"].to_pylist())
        if split == "train"
    ]


def test_dropped_rows_leave_and_relabelled_ones_change(small_run: Run, tmp_path: Path) -> None:
    given, ids = review_some(small_run), list(given_labels(small_run))
    kept, removed = exported(small_run, every_train_row(small_run), tmp_path / "out", 4)
    assert [row["id"] for row in removed] == ids[4:6]
    before = {row["id"]: row for row in read(small_run.examples_file).to_pylist()}
    assert [row["id"] for row in kept] == [id for id in before if id not in ids[4:6]]
    for row in kept + removed:
        action, old = row.pop("review_action"), row.pop("label_before_review")
        if row["id"] in ids[2:4]:
            assert (action, old) == ("relabel", given[row["id"]])
            assert row["label"] == other_label(small_run, old)
        else:
            assert old is None
            assert row["label"] == before[row["id"]]["label"]
            assert action == {0: "keep", 2: "drop", 3: "skip"}.get(_pair(ids, row["id"]))
        assert row["text"] == before[row["id"]]["text"]


def _pair(ids: list[str], id: str) -> int:
    """Say which pair of rows it is: two of each action were decided."""
    return ids.index(id) // 2 if id in ids else -1


def test_they_lie_on_top_of_a_selection(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    ids = list(given_labels(small_run))
    chosen = select(small_run, SelectionSettings(fraction=0.5, score="aum", normalise="raw"))
    kept, removed = exported(small_run, chosen.kept.tolist(), tmp_path / "out", 4)
    plain, gone = exported(small_run, chosen.kept.tolist(), tmp_path / "plain", None)
    assert {row["id"] for row in kept} == {row["id"] for row in plain} - set(ids[4:6])
    assert {row["id"] for row in removed} == {row["id"] for row in gone} | set(ids[4:6])
    assert "review_action" not in plain[0]
    scored = next(row for row in removed if row["id"] == ids[4])
    assert scored["vog"] is not None


def test_the_manifest_counts_them(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    rows = every_train_row(small_run)
    facts = export(small_run, rows, tmp_path / "out", review_version=4).manifest
    assert facts.reviews is not None
    assert facts.reviews.rows == {"keep": 2, "relabel": 2, "drop": 2, "skip": 2}
    assert facts.reviews.reviewers == {"Ada": 4, "Ben": 4}
    assert facts.rows_before - facts.rows_after == 2
    assert sum(facts.train_before.values()) == len(rows)
    kept = read_labels(tmp_path / "out" / "kept.jsonl")
    assert facts.train_after == {label: kept.count(label) for label in facts.train_before}
    assert export(small_run, rows, tmp_path / "plain").manifest.reviews is None


def read_labels(path: Path) -> list[str]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [row["label"] for row in rows if row["split"] == "train"]


def test_later_decisions_change_no_earlier_version(small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    rows = every_train_row(small_run)
    first = export(small_run, rows, tmp_path / "first", review_version=4).manifest
    Reviews(small_run).decide(some(given_labels(small_run), 10, 40), "drop", "Cleo")
    Reviews(small_run).undo("Ben")
    again = export(small_run, rows, tmp_path / "first", overwrite=True, review_version=4).manifest
    assert first.files == again.files
    newest = export(small_run, rows, tmp_path / "newest", review_version=6).manifest
    assert newest.reviews is not None
    assert newest.reviews.rows == {"keep": 2, "relabel": 2, "drop": 32}


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "datasets"])
def test_every_format_takes_them(hostile_run: Run, tmp_path: Path, format: Format) -> None:
    review_some(hostile_run)
    rows = every_train_row(hostile_run)
    facts = export(hostile_run, rows, tmp_path / "out", format, review_version=4).manifest
    assert facts.rows_before - facts.rows_after == 2


def test_the_command_names_the_version(small_run: Run) -> None:
    command = command_line(small_run, "out", "csv", SelectionSettings(), review_version=7)
    words = shlex.split(command)
    assert words[-2:] == ["--review-version", "7"]


def test_a_second_review_keeps_the_first_label(small_run: Run) -> None:
    given = given_labels(small_run)
    (id, label), (other, _) = list(given.items())[:2]
    examples = read(small_run.examples_file)
    ids = examples["id"].to_pylist()
    old = pa.array(["the very first" if one == id else None for one in ids])
    said = pa.array(["relabel" if one == id else "keep" if one == other else None for one in ids])
    table = examples.append_column("label_before_review", old)
    write_parquet(small_run.examples_file, table.append_column("review_action", said))
    Reviews(small_run).decide({id: label}, "relabel", "Ada", other_label(small_run, label))
    decided = corrections(small_run)
    batch = read(small_run.examples_file).combine_chunks().to_batches()[0]
    rows = {row["id"]: row for row in decided.applied(batch).to_pylist()}
    assert rows[id]["label_before_review"] == "the very first"
    assert rows[id]["label"] == other_label(small_run, label)
    assert rows[other]["review_action"] == "keep"
    assert decided.schema(batch.schema).names == batch.schema.names


def test_a_foreign_column_is_not_overwritten(small_run: Run) -> None:
    schema = pa.schema([("id", pa.string()), ("label", pa.string()), ("review_action", pa.int64())])
    with pytest.raises(DataError, match="'review_action' must be text"):
        corrections(small_run).schema(schema)
