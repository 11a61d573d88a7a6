"""Exports that were written: files that are checked, and ids that are read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from influence_core.errors import ConfigError
from influence_core.exporting import export
from influence_core.store.export import MANIFEST
from influence_core.store.exported import (
    exports_folder,
    files,
    kept_ids,
    open_export,
    verify,
    written_exports,
)
from influence_core.store.files import write_parquet
from influence_core.store.formats import Format
from influence_core.store.run import Run
from tests.factory import read


def train_rows(run: Run) -> list[int]:
    splits = np.array(read(run.examples_file)["split"].to_pylist())
    return np.flatnonzero(splits == "train").tolist()


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "datasets"])
def test_ids_are_read_back_from_every_format(
    hostile_run: Run, tmp_path: Path, format: Format
) -> None:
    kept = train_rows(hostile_run)[::3]
    done = export(hostile_run, kept, tmp_path / "out", format)
    ids = hostile_run.examples(["id"])["id"]
    assert sorted(kept_ids(done)) == sorted(ids[kept])


def test_texts_of_any_length_are_read_back_from_csv(small_run: Run, tmp_path: Path) -> None:
    examples = read(small_run.examples_file)
    row = train_rows(small_run)[0]
    texts = examples["text"].to_pylist()
    texts[row] = "long " * 40_000
    place = examples.column_names.index("text")
    write_parquet(small_run.examples_file, examples.set_column(place, "text", pa.array(texts)))
    done = export(small_run, [row], tmp_path / "out", "csv")
    assert kept_ids(done) == [examples["id"][row].as_py()]


def test_files_are_intact_until_somebody_touches_them(small_run: Run, tmp_path: Path) -> None:
    done = export(small_run, train_rows(small_run)[:50], tmp_path / "out")
    assert open_export(done.folder) == done
    assert verify(done) == {
        "datasheet.md": "intact",
        "kept.jsonl": "intact",
        "removed.jsonl": "intact",
    }
    sizes = {one.name: one.size for one in files(done)}
    assert [*sizes] == ["datasheet.md", "kept.jsonl", "removed.jsonl", MANIFEST]
    assert all(sizes[name] == (done.folder / name).stat().st_size for name in sizes)
    with (done.folder / "kept.jsonl").open("a") as file:
        file.write(" ")
    (done.folder / "removed.jsonl").unlink()
    (done.folder / "notes.txt").write_text("mine")
    assert verify(done) == {
        "datasheet.md": "intact",
        "kept.jsonl": "changed",
        "removed.jsonl": "missing",
        "notes.txt": "added",
    }
    assert files(done)[2].size is None


def test_exports_of_a_run_are_listed_and_nothing_else(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert written_exports(small_run) == []
    folder = exports_folder(small_run)
    for day, name in enumerate(("first", "second"), 1):
        moment = f"2026-01-0{day}T00:00:00+00:00"
        monkeypatch.setattr("influence_core.store.export.now", lambda said=moment: said)
        export(small_run, [], folder / name)
    (folder / "other").mkdir()
    (folder / "other" / MANIFEST).write_text("{}")
    assert [one.folder.name for one in written_exports(small_run)] == ["second", "first"]
    with pytest.raises(ConfigError, match="'folder' must hold an export"):
        open_export(folder / "other")


@pytest.mark.parametrize("damage", ["gone", "broken"])
def test_ids_of_a_damaged_export_are_refused_kindly(
    small_run: Run, tmp_path: Path, damage: str
) -> None:
    done = export(small_run, train_rows(small_run)[:5], tmp_path / "out")
    if damage == "gone":
        (done.folder / "kept.jsonl").unlink()
    else:
        (done.folder / "kept.jsonl").write_text("{")
    with pytest.raises(ConfigError, match=r"hold 'kept\.jsonl' as written"):
        kept_ids(done)
