"""Probabilities of models that were not trained on the row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import influence_core as ic
from influence_core.config import ImportSettings
from influence_core.errors import DataError
from influence_core.store.run import Run, list_runs
from tests.exchange.files import IDS, TEXTS, write_csv, write_texts

# Classes in sorted order: lights, music. Rows in the order of the texts.
P_LIGHTS = np.array([0.9, 0.2, 0.4, 0.5, 1.0, 0.75])
MATRIX = np.stack([P_LIGHTS, 1 - P_LIGHTS], axis=1)
P_TRUE = np.where([label == "lights" for _, _, label in TEXTS], P_LIGHTS, 1 - P_LIGHTS)


@pytest.fixture(autouse=True)
def _runs(runs_root: Path) -> None:
    """Keep the runs of every test apart."""


def bring(folder: Path, path: Path, **settings: Any) -> Run:
    texts = folder / "texts.csv"
    source = texts if texts.exists() else write_texts(folder)
    return ic.import_scores(str(source), path, settings=ImportSettings(path="", **settings))


def save(folder: Path, matrix: np.ndarray = MATRIX) -> Path:
    np.save(folder / "pred_probs.npy", matrix)
    return folder / "pred_probs.npy"


def test_scores_are_those_of_the_definitions(tmp_path: Path) -> None:
    scores = bring(tmp_path, save(tmp_path)).scores()
    q = 1 - P_TRUE
    expected = {
        "label_quality": P_TRUE,
        "el2n": q * np.sqrt(2),
        "loss": -np.log(P_TRUE),
        "pvi": np.log2(P_TRUE / 0.5),
        "margin": np.log(P_TRUE) - np.log(np.maximum(q, 1e-12)),
        "entropy": -(P_TRUE * np.log(P_TRUE) + q * np.log(np.maximum(q, 1e-12))),
    }
    for key, values in expected.items():
        np.testing.assert_allclose(scores[key], values, rtol=1e-9, atol=1e-9, err_msg=key)


def test_predictions_tell_how_good_the_models_were(tmp_path: Path) -> None:
    write_texts(tmp_path, splits=["train"] * 4 + ["test"] * 2)
    run = bring(tmp_path, save(tmp_path))
    said = pq.read_table(run.predictions_file).to_pylist()
    assert [row["predicted"] for row in said] == [
        "lights",
        "music",
        "music",
        "lights",
        "lights",
        "lights",
    ]
    assert [row["correct"] for row in said] == [True, True, False, False, True, False]
    np.testing.assert_allclose([row["p_true"] for row in said], P_TRUE, rtol=1e-6)
    metrics = run.manifest().metrics
    assert (metrics["train"]["accuracy"], metrics["test"]["accuracy"]) == (0.5, 0.5)
    assert run.scores()["id"].tolist() == IDS[:4]


@pytest.mark.parametrize(
    "columns",
    [
        {"id": IDS[::-1], "music": 1 - P_LIGHTS[::-1], "lights": P_LIGHTS[::-1]},
        {"lights": P_LIGHTS, "music": 1 - P_LIGHTS},
        {"music": 1 - P_LIGHTS, "lights": P_LIGHTS, "note": IDS},
    ],
    ids=["by id", "in order", "with another column"],
)
def test_a_header_of_labels_names_the_classes(tmp_path: Path, columns: dict[str, Any]) -> None:
    whole = bring(tmp_path, save(tmp_path)).scores()
    named = bring(tmp_path, write_csv(tmp_path / "probabilities.csv", columns)).scores()
    np.testing.assert_allclose(named["loss"], whole["loss"], rtol=1e-6)
    assert named["id"].tolist() == whole["id"].tolist()


def test_other_headers_stand_for_the_sorted_labels(tmp_path: Path) -> None:
    path = tmp_path / "probabilities.parquet"
    pq.write_table(pa.table({"0": P_LIGHTS, "1": 1 - P_LIGHTS}), path)
    run = bring(tmp_path, path, kind="probabilities")
    np.testing.assert_allclose(run.scores()["loss"], -np.log(P_TRUE), rtol=1e-6, atol=1e-9)
    assert any(finding.check == "classes" for finding in run.manifest().dataset.findings)


def test_half_precision_and_no_chance_at_all_stay_finite(tmp_path: Path) -> None:
    matrix = np.array([[0.0, 1.0], *MATRIX[1:]], np.float16)
    scores = bring(tmp_path, save(tmp_path, matrix)).scores()
    assert np.isfinite(scores[["loss", "pvi", "margin", "entropy", "el2n"]]).all(axis=None)
    assert scores["loss"][0] == pytest.approx(-np.log(1e-12))


def test_training_rows_alone_may_have_probabilities(tmp_path: Path) -> None:
    write_texts(tmp_path, splits=["test", *["train"] * 5])
    run = bring(tmp_path, save(tmp_path, MATRIX[1:]))
    np.testing.assert_allclose(run.scores()["label_quality"], P_TRUE[1:])
    assert pq.read_table(run.predictions_file)["row"].to_pylist() == [1, 2, 3, 4, 5]
    assert set(run.manifest().metrics) == {"train"}


def test_rows_without_probabilities_stay_without_scores(tmp_path: Path) -> None:
    columns = {"id": IDS[:4], "lights": P_LIGHTS[:4], "music": 1 - P_LIGHTS[:4]}
    path = write_csv(tmp_path / "probabilities.csv", columns)
    run = bring(tmp_path, path, partial=True)
    assert run.scores()["loss"].isna().tolist() == [False] * 4 + [True] * 2
    assert pq.read_table(run.predictions_file)["id"].to_pylist() == IDS[:4]


def changed(row: int, values: list[float]) -> np.ndarray:
    matrix = MATRIX.copy()
    matrix[row] = values
    return matrix


BAD = {
    "three classes": (np.full((6, 3), 1 / 3), "3 columns of probabilities and 2 classes"),
    "one row less": (MATRIX[:5], "The imported table has 5 rows, the data 6"),
    "logits": (
        changed(2, [3.0, -3.0]),
        "with a value outside 0 to 1: these may be logits (first: row 3)",
    ),
    "nan": (changed(4, [np.nan, 0.5]), "a missing or infinite value (first: row 5)"),
    "sum": (changed(0, [0.5, 0.25]), "values that do not sum up to 1 (first: row 1)"),
    "whole numbers": (np.eye(2, dtype=int)[[0, 1] * 3], "of floating-point numbers"),
    "a vector": (P_LIGHTS, "it has shape (6,)"),
    "objects": (np.array([[{}, {}]] * 6, dtype=object), "cannot be read as a NumPy array"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_told_and_leaves_no_run(tmp_path: Path, case: str) -> None:
    matrix, message = BAD[case]
    with pytest.raises(DataError) as told:
        bring(tmp_path, save(tmp_path, matrix))
    assert message in str(told.value)
    assert not list_runs()
