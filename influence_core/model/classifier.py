"""The classifier: an encoder, a pooling, and the paper's head of three linear layers."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedModel, PreTrainedTokenizerBase
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec
from transformers.modeling_outputs import SequenceClassifierOutput

from influence_core.config import ModelSettings, Pooling
from influence_core.errors import ModelError
from influence_core.model.encoder import (
    encoder_source,
    kindly,
    load_encoder,
    loading_options,
    quietly,
    require_safetensors,
    resolve_pooling,
    without_pooler,
)
from influence_core.model.head import build_head
from influence_core.store.files import atomic

_COUNTED_FROM_PADDING = frozenset(
    {
        "roberta",
        "xlm-roberta",
        "xlm-roberta-xl",
        "camembert",
        "mpnet",
        "longformer",
        "data2vec-text",
    }
)
"""Families whose first position is the number after the padding token's: the rest is unused."""


class TextClassifierConfig(PreTrainedConfig):
    """Configuration of `TextClassifier`; `encoder` is the encoder's own configuration."""

    model_type = "influence_text_classifier"
    sub_configs_defaults: ClassVar[dict[str, SubConfigSpec]] = {
        "encoder": SubConfigSpec(config_class=AutoConfig, model_type="bert")
    }

    encoder: PreTrainedConfig | dict[str, Any] | None = None
    pooling: str = "mean"
    head_widths: tuple[int, ...] | list[int] = (64, 64)
    head_dropout: float = 0.1


class TextClassifier(PreTrainedModel):
    """An encoder with pooling and a classification head.

    The head always runs in float32, whatever the encoder's precision: probabilities near 0 and 1
    and small differences between logits survive.
    """

    config_class = TextClassifierConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _no_split_modules: ClassVar[list[str]] = []

    def __init__(
        self, config: TextClassifierConfig, encoder: PreTrainedModel | None = None
    ) -> None:
        super().__init__(config)
        self.encoder = encoder if encoder is not None else _empty_encoder(config)
        self.head = build_head(
            hidden_size(config.encoder),
            tuple(config.head_widths),
            config.num_labels,
            config.head_dropout,
        )
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Leave the encoder as loaded and the head at torch's own initialisation."""

    def features(self, input_ids: Tensor, attention_mask: Tensor, **inputs: Tensor) -> Tensor:
        """Encode and pool: token ids (B, T) → float32 features (B, D)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        return pool(states.last_hidden_state.float(), attention_mask, self.config.pooling)

    def classify(self, features: Tensor) -> Tensor:
        """Apply the head in float32: features (B, D) → logits (B, C)."""
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.head(features.float())
        return logits

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        **_: Any,
    ) -> SequenceClassifierOutput:
        """Return logits (B, C), and the mean cross-entropy where labels (B,) are given."""
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        logits = self.classify(self.features(input_ids, attention_mask, **types))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)


def pool(states: Tensor, attention_mask: Tensor, pooling: str) -> Tensor:
    """Pool token states (B, T, D) to (B, D): the first real token, or the mean of real tokens.

    Padding on either side changes nothing.
    """
    if pooling == "cls":
        first = attention_mask.argmax(dim=1)
        return states[torch.arange(len(states), device=states.device), first]
    weights = attention_mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


def hidden_size(config: Any) -> int:
    """Return the width of the encoder's output."""
    for name in ("hidden_size", "d_model", "n_embd", "dim"):
        if isinstance(getattr(config, name, None), int):
            return int(getattr(config, name))
    raise ModelError(f"Encoders of type {config.model_type!r} do not say how wide their output is.")


def build_classifier(
    settings: ModelSettings, label_names: tuple[str, ...], seed: int
) -> TextClassifier:
    """Build a classifier with a pretrained encoder and a head drawn from `seed`.

    Raises:
        ModelError: the encoder cannot be loaded.
    """
    source = encoder_source(settings.encoder)
    encoder, pooling = _pretrained(source, settings.pooling)
    config = TextClassifierConfig(
        # A copy: transformers unsets the attention in a configuration that becomes part of one.
        encoder=copy.deepcopy(encoder.config),
        pooling=pooling,
        head_widths=settings.head_widths,
        head_dropout=settings.dropout,
        id2label=dict(enumerate(label_names)),
        label2id={name: index for index, name in enumerate(label_names)},
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return TextClassifier(config, encoder)


def token_limit(settings: ModelSettings) -> int:
    """Return how many tokens of a text are kept: as set, but no more than the encoder can place.

    Raises:
        ModelError: the encoder's configuration cannot be loaded.
    """
    source = encoder_source(settings.encoder)
    with kindly(source):
        config = AutoConfig.from_pretrained(source, **loading_options(source))
    if config.model_type == TextClassifierConfig.model_type:
        config = config.encoder
    places = getattr(config, "max_position_embeddings", None)
    if not isinstance(places, int) or places <= 0:
        return settings.max_length
    if config.model_type in _COUNTED_FROM_PADDING:
        places -= (config.pad_token_id or 0) + 1
    return min(settings.max_length, places)


def load_classifier(folder: Path) -> PreTrainedModel:
    """Load a classifier that `save_pretrained` wrote: ours, or any sequence classifier.

    Raises:
        ModelError: the folder is no model folder, or its weights are not safetensors.
    """
    from transformers import AutoModelForSequenceClassification

    require_safetensors(folder)
    with kindly(str(folder)), quietly():
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        ours = config.model_type == TextClassifierConfig.model_type
        family = TextClassifier if ours else AutoModelForSequenceClassification
        return family.from_pretrained(
            folder, config=config, use_safetensors=True, dtype="float32"
        ).eval()


def save_classifier(
    model: PreTrainedModel, folder: Path, tokenizer: PreTrainedTokenizerBase | None = None
) -> None:
    """Write the folder of a model, its tokenizer beside it: safetensors, whole or not at all."""
    with atomic(folder) as partial, quietly():
        model.save_pretrained(partial)
        if tokenizer is not None:
            tokenizer.save_pretrained(partial)


def cast(model: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """Put the encoder into `dtype`; our own head stays in float32."""
    if isinstance(model, TextClassifier):
        model.encoder.to(dtype)
    else:
        model.to(dtype)
    return model


def head_linear(model: PreTrainedModel) -> nn.Linear:
    """Return the last linear layer: the one whose outputs are the logits.

    Raises:
        ModelError: the model has none.
    """
    classes = int(model.config.num_labels)
    linears = [
        module
        for module in model.modules()
        if isinstance(module, nn.Linear) and module.out_features == classes
    ]
    if not linears:
        raise ModelError(f"{type(model).__name__} has no linear layer with {classes} outputs.")
    return linears[-1]


def last_encoder_layer(model: PreTrainedModel) -> nn.Module:
    """Return the last block of the encoder: the end of its longest list of layers.

    Raises:
        ModelError: the encoder has no list of layers.
    """
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList) and module]
    if not lists:
        raise ModelError(f"{type(model).__name__} has no list of layers to take the last of.")
    return max(lists, key=len)[-1]


def padding_id(model: PreTrainedModel) -> int | None:
    """Return the token that the encoder takes for padding, if it says."""
    ours = isinstance(model, TextClassifier)
    found = (model.config.encoder if ours else model.config).get_text_config().pad_token_id
    return None if found is None else int(found)


def _pretrained(source: str, pooling: Pooling) -> tuple[PreTrainedModel, str]:
    """Load the encoder of any model folder, a classifier of ours among them, and its pooling."""
    if Path(source).is_dir():
        with kindly(source):
            config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        if config.model_type == TextClassifierConfig.model_type:
            trained = load_classifier(Path(source))
            return trained.encoder, trained.config.pooling if pooling == "auto" else pooling
    encoder = load_encoder(source)
    return encoder, resolve_pooling(pooling, source, encoder.config)


def _empty_encoder(config: TextClassifierConfig) -> PreTrainedModel:
    return without_pooler(AutoModel.from_config(config.encoder))


AutoConfig.register(TextClassifierConfig.model_type, TextClassifierConfig)
