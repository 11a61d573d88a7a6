"""The joint model of a domain: an encoder that tells the intent and tags the slots of a text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, TrainerCallback

from influence_core.config import ModelSettings, TrainingSettings
from influence_core.model.classifier import build_classifier, hidden_size, pool
from influence_core.model.head import build_head
from influence_core.model.tokens import TokenStore
from influence_core.nlu.states import token_places
from influence_core.training.trainer import ClassifierTrainer

Integers = npt.NDArray[np.int64]

UNTOLD = -100
"""Tag of tokens that are not learnt from: padding, and what stands for no characters."""

TAGS = "tags"


class JointModel(nn.Module):
    """An encoder with two heads: of the pooled text for intents, of every token for tags."""

    def __init__(
        self, encoder: PreTrainedModel, pooling: str, intents: nn.Module, tags: nn.Module
    ) -> None:
        super().__init__()
        self.encoder, self.pooling = encoder, pooling
        self.head = nn.ModuleDict({"intents": intents, TAGS: tags})

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, **inputs: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return logits of intents (B, intents) and of tags (B, T, tags), float32."""
        pooled, states = self.read(input_ids, attention_mask, **inputs)
        with torch.autocast(states.device.type, enabled=False):
            return self.head["intents"](pooled), self.head[TAGS](states)

    def read(
        self, input_ids: Tensor, attention_mask: Tensor, **inputs: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return what the heads are given: features (B, D) and states (B, T, D), float32."""
        told = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **inputs)
        states = told.last_hidden_state
        with torch.autocast(states.device.type, enabled=False):
            return pool(states.float(), attention_mask, self.pooling), states.float()


def build_joint(settings: ModelSettings, intents: int, tags: int, seed: int) -> JointModel:
    """Build a joint model with a pretrained encoder and heads drawn from `seed`.

    Raises:
        ModelError: the encoder cannot be loaded.
    """
    classifier = build_classifier(settings, label_names=("any", "other"), seed=seed)
    width = hidden_size(classifier.config.encoder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        heads = [
            build_head(width, settings.head_widths, classes, settings.dropout)
            for classes in (intents, tags)
        ]
    return JointModel(classifier.encoder, classifier.config.pooling, *heads)


class JointTrainer(ClassifierTrainer):
    """Fine-tunes a joint model: the mean cross-entropy of intents, and that of tags, added up.

    Args:
        intents: intent of each example (examples,).
        tags: tag of each token of all examples (tokens,), `UNTOLD` where none is learnt.
        As `ClassifierTrainer` otherwise.
    """

    def __init__(
        self,
        model: JointModel,
        tokens: TokenStore,
        rows: Integers,
        intents: Integers,
        tags: Integers,
        settings: TrainingSettings,
        seed: int,
        folder: Path,
        callbacks: Iterable[TrainerCallback] = (),
        steps: int | None = None,
    ) -> None:
        super().__init__(
            model,
            tokens,
            rows,
            intents,
            settings,
            seed,
            folder,
            callbacks,
            steps,
        )
        self.data_collator = _Collator(tokens, intents, tags)

    def compute_loss(
        self, model: nn.Module, inputs: dict[str, Tensor], *_: Any, **__: Any
    ) -> Tensor:
        """Return the loss of the batch."""
        intents, tags = inputs.pop("labels"), inputs.pop(TAGS)
        with self.accelerator.autocast():
            said, tagged = model(**inputs)
        of_intents = nn.functional.cross_entropy(said, intents)
        of_tags = nn.functional.cross_entropy(
            tagged.flatten(0, 1), tags.flatten(), ignore_index=UNTOLD, reduction="sum"
        )
        told: Tensor = of_intents + of_tags / (tags != UNTOLD).sum().clamp(min=1)
        return told


class _Collator:
    """Turn positions into a padded batch with the intent of each row and the tag of each token."""

    def __init__(self, tokens: TokenStore, intents: Integers, tags: Integers) -> None:
        self._tokens, self._intents, self._tags = tokens, intents, tags

    def __call__(self, rows: list[int]) -> dict[str, Tensor]:
        places = np.array(rows)
        inputs = self._tokens.batch(places)
        tags = torch.full(inputs["attention_mask"].shape, UNTOLD)
        own = self._tags[token_places(self._tokens, places)]
        tags[inputs["attention_mask"].bool()] = torch.from_numpy(own)
        labels = torch.from_numpy(self._intents[places])
        return {**inputs, "labels": labels, TAGS: tags}
