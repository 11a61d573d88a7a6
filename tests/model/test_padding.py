"""Scores must not depend on what a row shares its batch with, whatever side is padded."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from transformers import DistilBertConfig, DistilBertModel, GPT2Config, GPT2Model, RobertaConfig
from transformers import RobertaModel as Roberta

from influence_core.model.classifier import TextClassifier, TextClassifierConfig
from influence_core.model.tokens import TokenStore

FAMILIES = {
    "gpt2": lambda: GPT2Model(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=40)),
    "roberta": lambda: Roberta(
        RobertaConfig(
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=16,
            vocab_size=40,
        ),
        add_pooling_layer=False,
    ),
    "distilbert": lambda: DistilBertModel(
        DistilBertConfig(dim=16, n_layers=2, n_heads=2, hidden_dim=16, vocab_size=40)
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_logits_alone_and_in_company(family, pooling):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = FAMILIES[family]()
    own = copy.deepcopy(encoder.config)
    config = TextClassifierConfig(encoder=own, pooling=pooling, num_labels=3)
    model = TextClassifier(config, encoder).eval()
    ids = np.arange(5, 20, dtype=np.int32)
    tokens = TokenStore(ids, None, np.array([0, 3, 15]), pad_id=1)
    together = model(**tokens.batch([0, 1])).logits
    alone = torch.cat([model(**tokens.batch([row])).logits for row in (0, 1)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
