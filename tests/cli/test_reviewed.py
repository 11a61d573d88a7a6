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


def test_figures_of_the_review_stand_beside_the_suspicions(
    influence: Influence, small_run: Run
) -> None:
    review_some(small_run)
    facts = influence("noise", "small", "--reviewed", "--json").json
    assert isinstance(facts, dict)
    told = facts["reviewed"]
    assert told["rows"] == {"keep": 2, "relabel": 2, "drop": 2, "skip": 2}
    last = told["precision"][-1]
    assert (last["reviewed"], last["wrong"]) == (6, 4)
    assert last["low"] < 4 / 6 < last["high"]
    shown = influence("noise", "small", "--reviewed").out
    assert "Reviews, version 4: keep 2, relabel 2, drop 2, skip 2" in shown
    assert "66.7%" in shown
    assert "Reviews" not in influence("noise", "small").out


def test_before_the_first_decision_there_are_no_figures(
    influence: Influence, small_run: Run
) -> None:
    facts = influence("noise", "small", "--reviewed", "--json").json
    assert isinstance(facts, dict)
    assert facts["reviewed"] == {"version": 0, "rows": {}, "reviewers": {}, "precision": []}
    assert "Reviews, version 0: none; by nobody" in influence("noise", "small", "--reviewed").out


def test_a_run_without_decisions_is_told(
    influence: Influence, small_run: Run, tmp_path: Path
) -> None:
    said = influence("reviewed", "small", str(tmp_path / "mended.csv"))
    assert said.code == 2
    assert "Nobody dropped or relabelled a row of run 'small'" in said.err
