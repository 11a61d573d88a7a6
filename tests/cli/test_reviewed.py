"""`influence reviewed`."""

from __future__ import annotations

import shlex
from pathlib import Path

from influence_core.store.run import Run
from tests.cli.conftest import Influence
from tests.factory import read
from tests.reviewer import review_some


def test_the_file_is_written_and_the_next_command_told(
    influence: Influence, small_run: Run, tmp_path: Path
) -> None:
    review_some(small_run)
    target = tmp_path / "my data.parquet"
    said = influence("reviewed", "small", str(target))
    assert said.code == 0
    assert "Reviews, version 4: keep 2, relabel 2, drop 2, skip 2; by Ada 4, Ben 4" in said.out
    assert "398 of 400 rows" in said.out
    assert f"influence run {shlex.quote(str(target))}" in said.out
    assert len(read(target)) == 398


def test_its_own_command_repeats_it(influence: Influence, small_run: Run, tmp_path: Path) -> None:
    review_some(small_run)
    target = tmp_path / "mended.parquet"
    facts = influence("reviewed", "small", str(target), "--json").json
    assert isinstance(facts, dict)
    first = target.read_bytes()
    target.unlink()
    again = influence(*shlex.split(facts["command"])[1:], "--json").json
    assert isinstance(again, dict)
    assert target.read_bytes() == first
    assert again["reviews"] == facts["reviews"]


def test_a_run_without_decisions_is_told(
    influence: Influence, small_run: Run, tmp_path: Path
) -> None:
    said = influence("reviewed", "small", str(tmp_path / "mended.csv"))
    assert said.code == 2
    assert "Nobody dropped or relabelled a row of run 'small'" in said.err
