"""Two small runs that keep everything: what a probe left, and what a fine-tuning left."""

from __future__ import annotations

from pathlib import Path

import pytest

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    Mode,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.store.run import Run
from tests.requests import write_requests


@pytest.fixture(scope="session")
def probed(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Run:
    return _run(tmp_path_factory.mktemp("probed"), tiny_encoder, "probe")


@pytest.fixture(scope="session")
def kept_whole(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Run:
    """A fine-tuning with its checkpoints, and the head's inputs of held-out rows too."""
    return _run(tmp_path_factory.mktemp("whole"), tiny_encoder, "finetune")


def _run(folder: Path, encoder: Path, mode: Mode) -> Run:
    settings = RunSettings(
        data=DataSettings(source=str(write_requests(folder / "requests.csv"))),
        model=ModelSettings(encoder=str(encoder), head_widths=(16, 8)),
        training=TrainingSettings(
            mode=mode,
            epochs=2,
            batch_size=16,
            encoder_lr=1e-3,
            head_lr=1e-2,
            checkpoints=3,
            precision="fp32",
            keep_checkpoints=True,
            keep_activations="all",
        ),
        scoring=ScoringSettings(scores=("tracin",), tracin_layer="head", shard_tokens=256),
    )
    return pipeline.run(name=mode, settings=settings, root=folder)
