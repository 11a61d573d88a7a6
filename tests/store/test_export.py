"""An export holds the rows it should, exactly, or it is not there."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from influence_core.config import Settings
from influence_core.errors import ConfigError, RunError, SelectionError
from influence_core.exporting import export
from influence_core.store.export import MANIFEST, command_line
from influence_core.store.files import PARTIAL, write_parquet
from influence_core.store.formats import Format
from influence_core.store.run import Run
from tests.factory import make_run, read

EXACT: tuple[Format, ...] = ("jsonl", "parquet", "datasets")
FORMATS: tuple[Format, ...] = ("csv", *EXACT)


class Drawn(Settings):
    """Stands for the settings of a selection."""

    fraction: float = 0.5
    per_class: bool = False
    score: str = "vog"


def keep_half(run: Run) -> list[int]:
    return read(run.scores_file)["row"].to_pylist()[::2]


def gone_rows(run: Run, kept: list[int]) -> set[int]:
    return set(read(run.scores_file)["row"].to_pylist()) - set(kept)


def records(folder: Path, name: str, format: Format) -> list[dict[str, Any]]:
    if format == "jsonl":
        lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]
    if format == "parquet":
        return read(folder / f"{name}.parquet").to_pylist()
    from datasets import load_from_disk

    parts = load_from_disk(str(folder / name))
    return sorted((row for part in parts.values() for row in part), key=lambda row: row["id"])


@pytest.mark.parametrize("format", EXACT)
@pytest.mark.parametrize("hostile", [False, True])
def test_exact_formats_return_every_value(
    runs_root: Path, tmp_path: Path, format: Format, hostile: bool
) -> None:
    run = make_run(runs_root, rows=150, hostile=hostile, pairs=True)
    kept = keep_half(run)
    folder = export(run, kept, tmp_path / "out", format).folder
    gone = gone_rows(run, kept)
    rows = read(run.examples_file).to_pylist()
    assert records(folder, "kept", format) == [
        row for number, row in enumerate(rows) if number not in gone
    ]
    scores = read(run.scores_file).drop_columns(["row"]).to_pylist()
    by_id = {entry.pop("id"): entry for entry in scores}
    assert records(folder, "removed", format) == [
        rows[number] | by_id[rows[number]["id"]] for number in sorted(gone)
    ]


def test_values_that_json_lacks_are_still_told(small_run: Run, tmp_path: Path) -> None:
    moment = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
    table = read(small_run.examples_file)
    added = {
        "when": pa.array([moment] * 400),
        "price": pa.array([Decimal("1.50")] * 400),
        "raw": pa.array([b"\x00\xff"] * 400),
        "odd": pa.array([math.nan] * 400),
        "kind": pa.array(["a", "b"] * 200).dictionary_encode(),
        "nothing": pa.nulls(400),
    }
    for name, column in added.items():
        table = table.append_column(name, column)
    write_parquet(small_run.examples_file, table)
    first = records(
        export(small_run, keep_half(small_run), tmp_path / "j", "jsonl").folder, "kept", "jsonl"
    )[0]
    assert {name: first[name] for name in added} == {
        "when": moment.isoformat(),
        "price": "1.50",
        "raw": "AP8=",
        "odd": None,
        "kind": "a",
        "nothing": None,
    }
    for format in ("csv", "parquet", "datasets"):
        assert export(small_run, keep_half(small_run), tmp_path / format, format).manifest.files


def test_csv_is_whole_and_no_formula_survives(hostile_run: Run, tmp_path: Path) -> None:
    kept = keep_half(hostile_run)
    folder = export(hostile_run, kept, tmp_path / "out", "csv").folder
    with (folder / "kept.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    table = read(hostile_run.examples_file)
    gone = gone_rows(hostile_run, kept)
    rows = [row for number, row in enumerate(table.to_pylist()) if number not in gone]
    assert len(lines) == len(rows)
    assert header == [name if name != "=cmd" else "'=cmd" for name in table.column_names]
    for line, row in zip(lines, rows, strict=True):
        for cell, name in zip(line, table.column_names, strict=True):
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            if isinstance(row[name], str):
                assert cell in (row[name], f"'{row[name]}")
    slots = header.index("slots")
    assert [json.loads(line[slots]) for line in lines] == [row["slots"] for row in rows]


def test_numbers_in_csv_stay_numbers(small_run: Run, tmp_path: Path) -> None:
    table = read(small_run.examples_file)
    labels = pa.array(["-1", "+2.5", "-x", "＝1"] * 100)
    table = table.append_column("level", labels).append_column("change", pa.array([-3.5] * 400))
    write_parquet(small_run.examples_file, table)
    every = read(small_run.scores_file)["row"].to_pylist()
    folder = export(small_run, every, tmp_path / "out", "csv").folder
    with (folder / "kept.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["level"] for line in lines[:4]] == ["-1", "+2.5", "'-x", "'＝1"]
    assert {line["change"] for line in lines} == {"-3.5"}


@pytest.mark.parametrize("format", FORMATS)
def test_the_manifest_tells_what_was_done(small_run: Run, tmp_path: Path, format: Format) -> None:
    kept = keep_half(small_run)
    settings = Drawn(fraction=0.25, per_class=True)
    command = command_line(small_run, tmp_path / "my out", format, settings)
    done = export(small_run, kept, tmp_path / "my out", format, settings=settings, command=command)
    stored = json.loads((done.folder / MANIFEST).read_text(encoding="utf-8"))
    assert stored == done.manifest.model_dump(mode="json")
    assert stored["settings"] == {"fraction": 0.25, "per_class": True, "score": "vog"}
    assert stored["command"].startswith("influence export small '")
    assert stored["command"].endswith(f"--format {format} --fraction 0.25 --per-class")
    table = read(small_run.examples_file).to_pandas()
    train = table[table["split"] == "train"]
    assert stored["train_before"] == train["label"].value_counts().to_dict()
    after = table.loc[kept, "label"].value_counts().to_dict()
    assert stored["train_after"] == dict.fromkeys(stored["train_before"], 0) | after
    assert stored["rows_after"] == 400 - len(train) + len(kept)
    files = {path for path in done.folder.rglob("*") if path.is_file()} - {done.folder / MANIFEST}
    assert {done.folder / name for name in stored["files"]} == files
    for name, digest in stored["files"].items():
        assert hashlib.sha256((done.folder / name).read_bytes()).hexdigest() == digest


def test_an_export_is_never_overwritten_unasked(small_run: Run, tmp_path: Path) -> None:
    kept = keep_half(small_run)
    export(small_run, kept, tmp_path / "out", "jsonl")
    with pytest.raises(ConfigError, match="holds an export already"):
        export(small_run, kept, tmp_path / "out", "csv")
    done = export(small_run, kept, tmp_path / "out", "csv", overwrite=True)
    assert sorted(path.name for path in done.folder.iterdir()) == [
        "datasheet.md",
        "kept.csv",
        "manifest.json",
        "removed.csv",
    ]


def test_nothing_but_an_export_is_overwritten(small_run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "diary.txt").write_text("dear", encoding="utf-8")
    (home / MANIFEST).write_text('{"name": "another tool"}', encoding="utf-8")
    with pytest.raises(ConfigError, match="new or an empty folder"):
        export(small_run, [], home, overwrite=True)
    with pytest.raises(ConfigError, match="a folder, not a file"):
        export(small_run, [], home / "diary.txt", overwrite=True)
    with pytest.raises(ConfigError, match="a place to write to"):
        export(small_run, [], home / "diary.txt" / "deeper")
    assert (home / "diary.txt").read_text(encoding="utf-8") == "dear"


@pytest.mark.parametrize("destination", ["", "  ", "a\0b"])
def test_a_destination_needs_a_name(small_run: Run, destination: str) -> None:
    with pytest.raises(ConfigError, match="'destination' must name a folder"):
        export(small_run, [], destination)


def test_a_failed_export_leaves_nothing(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> dict[str, str]:
        assert (folder / "kept.jsonl").exists()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("influence_core.store.export._checksums", fail)
    with pytest.raises(ConfigError, match="No space left on device"):
        export(small_run, [], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(f"{PARTIAL}*"))


@pytest.mark.parametrize("row", [-1, 400, "validation"])
def test_kept_rows_must_be_training_rows(small_run: Run, tmp_path: Path, row: int | str) -> None:
    if row == "validation":
        splits = read(small_run.examples_file)["split"].to_pylist()
        row = splits.index("validation")
    with pytest.raises(SelectionError, match="must be training rows of run 'small'"):
        export(small_run, [row], tmp_path / "out")


@pytest.mark.parametrize("format", FORMATS)
def test_all_or_none_may_be_kept(runs_root: Path, tmp_path: Path, format: Format) -> None:
    run = make_run(runs_root, rows=30, classes=2, scored=False)
    splits = np.array(read(run.examples_file)["split"].to_pylist())
    train = np.flatnonzero(splits == "train")
    everything = export(run, train, tmp_path / "all", format).manifest
    nothing = export(run, [], tmp_path / "none", format).manifest
    assert everything.rows_after == 30
    assert nothing.rows_after == 30 - len(train)
    assert set(nothing.train_after.values()) == {0}


def test_a_run_without_examples_has_nothing_to_export(runs_root: Path, tmp_path: Path) -> None:
    run = make_run(runs_root, scored=False)
    run.examples_file.unlink()
    with pytest.raises(RunError, match="nothing to export"):
        export(run, [], tmp_path / "out")


def test_an_unknown_format_is_named(small_run: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'format' must be one of csv, jsonl, parquet, datasets"):
        export(small_run, [], tmp_path / "out", "xlsx")
