"""A run's training dynamics as cartography reads them, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import influence_core as ic
from influence_core.config import (
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import ConfigError, RunError
from influence_core.exchange.cartography_export import export_dynamics
from influence_core.store.run import Run
from tests.requests import write_requests

KEYS = ("el2n", "forgetting", "pvi", "aum", "confidence", "variability", "correctness")


def train(
    folder: Path, encoder: Path, root: Path, mode: str, checkpoints: int = 3, keep: bool = True
) -> Run:
    settings = RunSettings(
        model=ModelSettings(encoder=str(encoder)),
        training=TrainingSettings(
            mode=mode,
            epochs=3,
            batch_size=16,
            checkpoints=checkpoints,
            snapshot_epochs=0,
            precision="fp32",
            keep_checkpoints=keep,
        ),
        scoring=ScoringSettings(scores=KEYS),
    )
    source = write_requests(folder / "requests.csv", 60)
    return ic.run(str(source), name=f"{mode}-{checkpoints}-{keep}", settings=settings, root=root)


@pytest.fixture(scope="module", params=["probe", "finetune"])
def trained(
    request: pytest.FixtureRequest, tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    folder = tmp_path_factory.mktemp(request.param)
    return train(folder, tiny_encoder, folder / "runs", request.param)


def texts_of(run: Run, folder: Path) -> str:
    source = folder / "texts.parquet"
    run.examples(["id", "text", "label", "split"]).to_parquet(source, index=False)
    return str(source)


def test_what_is_exported_gives_the_same_scores_when_imported(
    trained: Run, tmp_path: Path, runs_root: Path
) -> None:
    folder = export_dynamics(trained, tmp_path / "out")
    again = ic.import_scores(texts_of(trained, tmp_path), folder)
    before, after = trained.scores(), again.scores()
    assert after["id"].tolist() == before["id"].tolist()
    for key in KEYS:
        np.testing.assert_allclose(after[key], before[key], rtol=1e-4, atol=1e-5, err_msg=key)


def test_the_files_are_what_cartography_reads(trained: Run, tmp_path: Path) -> None:
    folder = export_dynamics(trained, tmp_path / "out")
    files = sorted(path.name for path in (folder / "training_dynamics").iterdir())
    assert files == [f"dynamics_epoch_{epoch}.jsonl" for epoch in range(3)]
    labels = json.loads((folder / "labels.json").read_text())
    lines = (folder / "training_dynamics" / "dynamics_epoch_1.jsonl").read_text().splitlines()
    read = [json.loads(line) for line in lines]
    assert set(read[0]) == {"guid", "logits_epoch_1", "gold"}
    label_of = trained.examples(["id", "label"]).set_index("id")["label"]
    assert {row["guid"]: labels[row["gold"]] for row in read} == {
        name: label_of[name] for name in trained.scores()["id"]
    }
    assert {len(row["logits_epoch_1"]) for row in read} == {3}
    assert not trained.private_folder.exists()


@pytest.mark.parametrize(
    ("mode", "checkpoints", "keep", "advice"),
    [
        ("probe", 2, False, "run it again with --checkpoints 3"),
        ("finetune", 3, False, "run it again with --checkpoints 3 --keep-checkpoints"),
    ],
)
def test_without_weights_of_every_epoch_it_says_what_to_do(
    tmp_path: Path, tiny_encoder: Path, mode: str, checkpoints: int, keep: bool, advice: str
) -> None:
    run = train(tmp_path, tiny_encoder, tmp_path / "runs", mode, checkpoints, keep)
    with pytest.raises(RunError, match=advice):
        export_dynamics(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_left_alone(trained: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="be a new or an empty folder"):
        export_dynamics(trained, tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_earlier_export_is_replaced_only_if_asked(trained: Run, tmp_path: Path) -> None:
    folder = export_dynamics(trained, tmp_path / "out")
    with pytest.raises(ConfigError):
        export_dynamics(trained, folder)
    assert export_dynamics(trained, folder, overwrite=True) == folder
