"""Two small runs that keep everything: what a probe left, and what a fine-tuning left."""

from __future__ import annotations

from pathlib import Path

import pytest

from influence_core.store.run import Run
from tests.trained import train


@pytest.fixture(scope="session")
def probed(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Run:
    return train(tmp_path_factory.mktemp("probed"), tiny_encoder, "probe")


@pytest.fixture(scope="session")
def kept_whole(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Run:
    """A fine-tuning with its checkpoints, and the head's inputs of held-out rows too."""
    return train(tmp_path_factory.mktemp("whole"), tiny_encoder, "finetune")
