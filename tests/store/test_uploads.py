"""Uploads stay under the root, whole and private, whatever they are called."""

from __future__ import annotations

import io
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influence_core.config import DataSettings, ImportSettings, RunSettings
from influence_core.errors import DataError
from influence_core.store.run import create_run, list_runs
from influence_core.store.uploads import (
    FOLDER,
    forget_uploads,
    safe_filename,
    save_together,
    save_upload,
)

NAMES = ["a.csv", "../../etc/passwd", "..\\..\\x.csv", "/abs.jsonl", "", ".", "..", "\0", "x" * 500]


@pytest.mark.parametrize("name", NAMES)
def test_an_upload_lies_under_the_root(runs_root: Path, name: str) -> None:
    path = save_upload(name, io.BytesIO(b"id,text\n1,x\n"))
    assert path.read_bytes() == b"id,text\n1,x\n"
    assert path.resolve().is_relative_to(runs_root.resolve() / FOLDER)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list_runs() == []


@given(st.text(max_size=300))
def test_any_name_becomes_a_plain_one(name: str) -> None:
    safe = safe_filename(name)
    assert 0 < len(safe) <= 100
    assert set(safe) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not safe.startswith(".")
    assert safe_filename(safe) == safe


def test_the_suffix_survives() -> None:
    assert safe_filename("x" * 300 + ".parquet").endswith("x.parquet")
    assert safe_filename("données d'été.csv") == "donnees_d_ete.csv"


def test_equal_names_do_not_meet(runs_root: Path) -> None:
    first, second = (save_upload("a.csv", io.BytesIO(text)) for text in (b"1", b"2"))
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")


@pytest.mark.parametrize(
    ("content", "limit", "message"),
    [(b"", None, "The file is empty"), (b"12345", 4, "must be at most 4 bytes")],
)
def test_a_refused_upload_leaves_nothing(
    runs_root: Path, content: bytes, limit: int | None, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        save_upload("a.csv", io.BytesIO(content), limit=limit)
    assert list((runs_root / FOLDER).iterdir()) == []


def test_a_long_upload_is_copied_in_pieces(runs_root: Path) -> None:
    content = bytes(range(256)) * 10_000
    assert save_upload("b.bin", io.BytesIO(content), limit=len(content)).read_bytes() == content


def test_files_that_belong_together_lie_together(runs_root: Path) -> None:
    names = ("dynamics_epoch_0.jsonl", "../dynamics_epoch_1.jsonl")
    folder = save_together([(name, io.BytesIO(b"{}")) for name in names])
    assert folder.resolve().is_relative_to(runs_root.resolve() / FOLDER)
    assert sorted(path.name for path in folder.iterdir()) == [Path(name).name for name in names]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert save_together([("a.npy", io.BytesIO(b"1"))]).name == "a.npy"


@pytest.mark.parametrize(
    ("second", "content", "message"),
    [("a b.csv", b"2", "must have names of their own"), ("c.csv", b"", "The file is empty")],
)
def test_of_files_that_belong_together_all_are_kept_or_none(
    runs_root: Path, second: str, content: bytes, message: str
) -> None:
    files = [("a_b.csv", io.BytesIO(b"1")), (second, io.BytesIO(content))]
    with pytest.raises(DataError, match=message):
        save_together(files)
    assert list((runs_root / FOLDER).iterdir()) == []
    with pytest.raises(DataError, match="at least"):
        save_together([])


def test_what_an_import_reads_is_kept(runs_root: Path) -> None:
    scores = save_upload("scores.csv", io.BytesIO(b"text"))
    settings = RunSettings(imported=ImportSettings(path=str(scores)))
    create_run("needs", settings, runs_root)
    forget_uploads(before=time.time() + 1)
    assert scores.exists()


def test_old_uploads_go_unless_a_run_names_them(runs_root: Path) -> None:
    needed, unused = (save_upload(name, io.BytesIO(b"text")) for name in ("a.csv", "b.csv"))
    settings = RunSettings(data=DataSettings(source=str(needed)))
    run = create_run("needs", settings, runs_root)
    forget_uploads()
    assert needed.exists()
    assert unused.exists()
    forget_uploads(before=time.time() + 1)
    assert needed.exists()
    assert not unused.exists()
    run.manifest_file.write_text("{}")
    forget_uploads(before=time.time() + 1)
    assert needed.exists()
