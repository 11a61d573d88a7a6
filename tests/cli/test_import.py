"""`influence import`, and what the other commands say of an imported run."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from influence_core.store.run import Run, list_runs, open_run
from tests.cli.conftest import Influence
from tests.exchange.files import IDS, write_csv, write_lines, write_texts

VALUES = [0.5, 0.25, 1.0, 0.125, 0.0, 0.75]


@pytest.fixture
def imported(influence: Influence, tmp_path: Path) -> Run:
    """A run of two scores, one of them with its hard end below."""
    table = write_csv(tmp_path / "scores.csv", {"key": IDS, "el2n": VALUES, "trust": VALUES})
    options = ("--score-id", "key", "--hard", "trust=low", "--name", "given")
    answer = influence("import", str(write_texts(tmp_path)), "--from", str(table), *options)
    assert answer.code == 0, answer.err
    return open_run("given")


def test_it_says_what_became_of_the_files(influence: Influence, imported: Run) -> None:
    facts = influence("show", "given", "--json").json
    assert isinstance(facts, dict)
    assert facts["scores"] == ["el2n", "trust"]
    assert facts["custom_scores"] == [{"key": "trust", "column": "trust", "hard": "low"}]
    assert [row["id"] for row in facts["hardest"]][:2] == ["c", "f"]
    said = influence("show", "given", "--score", "trust").out
    assert "imported" in said
    assert "trained" not in said
    assert said.index("lamp off") > said.index("all bulbs on")  # 1.0 is easy, 0.0 is hard
    assert "import" in influence("runs").out


def test_a_score_that_the_run_lacks_is_told(influence: Influence, imported: Run) -> None:
    answer = influence("show", "given", "--score", "vog")
    assert answer.code == 2
    assert "has no score 'vog'; its scores are el2n, trust" in answer.err


def test_a_subset_by_an_imported_score_is_exported(
    influence: Influence, imported: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ("--score", "trust", "--normalise", "raw", "--fraction", "0.5", "--format", "csv")
    assert influence("export", "given", str(out), *options).code == 0
    with (out / "removed.csv").open(newline="") as file:
        removed = list(csv.DictReader(file))
    assert {row["id"] for row in removed} == {"a", "c", "f"}
    assert {row["trust_rank"] for row in removed} == {"4", "5", "6"}


def test_problems_are_printed_and_leave_nothing(influence: Influence, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "scores.csv", {"id": [*IDS[:5], "zz"], "mine": [*VALUES[:5], "x"]})
    answer = influence("import", str(write_texts(tmp_path)), "--from", str(table))
    assert answer.code == 2
    for part in ("with no number in column 'mine'", "ids 'zz'", "ids 'f'"):
        assert part in answer.err
    assert not list_runs()


def test_an_import_that_was_stopped_goes_on_as_any_run(
    influence: Influence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from influence_core.exchange import importing

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    table = write_csv(tmp_path / "scores.csv", {"id": IDS, "mine": VALUES})
    with monkeypatch.context() as patch:
        patch.setattr(importing, "bring_in", stop)
        answer = influence("import", str(write_texts(tmp_path)), "--from", str(table))
    assert answer.code == 130
    assert influence("run", "--resume").code == 0
    (run,) = list_runs()
    assert run.scores()["mine"].tolist() == VALUES


def test_dynamics_come_in_by_the_same_command(influence: Influence, tmp_path: Path) -> None:
    for epoch in range(2):
        path = tmp_path / "model" / "training_dynamics" / f"dynamics_epoch_{epoch}.jsonl"
        rows = [
            {"guid": name, f"logits_epoch_{epoch}": [row, 1 - row], "gold": row % 2}
            for row, name in enumerate(IDS)
        ]
        write_lines(path, rows)
    answer = influence(
        "import", str(write_texts(tmp_path)), "--from", str(tmp_path / "model"), "--name", "seen"
    )
    assert answer.code == 0, answer.err
    assert "confidence" in influence("show", "seen").out
    refused = influence("export", "seen", str(tmp_path / "out"), "--dynamics")
    assert refused.code == 2
    assert "was imported, and no logits are kept of it" in refused.err


def test_dynamics_and_a_subset_are_not_asked_for_at_once(
    influence: Influence, imported: Run, tmp_path: Path
) -> None:
    answer = influence("export", "given", str(tmp_path / "out"), "--dynamics", "--fraction", "0.5")
    assert answer.code == 2
    assert "'dynamics' must be asked for without a subset" in answer.err


def test_a_run_without_dynamics_has_none_to_export(
    influence: Influence, imported: Run, tmp_path: Path
) -> None:
    answer = influence("export", "given", str(tmp_path / "out"), "--dynamics")
    assert "Run 'given' has no training dynamics to export" in answer.err
