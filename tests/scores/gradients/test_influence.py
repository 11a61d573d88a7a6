"""What no rule covers is found before the trace, and computed text by text."""

from __future__ import annotations

import pytest
import torch
from transformers import GPT2Config, GPT2ForSequenceClassification

from influence_core.config import ScoringSettings
from influence_core.scores.gradients import trial
from influence_core.scores.gradients.influence import without_rule
from influence_core.scores.gradients.trace import Plan, check_traceable
from tests.scores.gradients.test_families import classifier

PLAN = Plan(vog=True, tracin=True, learning_rate=1.0)
FULL = ScoringSettings(tracin_layer="full")


@pytest.mark.parametrize(
    ("family", "parts"),
    [
        ("Bert", set()),
        ("Albert", set()),
        ("Gemma", set()),
        ("Deberta", {"pos_proj.weight", "pos_q_proj.weight", "pos_q_proj.bias"}),
    ],
)
def test_parameters_without_a_rule(family, parts):
    model = classifier(family, own_head=True)
    found = without_rule(model, [model], shares_batches=True)
    assert {".".join(name.split(".")[-2:]) for name in found if "rel_emb" not in name} == parts
    assert any("rel_emb" in name for name in found) == (family == "Deberta")


def test_what_slows_the_trace_down_is_told():
    assert check_traceable(classifier("Bert", own_head=True), PLAN, FULL) == ""
    note = check_traceable(classifier("Deberta", own_head=True), PLAN, FULL)
    assert "attention.self.pos_proj.weight" in note
    assert "and 4 more are computed text by text" in note
    at_head = check_traceable(
        classifier("Deberta", own_head=True), PLAN, ScoringSettings(tracin_layer="head")
    )
    assert at_head == ""
    vog_alone = Plan(vog=True, tracin=False, learning_rate=0.0)
    assert "one by one" in check_traceable(classifier("ConvBert", own_head=True), vog_alone, FULL)


def test_a_decoder_without_a_padding_token_reads_one_text_at_a_time():
    sizes = {"n_embd": 8, "n_layer": 1, "n_head": 1, "vocab_size": 20}
    model = GPT2ForSequenceClassification(
        GPT2Config(**sizes, pad_token_id=None, bos_token_id=1, eos_token_id=2)
    )
    assert not trial.shares_batches(model)
    model.config.pad_token_id = 2
    assert trial.shares_batches(model)


def test_looking_changes_nothing():
    model = classifier("Bert", own_head=True)
    model.train()
    model.head.eval()
    frozen = next(model.encoder.parameters()).requires_grad_(False)
    before = torch.get_rng_state()
    check_traceable(model, PLAN, FULL)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.encoder.training
    assert not model.head.training
    needed = [parameter.requires_grad for parameter in model.parameters()]
    assert needed.count(False) == 1
    assert not frozen.requires_grad


def test_trial_texts_hold_no_padding_but_at_the_end():
    inputs, labels = trial.texts(classifier("Roberta", own_head=False))
    assert inputs["attention_mask"].sum(dim=1).tolist() == [5, 3, 4]
    assert ((inputs["input_ids"] != 1) == inputs["attention_mask"].bool()).all()
    assert [text["input_ids"].shape for text in trial.alone(inputs)] == [(1, 5), (1, 3), (1, 4)]
    assert labels.tolist() == [0, 1, 2]
