"""Features of the encoder before it has seen a label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from influence_core.progress import Event, Progress, silent
from influence_core.store.run import Run
from influence_core.training.untuned import untuned_features, untuned_file
from tests.factory import make_run


@pytest.fixture
def tuned_run(runs_root: Path, tiny_encoder: Path) -> Run:
    """A run that says it was fine-tuned from the tiny encoder."""
    run = make_run(runs_root, rows=60, mode="finetune")
    settings = run.manifest().settings
    model = settings.model.model_copy(update={"encoder": str(tiny_encoder), "pooling": "mean"})
    training = settings.training.model_copy(update={"precision": "fp32"})
    run.update(settings=settings.model_copy(update={"model": model, "training": training}))
    return run


def test_they_are_those_of_the_encoder_as_it_comes(tuned_run: Run, tiny_encoder: Path) -> None:
    encoder = AutoModel.from_pretrained(tiny_encoder).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    features = untuned_features(tuned_run, silent())
    assert features is not None
    assert features.dtype == np.float16
    for row, text in enumerate(tuned_run.examples(["text"])["text"].head(12)):
        inputs = tokenizer(text, truncation=True, max_length=128, return_tensors="pt")
        with torch.no_grad():
            pooled = encoder(**inputs).last_hidden_state[0].mean(dim=0).numpy()
        np.testing.assert_allclose(features[row], pooled, rtol=2e-3, atol=2e-3)


def test_they_are_computed_once_and_kept(tuned_run: Run) -> None:
    before = {path.name for path in tuned_run.path.iterdir()}
    events: list[Event] = []
    first = untuned_features(tuned_run, Progress(events.append))
    assert {event.stage for event in events} == {"tokens", "features"}
    assert {path.name for path in tuned_run.path.iterdir()} - before == {"untuned.npy"}
    events.clear()
    again = untuned_features(tuned_run, Progress(events.append))
    assert not events
    assert isinstance(again, np.memmap)
    np.testing.assert_array_equal(first, again)


def test_a_probe_keeps_them_as_its_embeddings(small_run: Run) -> None:
    assert untuned_features(small_run, silent()) is None
    np.save(small_run.embeddings_file, np.ones((400, 3), np.float16))
    assert untuned_file(small_run) == small_run.embeddings_file
    assert untuned_features(small_run, silent()).shape == (400, 3)
