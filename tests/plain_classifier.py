"""Checkpoints of a tiny classifier as transformers alone writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def plain_classifier(encoder: Path, classes: Sequence[str], seed: int = 0):
    """Build a sequence classifier on a tiny encoder, its head drawn from `seed`."""
    import torch
    from transformers import BertForSequenceClassification

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BertForSequenceClassification.from_pretrained(
            encoder,
            id2label=dict(enumerate(classes)),
            label2id={name: index for index, name in enumerate(classes)},
        )


def save_checkpoints(folder: Path, encoder: Path, classes: Sequence[str], steps: Sequence[int]):
    """Save a classifier as the Trainer does, with other weights at every step."""
    import torch
    from transformers import AutoTokenizer

    model = plain_classifier(encoder, classes)
    for step in steps:
        with torch.no_grad():
            model.classifier.weight.mul_(1.5)
        checkpoint = folder / f"checkpoint-{step}"
        model.save_pretrained(checkpoint)
        AutoTokenizer.from_pretrained(encoder).save_pretrained(checkpoint)
        history = [{"learning_rate": rate, "step": step} for rate in (2e-4, 1e-4)]
        state = {"global_step": step, "epoch": step / 10, "log_history": history}
        (checkpoint / "trainer_state.json").write_text(json.dumps(state))
    return folder
