"""The null model: what a classifier learns of empty texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from influence_core.config import ModelSettings, TrainingSettings
from influence_core.errors import RunError
from influence_core.model.classifier import build_classifier
from influence_core.model.encoder import load_tokenizer
from influence_core.progress import silent
from influence_core.store.run import Run
from influence_core.training.null import empty_inputs, read_null, train_null

LABELS = np.repeat([0, 1, 2], [60, 30, 10])


def test_an_empty_text_is_its_special_tokens(tiny_encoder: Path) -> None:
    tokenizer = load_tokenizer(str(tiny_encoder))
    one, two = (empty_inputs(tokenizer, pairs)["input_ids"][0] for pairs in (False, True))
    assert tokenizer.convert_ids_to_tokens(one) == ["[CLS]", "[SEP]"]
    assert tokenizer.convert_ids_to_tokens(two) == ["[CLS]", "[SEP]", "[SEP]"]


@pytest.mark.parametrize("mode", ["probe", "finetune"])
def test_it_converges_to_the_prior(tiny_encoder: Path, mode: str) -> None:
    settings = TrainingSettings(mode=mode, batch_size=20, head_lr=1e-2, encoder_lr=1e-3)
    model = build_classifier(ModelSettings(encoder=str(tiny_encoder)), ("a", "b", "c"), 0)
    before = {name: weight.clone() for name, weight in model.encoder.state_dict().items()}
    empty = empty_inputs(load_tokenizer(str(tiny_encoder)), pairs=False)
    state = torch.random.get_rng_state()
    log2_p = train_null(model, empty, LABELS, 12, settings, 0, silent())
    np.testing.assert_allclose(2**log2_p, [0.6, 0.3, 0.1], atol=0.06)
    assert (2**log2_p).sum() == pytest.approx(1, abs=1e-6)
    after = model.encoder.state_dict()
    untouched = all(torch.equal(after[name], weight) for name, weight in before.items())
    assert untouched == (mode == "probe")
    assert torch.equal(torch.random.get_rng_state(), state)


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no null model"):
        read_null(Run(tmp_path))
