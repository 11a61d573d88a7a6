"""Tables at hand: how much room they have, who waits for whom, and what is tried again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pyarrow as pa
import pytest

from influence_core.store import shelf


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "table.parquet"
    path.touch()
    return path


def made(size: int = 6) -> pa.ChunkedArray:
    return pa.chunked_array([np.zeros(size)])


def test_the_least_lately_asked_for_make_room(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = shelf.Shelf(file.parent)
    monkeypatch.setattr(shelf, "MOST_BYTES", 100)
    for name in ("a", "b", "a", "c"):
        kept.column((file, name), made)
    assert [key[1] for key in kept.held] == ["a", "c"]


def test_what_is_not_on_the_disk_has_less_room(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = shelf.Shelf(file.parent)
    monkeypatch.setattr(shelf, "MAPPED_BYTES", 100)
    monkeypatch.setattr(shelf, "MOST_HELD_BYTES", 100)
    for name, size in (("a", 6), ("on disk", 1000), ("b", 6), ("c", 6)):
        kept.column((file, name), lambda size=size: made(size))
    assert [key[1] for key in kept.held] == ["on disk", "b", "c"]


def test_a_folder_that_was_swept_away_is_made_again(tmp_path: Path, file: Path) -> None:
    kept = shelf.Shelf(tmp_path / "swept" / "away")
    found = kept.column((file, "a"), lambda: made(2**18))
    assert kept.folder.stat().st_mode & 0o777 == 0o700
    assert [one.heap for one in kept.held.values()] == [False]
    assert len(found) == 2**18


def test_one_that_is_slow_stops_no_other(file: Path) -> None:
    kept, begun, go_on = shelf.Shelf(file.parent), Event(), Event()

    def slow() -> pa.ChunkedArray:
        begun.set()
        assert go_on.wait(10)
        return made()

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(kept.column, (file, "slow"), slow)
        assert begun.wait(10)
        same = pool.submit(kept.column, (file, "slow"), lambda: pytest.fail("made twice"))
        other = pool.submit(kept.column, (file, "other"), made)
        try:
            assert len(other.result(5)) == 6
            assert not first.done()
            assert not same.done()
        finally:
            go_on.set()
        assert same.result(5).equals(first.result(5))
    assert not kept.turns


def test_one_that_fails_is_tried_again(file: Path) -> None:
    kept = shelf.Shelf(file.parent)
    with pytest.raises(ZeroDivisionError):
        kept.column((file, "a"), lambda: 1 // 0)
    assert not kept.turns
    assert not kept.held
    assert len(kept.column((file, "a"), made)) == 6


def test_one_may_be_made_of_another(file: Path) -> None:
    kept = shelf.Shelf(file.parent)
    found = kept.column((file, "a", "twice"), lambda: kept.column((file, "a"), made))
    assert len(found) == 6
    assert {key[1:-1] for key in kept.held} == {("a",), ("a", "twice")}
