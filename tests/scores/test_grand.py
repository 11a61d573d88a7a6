"""GraNd of a whole run: read at the right checkpoint, over all layers of the head."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.model.classifier import build_head
from tests.requests import write_requests


@pytest.mark.parametrize(("epoch", "place"), [(1, 0), (2, 1), (9, 2)])
def test_of_the_checkpoint_at_the_end_of_its_epoch(tiny_encoder, runs_root, epoch, place):
    settings = RunSettings(
        data=DataSettings(source=str(write_requests(runs_root / "requests.csv"))),
        model=ModelSettings(encoder=str(tiny_encoder)),
        training=TrainingSettings(epochs=3, checkpoints=3, batch_size=16),
        scoring=ScoringSettings(scores=("grand",), grand_epoch=epoch),
    )
    run = pipeline.run(name="grand", settings=settings)
    scores = run.scores()
    names = run.manifest().dataset.label_names
    head = build_head(32, (64, 64), len(names), 0.1).eval()
    head.load_state_dict(load_file(sorted(run.heads_folder.iterdir())[place]))
    features = np.load(run.embeddings_file)[scores.row].astype(np.float32)
    labels = run.examples().label[scores.row].map(names.index)
    right = []
    for feature, label in zip(torch.from_numpy(features), labels, strict=True):
        loss = -head(feature).log_softmax(0)[label]
        parts = torch.autograd.grad(loss, list(head.parameters()))
        right.append(sum(part.square().sum().item() for part in parts) ** 0.5)
    np.testing.assert_allclose(scores.grand, right, rtol=1e-4)
