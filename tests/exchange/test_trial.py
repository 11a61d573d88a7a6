"""An import tried out: the figures are those of the import itself, and nothing stays."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np
import pytest

from influence_core import pipeline
from influence_core.config import DataSettings, ImportSettings, RunSettings
from influence_core.errors import DataError
from influence_core.exchange.importing import for_import
from influence_core.exchange.trial import columns_of, try_out
from influence_core.progress import silent
from influence_core.store.run import list_runs
from tests.exchange.files import IDS, write_csv, write_texts


def wanted(data: Path, path: Path, **more: object) -> RunSettings:
    return for_import(DataSettings(source=str(data)), ImportSettings(path=str(path), **more))


@pytest.fixture
def partial(tmp_path: Path) -> RunSettings:
    columns = {"id": [*IDS[:4], "zz"], "el2n": [0.1, 0.2, 0.3, 0.4, 9], "trust": [5, 1, 3, 2, 9]}
    table = write_csv(tmp_path / "scores.csv", columns)
    return wanted(write_texts(tmp_path), table, partial=True, hard=("trust=low",))


def test_matched_rows_and_ranges_are_told(partial: RunSettings, runs_root: Path) -> None:
    trial = try_out(partial, silent())
    assert (trial.dataset.rows, trial.unmatched) == (6, 2)
    el2n, trust = trial.scores
    assert (el2n.label, el2n.hard, el2n.rows) == ("EL2N", "high", 4)
    assert (el2n.lowest, el2n.median, el2n.highest) == (0.1, pytest.approx(0.25), 0.4)
    assert (trust.key, trust.hard, trust.lowest, trust.highest) == ("trust", "low", 1, 5)
    assert [score.column for score in trial.custom] == ["trust"]
    assert "unknown_id" in {finding.check for finding in trial.dataset.findings}


def test_the_trial_says_what_the_import_does(partial: RunSettings, runs_root: Path) -> None:
    trial = try_out(partial, silent())
    imported = partial.imported
    assert imported is not None
    run = pipeline.import_scores(
        partial.data.source, imported.path, settings=imported, name="imported"
    )
    assert run.manifest().dataset == trial.dataset
    values = run.scores(["trust"])["trust"]
    assert np.isfinite(values).sum() == trial.scores[1].rows
    assert values.median() == trial.scores[1].median


def test_a_score_of_which_nothing_matches_has_no_range(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "scores.csv", {"id": ["x"], "el2n": [0.5]})
    [score] = try_out(wanted(write_texts(tmp_path), table, partial=True), silent()).scores
    assert score.rows == 0
    assert math.isnan(score.median)


def test_all_problems_are_told_and_nothing_stays(
    tmp_path: Path, runs_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    table = write_csv(tmp_path / "scores.csv", {"id": ["a", "a"], "el2n": [0.5, 0.5]})
    with pytest.raises(DataError) as told:
        try_out(wanted(write_texts(tmp_path), table), silent())
    assert {finding.check for finding in told.value.findings} == {"duplicate_id", "unscored"}
    assert list(scratch.iterdir()) == []
    assert list_runs() == []


def test_columns_of_a_table_are_named(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "scores.csv", {"id": IDS, "el2n": [0.5] * 6})
    assert columns_of(str(table)) == ("id", "el2n")
    np.save(tmp_path / "p.npy", np.eye(2))
    assert columns_of(str(tmp_path / "p.npy")) == ()
    with pytest.raises(DataError, match="no file or folder"):
        columns_of(str(tmp_path / "absent.csv"))
