"""Small runs that are really trained, with a tiny encoder, in a few seconds."""

from __future__ import annotations

from pathlib import Path

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


def train(
    root: Path, encoder: Path, mode: Mode, scores: tuple[str, ...] = ("tracin",), name: str = ""
) -> Run:
    """Train on the invented requests, and keep everything that can be kept."""
    settings = RunSettings(
        data=DataSettings(source=str(write_requests(root / "requests.csv"))),
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
        scoring=ScoringSettings(scores=scores, tracin_layer="head", shard_tokens=256),
    )
    return pipeline.run(name=name or mode, settings=settings, root=root)
