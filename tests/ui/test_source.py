"""Stamps of sources: they tell when what lies there has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ui import source


def test_a_change_inside_a_folder_is_seen(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a, b.csv").write_text("text,label\n", encoding="utf-8")
    before = source.stamp(str(tmp_path))
    (tmp_path / "deep" / "a, b.csv").write_text("text,label\nhi,greet\n", encoding="utf-8")
    assert len(before) == 1
    assert source.stamp(str(tmp_path)) != before
    assert source.stamp(str(tmp_path / "deep" / "a, b.csv")) == source.stamp(str(tmp_path))


def test_of_a_large_folder_only_some_entries_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (tmp_path / f"{number}.csv").touch()
    monkeypatch.setattr(source, "ENTRIES_LOOKED_AT", 7)
    assert len(source.stamp(str(tmp_path))) == 7
    assert source.stamp(str(tmp_path / "gone")) == ()
