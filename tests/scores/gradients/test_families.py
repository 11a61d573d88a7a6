"""Encoders of every family: padded, in one pass, all gradients are those of a text alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoModel, AutoModelForSequenceClassification

from influence_core.model.classifier import TextClassifier, TextClassifierConfig
from tests.scores.row_by_row import (
    LAYERS,
    expected,
    invented_tokens,
    largest_difference,
    save_checkpoints,
    traced,
)

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 40,
    "num_labels": 3,
}
DECODER = {**SIZES, "num_key_value_heads": 1, "head_dim": 8, "pad_token_id": 0}
RELATIVE = {**SIZES, "relative_attention": True, "pos_att_type": ["c2p", "p2c"]}
FAMILIES = {
    "Bert": SIZES,
    "Roberta": SIZES,
    "DistilBert": {
        "dim": 16,
        "n_layers": 2,
        "n_heads": 2,
        "hidden_dim": 24,
        "vocab_size": 40,
        "num_labels": 3,
    },
    "Deberta": {**RELATIVE, "max_relative_positions": 8, "position_biased_input": True},
    "DebertaV2": {
        **RELATIVE,
        "position_buckets": 4,
        "share_att_key": True,
        "norm_rel_ebd": "layer_norm",
        "position_biased_input": False,
    },
    "Electra": {**SIZES, "embedding_size": 12},
    "ModernBert": {
        **SIZES,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "cls_token_id": 1,
        "sep_token_id": 2,
    },
    "GPT2": {
        "n_embd": 16,
        "n_layer": 2,
        "n_head": 2,
        "vocab_size": 40,
        "num_labels": 3,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    },
    "Qwen2": DECODER,
    "Qwen3": DECODER,
    "Llama": DECODER,
    "Gemma": DECODER,
    "Albert": {**SIZES, "embedding_size": 12},
    "ConvBert": {**SIZES, "embedding_size": 16},
}
LENGTHS = [3, 9, 5, 4, 7]


def classifier(family: str, own_head: bool) -> transformers.PreTrainedModel:
    config = getattr(transformers, f"{family}Config")(**FAMILIES[family])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if not own_head:
            return AutoModelForSequenceClassification.from_config(config)
        encoder = AutoModel.from_config(config)
        own = TextClassifierConfig(encoder=copy.deepcopy(encoder.config), num_labels=3)
        return TextClassifier(own, encoder)


@pytest.mark.parametrize("own_head", [True, False], ids=["ours", "plain"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_gradient_is_that_of_the_text_alone(family, own_head, tmp_path, record_property):
    model = classifier(family, own_head).eval()
    tokens = invented_tokens(LENGTHS, vocabulary=40, pad_id=1 if family == "Roberta" else 0)
    labels = np.arange(len(LENGTHS)) % 3
    checkpoints = save_checkpoints(model, tmp_path)
    right = expected(checkpoints, tokens, labels)
    worst = {}
    for layer in LAYERS:
        for name, found in traced(checkpoints, tokens, labels, layer, tmp_path / layer).items():
            worst[name] = max(worst.get(name, 0), largest_difference(found, right[name]))
    record_property("largest relative differences", worst)
    assert set(worst) == set(right)
    assert max(worst.values()) < 1e-5


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "ConvBert"])
def test_features_alone_and_in_company(family, pooling):
    model = classifier(family, own_head=True).eval()
    model.config.pooling = pooling
    tokens = invented_tokens(LENGTHS, vocabulary=40, pad_id=1 if family == "Roberta" else 0)
    with torch.inference_mode():
        together = model.features(**tokens.batch(range(len(LENGTHS))))
        alone = [model.features(**tokens.batch([row])) for row in range(len(LENGTHS))]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-5)
