"""The command `map`."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.mapping import work
from influence_core.mapping.settings import MapSettings
from influence_core.progress import Progress
from influence_core.store.run import Run
from tests.cli.conftest import Influence
from tests.factory import read


@pytest.fixture
def laid_out(monkeypatch: pytest.MonkeyPatch, small_run: Run) -> Run:
    """A run whose features are its coordinates: UMAP has its own tests."""

    def embed(features: np.ndarray, settings: MapSettings, progress: Progress) -> np.ndarray:
        progress.begin("layout", settings.neighbours, "epochs")
        progress.end()
        return features.astype(np.float32)

    monkeypatch.setattr(work, "embed", embed)
    small_run.map_file.unlink()
    np.save(small_run.embeddings_file, np.arange(800, dtype=np.float16).reshape(400, 2))
    return small_run


def test_a_map_is_made_with_its_settings_and_progress(influence: Influence, laid_out: Run) -> None:
    answer = influence("map", "small", "--neighbours", "30", "--seed", "4", "--json")
    assert answer.code == 0
    facts = answer.json
    assert isinstance(facts, dict)
    assert facts["path"] == str(laid_out.map_file)
    assert facts["settings"]["neighbours"] == 30
    assert facts["settings"]["seed"] == 4
    assert "layout: 30 epochs" in answer.err
    assert read(laid_out.map_file)["y"].to_pylist()[:3] == [1.0, 3.0, 5.0]


def test_a_run_without_features_is_told_why(influence: Influence, laid_out: Run) -> None:
    laid_out.embeddings_file.unlink()
    answer = influence("map", "small")
    assert answer.code != 0
    assert "has no features of an encoder" in answer.err


def test_settings_out_of_range_are_refused(influence: Influence, laid_out: Run) -> None:
    answer = influence("map", "small", "--neighbours", "1")
    assert answer.code != 0
    assert "neighbours" in answer.err
