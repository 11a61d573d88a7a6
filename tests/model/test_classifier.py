from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForSequenceClassification, GPT2Config, RobertaConfig
from transformers import GPT2ForSequenceClassification as Gpt2

from influence_core.config import ModelSettings
from influence_core.errors import ModelError
from influence_core.model import encoder as encoders
from influence_core.model.classifier import (
    build_classifier,
    cast,
    head_linear,
    last_encoder_layer,
    load_classifier,
    pool,
    token_limit,
)

NAMES = ("lights", "music", "weather")


@pytest.fixture
def classifier(tiny_encoder):
    settings = ModelSettings(encoder=str(tiny_encoder), pooling="mean")
    return build_classifier(settings, NAMES, seed=0).eval()


def inputs(padding: int = 0, left: bool = False) -> dict[str, torch.Tensor]:
    ids, mask = torch.tensor([[2, 7, 8, 9, 3]]), torch.ones(1, 5, dtype=torch.long)
    extra = torch.zeros(1, padding, dtype=torch.long)
    order = (lambda real: (extra, real)) if left else (lambda real: (real, extra))
    return {
        "input_ids": torch.cat(order(ids), 1),
        "attention_mask": torch.cat(order(mask), 1),
    }


def test_saved_and_loaded_it_says_the_same(classifier, tmp_path):
    classifier.save_pretrained(tmp_path / "model")
    assert {path.name for path in (tmp_path / "model").iterdir()} == {
        "config.json",
        "model.safetensors",
    }
    loaded = load_classifier(tmp_path / "model")
    torch.testing.assert_close(loaded(**inputs()).logits, classifier(**inputs()).logits)
    assert loaded.config.id2label == dict(enumerate(NAMES))


def test_the_same_seed_gives_the_same_head_and_leaves_the_global_one_alone(tiny_encoder):
    settings = ModelSettings(encoder=str(tiny_encoder))
    torch.manual_seed(5)
    first = build_classifier(settings, NAMES, seed=3)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))
    second = build_classifier(settings, NAMES, seed=3)
    other = build_classifier(settings, NAMES, seed=4)
    assert torch.equal(first.head[0].weight, second.head[0].weight)
    assert not torch.equal(first.head[0].weight, other.head[0].weight)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_padding_changes_no_pooled_vector(pooling):
    states = torch.randn(2, 4, 3)
    right = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
    padded = torch.cat([torch.full((2, 2, 3), 1e6), states], dim=1)
    left = torch.cat([torch.zeros(2, 2, dtype=torch.long), right], dim=1)
    torch.testing.assert_close(pool(padded, left, pooling), pool(states, right, pooling))


def test_pooling_by_hand():
    states = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert pool(states, mask, "mean").tolist() == [[2.0, 4.0]]
    assert pool(states, mask, "cls").tolist() == [[1.0, 2.0]]


def test_right_padding_changes_no_logit(classifier):
    torch.testing.assert_close(
        classifier(**inputs(padding=6)).logits, classifier(**inputs()).logits
    )


def test_the_head_stays_in_float32_when_the_encoder_does_not(classifier):
    exact = classifier(**inputs()).logits
    rough = cast(classifier, torch.bfloat16)(**inputs()).logits
    assert classifier.encoder.dtype == torch.bfloat16
    assert rough.dtype == classifier.head[0].weight.dtype == torch.float32
    torch.testing.assert_close(rough, exact, atol=0.03, rtol=0.1)


def test_parts_that_scores_look_at(classifier):
    assert head_linear(classifier) is classifier.head[-1]
    assert last_encoder_layer(classifier) is classifier.encoder.encoder.layer[-1]


def test_any_sequence_classifier_is_accepted(tmp_path):
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    bert = BertForSequenceClassification(
        BertConfig(**sizes, intermediate_size=8, vocab_size=20, num_labels=4)
    )
    bert.save_pretrained(tmp_path / "bert")
    loaded = load_classifier(tmp_path / "bert")
    assert head_linear(loaded).out_features == 4
    assert last_encoder_layer(loaded) is loaded.bert.encoder.layer[-1]
    gpt2 = Gpt2(GPT2Config(n_embd=16, n_layer=3, n_head=2, vocab_size=20, num_labels=4))
    assert last_encoder_layer(gpt2) is gpt2.transformer.h[-1]
    assert head_linear(gpt2) is gpt2.score


def test_a_trained_classifier_serves_as_an_encoder(classifier, tmp_path):
    with torch.no_grad():
        next(classifier.encoder.parameters()).add_(1.0)
    classifier.save_pretrained(tmp_path / "model")
    again = build_classifier(ModelSettings(encoder=str(tmp_path / "model")), NAMES, seed=1)
    for mine, theirs in zip(
        again.encoder.parameters(), classifier.encoder.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)
    assert again.config.pooling == "mean"


def test_pickled_weights_are_refused_and_not_read(tiny_encoder, tmp_path):
    folder = shutil.copytree(tiny_encoder, tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04cos\nsystem\n(S'touch pwned'\ntR.")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin.*never loaded.*safetensors"):
        encoders.encoder_source(str(folder))
    with pytest.raises(ModelError, match="never loaded"):
        load_classifier(folder)


def test_a_broken_weights_file_is_a_kind_error(tiny_encoder, tmp_path):
    folder = shutil.copytree(tiny_encoder, tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(ModelError, match="cannot be loaded"):
        build_classifier(ModelSettings(encoder=str(folder)), NAMES, seed=0)


@pytest.mark.parametrize("name", ["", "   ", "./nowhere", "/no/where", "a/b/c"])
def test_unusable_encoder_names(name):
    with pytest.raises(ModelError, match="'encoder' must be"):
        encoders.encoder_source(name)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(ModelError, match=r"no 'config\.json'"):
        encoders.encoder_source(str(tmp_path))


def test_a_folder_without_a_tokenizer_is_refused(tiny_encoder, tmp_path):
    folder = shutil.copytree(tiny_encoder, tmp_path / "wordless")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no tokenizer.*save_pretrained"):
        encoders.load_tokenizer(str(folder))


def test_a_hub_id_is_refused_at_once_where_the_hub_is_deaf(monkeypatch):
    monkeypatch.setattr("influence_core.hub.reachable", lambda: False)
    with pytest.raises(ModelError, match=r"'nobody/nothing'.*the Hub does not answer"):
        encoders.require_configuration("nobody/nothing")


@pytest.mark.parametrize(("asked", "kept"), [(16, 16), (64, 64), (4096, 64)])
def test_no_more_tokens_than_the_encoder_can_place(tiny_encoder, asked, kept):
    assert token_limit(ModelSettings(encoder=str(tiny_encoder), max_length=asked)) == kept


def test_positions_that_roberta_leaves_out_are_not_counted(tmp_path):
    config = RobertaConfig(max_position_embeddings=66, pad_token_id=1)
    config.save_pretrained(tmp_path)
    save_file({"nothing": torch.zeros(1)}, tmp_path / "model.safetensors")
    assert token_limit(ModelSettings(encoder=str(tmp_path), max_length=128)) == 64


def test_an_unknown_hub_id_without_a_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"'nobody/nothing' cannot be loaded.*'minilm'"):
        encoders.load_encoder("nobody/nothing")


def test_altered_bundled_weights_are_refused(monkeypatch):
    encoders._bundled_folder.cache_clear()
    monkeypatch.setattr(encoders, "BUNDLED_SHA256", "0" * 64)
    with pytest.raises(ModelError, match="not the known ones"):
        encoders.encoder_source("minilm")


def test_the_bundled_encoder_pools_as_it_was_trained():
    encoders._bundled_folder.cache_clear()
    source = encoders.encoder_source("minilm")
    assert encoders.resolve_pooling("auto", source, BertConfig()) == "mean"
    assert encoders.resolve_pooling("cls", source, BertConfig()) == "cls"
    assert encoders.resolve_pooling("auto", "elsewhere", BertConfig()) == "cls"
    assert encoders.resolve_pooling("auto", "elsewhere", GPT2Config()) == "mean"
