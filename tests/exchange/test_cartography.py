"""Training dynamics in the format of allenai/cartography."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import influence_core as ic
from influence_core.config import ImportSettings
from influence_core.errors import DataError
from influence_core.store import tables
from influence_core.store.run import Run, list_runs
from tests.exchange.files import IDS, TEXTS, write_csv, write_lines, write_texts

# cartography's processors number labels as they like: here music is 0 and lights is 1.
GOLD = [0 if label == "music" else 1 for _, _, label in TEXTS]
LOGITS = np.random.default_rng(0).normal(scale=2, size=(4, 6, 2))


@pytest.fixture(autouse=True)
def _runs(runs_root: Path) -> None:
    """Keep the runs of every test apart."""


def lines(epoch: int, guids: Sequence[object] = IDS) -> list[dict[str, Any]]:
    return [
        {"guid": guid, f"logits_epoch_{epoch}": LOGITS[epoch, i].tolist(), "gold": GOLD[i]}
        for i, guid in enumerate(guids)
    ]


def write_dynamics(folder: Path, epochs: Sequence[list[dict[str, Any]]]) -> Path:
    for number, rows in enumerate(epochs):
        write_lines(folder / "training_dynamics" / f"dynamics_epoch_{number}.jsonl", rows)
    return folder


def bring(folder: Path, epochs: Sequence[list[dict[str, Any]]], **settings: Any) -> Run:
    texts = folder / "texts.csv"
    source = texts if texts.exists() else write_texts(folder)
    path = write_dynamics(folder / "model", epochs)
    return ic.import_scores(str(source), path, settings=ImportSettings(path="", **settings))


def every() -> list[list[dict[str, Any]]]:
    return [lines(epoch) for epoch in range(4)]


def probabilities() -> np.ndarray:
    """The probability of the gold label by epoch and row, in the plainest way."""
    odds = np.exp(LOGITS)
    return odds[:, range(6), GOLD] / odds.sum(axis=2)


def margins() -> np.ndarray:
    gold = LOGITS[:, range(6), GOLD]
    return gold - LOGITS[:, range(6), [1 - label for label in GOLD]]


def test_scores_are_those_of_the_definitions(tmp_path: Path) -> None:
    run = bring(tmp_path, every())
    scores, p, margin = run.scores(), probabilities(), margins()
    correct = margin > 0
    expected = {
        "confidence": p.mean(axis=0),
        "variability": p.std(axis=0),
        "correctness": correct.sum(axis=0),
        "aum": margin.mean(axis=0),
        "el2n": (1 - p[1]) * np.sqrt(2),
        "pvi": np.log2(p[1] / 0.5),
        "forgetting": (correct[:-1] & ~correct[1:]).sum(axis=0),
        "loss": -np.log(p[3]),
        "margin": margin[3],
        "entropy": -(p[3] * np.log(p[3]) + (1 - p[3]) * np.log(1 - p[3])),
    }
    assert set(run.manifest().scores) == set(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(scores[key], values, rtol=1e-12, err_msg=key)
    assert scores["never_learnt"].tolist() == (~correct.any(axis=0)).tolist()


def test_the_dynamics_of_a_row_can_be_looked_at(tmp_path: Path) -> None:
    run = bring(tmp_path, every())
    seen = tables.dynamics(run, 2)
    assert seen["epoch"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(seen["p_true"], probabilities()[:, 2])


@pytest.mark.parametrize("order", [[5, 4, 3, 2, 1, 0], [2, 0, 5, 1, 4, 3]])
def test_lines_may_come_in_any_order(tmp_path: Path, order: list[int]) -> None:
    straight = bring(tmp_path, every()).scores()
    mixed = bring(tmp_path, [[rows[i] for i in order] for rows in every()]).scores()
    assert mixed.equals(straight)


def test_numbers_stand_for_ids_and_else_for_rows(tmp_path: Path) -> None:
    texts = {"id": range(100, 106), **{n: [row[i] for row in TEXTS] for n, i in NAMES.items()}}
    write_csv(tmp_path / "texts.csv", texts)
    by_id = bring(tmp_path, [lines(epoch, range(100, 106)) for epoch in range(4)])
    by_row = bring(tmp_path, [lines(epoch, range(6)) for epoch in range(4)])
    assert by_row.scores().equals(by_id.scores())
    said = {finding.check for finding in by_row.manifest().dataset.findings}
    assert "row_order" in said
    assert "row_order" not in {f.check for f in by_id.manifest().dataset.findings}


NAMES = {"text": 1, "label": 2}


def test_of_lines_with_one_guid_the_first_counts(tmp_path: Path) -> None:
    epochs = every()
    straight = bring(tmp_path, every()).scores()
    epochs[1].append({**epochs[1][2], "logits_epoch_1": [9.0, -9.0]})
    again = bring(tmp_path, epochs)
    assert again.scores().equals(straight)
    assert any(f.check == "duplicate_id" for f in again.manifest().dataset.findings)


def test_rows_that_an_epoch_lacks_are_told_or_stay_without_scores(tmp_path: Path) -> None:
    epochs = every()
    del epochs[2][1]
    with pytest.raises(DataError, match=r"1 training row missing from an epoch .*row 2, ids 'b'"):
        bring(tmp_path, epochs)
    assert not list_runs()
    run = bring(tmp_path, epochs, partial=True)
    scores, whole = run.scores(), bring(tmp_path, every()).scores()
    values = scores[list(run.manifest().scores)]
    assert values.loc[1].isna().all()
    others = [0, 2, 3, 4, 5]
    assert values.loc[others].equals(whole[values.columns].loc[others])


def test_files_are_taken_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    epochs = [lines(number % 4) for number in range(11)]
    for number, rows in enumerate(epochs):
        for row in rows:
            row[f"logits_epoch_{number}"] = row.pop(f"logits_epoch_{number % 4}")
    run = bring(tmp_path, epochs)
    np.testing.assert_allclose(run.scores()["loss"], -np.log(probabilities()[10 % 4]))


def _without(field: str) -> list[list[dict[str, Any]]]:
    epochs = every()
    del epochs[1][3][field]
    return epochs


def _changed(**values: object) -> list[list[dict[str, Any]]]:
    epochs = every()
    epochs[1][3].update(values)
    return epochs


BAD = {
    "no guid": (_without("guid"), "lines without 'guid'"),
    "no gold": (_without("gold"), "lines without 'gold'"),
    "no logits": (_without("logits_epoch_1"), "Line 4 of 'dynamics_epoch_1.jsonl' has 0 logits"),
    "fewer logits": (_changed(logits_epoch_1=[1.0]), "has 1 logits"),
    "nan": (_changed(logits_epoch_1=[1.0, None]), "logits that are not finite (first: row 4)"),
    "text": (_changed(logits_epoch_1="high"), "must hold lists of numbers"),
    "gold outside": (_changed(gold=2), "'gold' in line 4"),
    "gold as text": (_changed(gold="music"), "must be the index of the label"),
    "another label": (_changed(gold=1), "1 training row with another label in epoch 1"),
    "foreign guid": (_changed(guid="zz"), "ids 'zz'"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_told_and_leaves_no_run(tmp_path: Path, case: str) -> None:
    epochs, message = BAD[case]
    with pytest.raises(DataError) as told:
        bring(tmp_path, epochs)
    assert message in str(told.value)
    assert not list_runs()


def test_a_folder_without_dynamics_is_told(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(DataError, match=r"dynamics_epoch_0\.jsonl"):
        bring(tmp_path, [], kind="dynamics")
