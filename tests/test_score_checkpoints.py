"""Scores from checkpoints that exist already."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import influence_core
from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import DataError, ModelError, ScoreError
from influence_core.model.checkpoints import find_checkpoints
from influence_core.store.run import Run, list_runs
from influence_core.training.dynamics import read_snapshots
from tests.plain_classifier import save_checkpoints
from tests.requests import write_requests

CLASSES = ("weather", "music", "lights")
EXACT = RunSettings(training=TrainingSettings(precision="fp32"))


@pytest.fixture
def requests_file(tmp_path: Path) -> Path:
    return write_requests(tmp_path / "requests.csv", rows=60)


@pytest.fixture
def plain(tmp_path: Path, tiny_encoder: Path) -> Path:
    return save_checkpoints(tmp_path / "plain", tiny_encoder, CLASSES, steps=(10, 100, 20))


def score(folders: object, data: Path, **options: object) -> Run:
    return influence_core.score_checkpoints(
        folders, str(data), **{"settings": EXACT, "name": "scored", **options}
    )


def test_checkpoints_of_a_run_give_its_scores_again(
    requests_file: Path, runs_root: Path, tiny_encoder: Path
) -> None:
    settings = RunSettings(
        data=DataSettings(source=str(requests_file), validation_fraction=0, test_fraction=0),
        model=ModelSettings(encoder=str(tiny_encoder)),
        training=TrainingSettings(
            mode="finetune", epochs=2, batch_size=16, precision="fp32", keep_checkpoints=True
        ),
        scoring=ScoringSettings(scores=("vog", "tracin", "el2n")),
    )
    trained = pipeline.run(name="trained", settings=settings)
    again = score(trained.checkpoints_folder, requests_file, learning_rate=1e-4)
    assert again.manifest().status == "complete"
    for key in ("vog", "tracin"):
        np.testing.assert_allclose(again.scores()[key], trained.scores()[key], rtol=1e-5)
    assert again.manifest().metrics == trained.manifest().metrics
    assert not again.checkpoints_folder.exists()
    assert len(list(trained.checkpoints_folder.iterdir())) == 8


def test_checkpoints_of_transformers_are_read_in_the_order_of_their_steps(
    plain: Path, requests_file: Path, runs_root: Path
) -> None:
    run = score(plain, requests_file)
    manifest = run.manifest()
    assert manifest.dataset is not None
    assert manifest.dataset.label_names == CLASSES
    assert manifest.dataset.splits == {"train": 60, "validation": 0, "test": 0}
    assert manifest.settings.training.encoder_lr == pytest.approx(1.5e-4)
    snapshots = read_snapshots(run.dynamics_folder)
    assert [(one.step, one.epoch) for one in snapshots] == [(10, 1), (20, 2), (100, 10)]
    assert set(run.scores()) >= {"vog", "el2n", "forgetting", "pvi", "tracin", "aum"}
    assert np.isfinite(run.scores()[["vog", "el2n", "pvi", "tracin", "aum"]]).all(axis=None)


def test_a_snapshot_is_what_the_model_says(
    plain: Path, requests_file: Path, runs_root: Path
) -> None:
    run = score([plain / "checkpoint-100", plain / "checkpoint-20"], requests_file)
    snapshots = read_snapshots(run.dynamics_folder)
    assert [one.step for one in snapshots] == [1, 2]
    tokenizer = AutoTokenizer.from_pretrained(plain / "checkpoint-10")
    model = AutoModelForSequenceClassification.from_pretrained(plain / "checkpoint-100").eval()
    examples = run.examples(["text", "label"])
    for row in range(0, 60, 7):
        with torch.no_grad():
            logits = model(**tokenizer(examples["text"][row], return_tensors="pt")).logits[0]
        truth = logits.softmax(0)[CLASSES.index(examples["label"][row])].item()
        assert snapshots[0].column("p_true")[row] == pytest.approx(truth, rel=1e-4)


def test_numbers_as_labels_are_places_of_the_outputs(
    plain: Path, tmp_path: Path, runs_root: Path
) -> None:
    data = tmp_path / "numbers.csv"
    data.write_text("text,label\n" + "".join(f"song {n},{n % 3}\n" for n in range(30)))
    run = score(plain, data)
    assert run.manifest().dataset.label_names == ("0", "1", "2")
    assert set(run.examples()["label"]) == {"0", "1", "2"}


def _pickled(folder: Path) -> None:
    (folder / "checkpoint-20" / "model.safetensors").unlink()
    torch.save({}, folder / "checkpoint-20" / "pytorch_model.bin")


def _wider(folder: Path) -> None:
    config = folder / "checkpoint-20" / "config.json"
    content = json.loads(config.read_text())
    config.write_text(json.dumps({**content, "id2label": {"0": "a", "1": "b", "2": "c"}}))


def _wordless(folder: Path) -> None:
    for path in folder.glob("*/tokenizer*"):
        path.unlink()
    for path in folder.glob("*/vocab.txt"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_pickled, "never loaded"),
        (_wider, "holds another model"),
        (_wordless, "There is no tokenizer"),
        (lambda folder: (folder / "checkpoint-10" / "config.json").write_text("{"), "cannot be"),
    ],
)
def test_bad_checkpoints_are_refused_before_there_is_a_run(
    plain: Path, requests_file: Path, runs_root: Path, spoil, message: str
) -> None:
    spoil(plain)
    with pytest.raises(ModelError, match=message):
        score(plain, requests_file)
    assert not list_runs()


def test_labels_that_the_model_does_not_know_are_refused(
    plain: Path, tmp_path: Path, runs_root: Path
) -> None:
    data = tmp_path / "other.csv"
    data.write_text("text,label\n" + "".join(f"song {n},{'ab'[n % 2]}\n" for n in range(30)))
    with pytest.raises(DataError, match=r"does not know 2 of the labels: a, b\. Its classes are"):
        score(plain, data)
    assert set(Run(runs_root / "scored").manifest().stages) == set()


def test_vog_of_one_checkpoint_is_refused(
    plain: Path, requests_file: Path, runs_root: Path
) -> None:
    with pytest.raises(ScoreError, match="two checkpoints"):
        score(plain / "checkpoint-10", requests_file)


def test_absent_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="folders that exist"):
        find_checkpoints([str(tmp_path / "absent")])
