"""Self-influence against captum, which computes it example by example."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from captum.influence import TracInCP, TracInCPFast
from safetensors.torch import load_file
from torch import nn
from transformers import BertConfig, BertModel

from influence_core.model.classifier import TextClassifier, TextClassifierConfig, load_classifier
from tests.scores import row_by_row
from tests.scores.row_by_row import (
    ENCODER_RATE,
    HEAD_RATE,
    invented_tokens,
    largest_difference,
    save_checkpoints,
    traced,
)

LENGTHS = [3, 9, 5, 4, 7]
LABELS = np.arange(len(LENGTHS)) % 3


class Called(nn.Module):
    """A classifier as captum calls one: tensors in, logits out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model.eval()

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=ids, attention_mask=mask).logits


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    config = BertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        vocab_size=40,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = BertModel(config, add_pooling_layer=False)
        own = TextClassifierConfig(encoder=copy.deepcopy(encoder.config), num_labels=3)
        model = TextClassifier(own, encoder).eval()
    checkpoints = save_checkpoints(model, tmp_path_factory.mktemp("checkpoints"))
    return checkpoints, invented_tokens(LENGTHS, vocabulary=40, pad_id=0)


def by_captum(kind, work, rate, **options) -> np.ndarray:
    checkpoints, tokens = work
    called = Called(load_classifier(checkpoints[0]))

    def load(module, path):
        module.model.load_state_dict(load_file(path))
        return rate

    batch = tokens.batch(range(len(LENGTHS)))
    parts = (batch["input_ids"], batch["attention_mask"], torch.from_numpy(LABELS))
    paths = [str(path / "model.safetensors") for path in checkpoints]
    dataset = torch.utils.data.TensorDataset(*parts)
    if kind is TracInCPFast:
        options["final_fc_layer"] = called.model.head[-1]
    method = kind(
        model=called,
        train_dataset=dataset,
        checkpoints=paths,
        checkpoints_load_func=load,
        **options,
    )
    return method.self_influence(parts).detach().double().numpy()


@pytest.mark.parametrize(
    ("layer", "modules"),
    [("head", ["model.head.6"]), ("encoder", ["model.encoder.encoder.layer.1"]), ("full", None)],
)
def test_chosen_layers_and_all_parameters(
    work, tmp_path, monkeypatch, record_property, layer, modules
):
    rate = HEAD_RATE if layer == "head" else ENCODER_RATE
    # captum knows one rate for all parameters.
    monkeypatch.setattr(row_by_row, "HEAD_RATE", rate)
    loss = nn.CrossEntropyLoss(reduction="none")
    right = by_captum(TracInCP, work, rate, layers=modules, loss_fn=loss)
    found = traced(*work, LABELS, layer, tmp_path)[f"tracin_{layer}"]
    difference = largest_difference(found, right)
    record_property("largest relative difference", difference)
    assert difference < 1e-5


def test_the_head_but_for_its_bias(work, tmp_path, record_property):
    """captum's fast class leaves the bias out, whose gradient is that of the logits."""
    right = by_captum(TracInCPFast, work, HEAD_RATE, loss_fn=nn.CrossEntropyLoss(reduction="sum"))
    found = traced(*work, LABELS, "head", tmp_path)["tracin_head"]
    checkpoints, tokens = work
    of_bias = HEAD_RATE * sum(squared_errors(path, tokens) for path in checkpoints)
    difference = largest_difference(found - of_bias, right)
    record_property("largest relative difference", difference)
    assert difference < 1e-5


def squared_errors(path, tokens) -> np.ndarray:
    with torch.inference_mode():
        logits = load_classifier(path)(**tokens.batch(range(len(LENGTHS)))).logits
    right = torch.nn.functional.one_hot(torch.from_numpy(LABELS), 3)
    return (logits.softmax(dim=1) - right).square().sum(dim=1).numpy()
