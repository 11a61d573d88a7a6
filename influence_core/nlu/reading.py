"""One text as the encoder of a kept stack reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from influence_core.config import ModelSettings, Precision
from influence_core.model.classifier import build_classifier, pool, token_limit
from influence_core.model.encoder import encoder_source, load_tokenizer
from influence_core.model.precision import pick_dtype
from influence_core.model.tokens import encode
from influence_core.nlu.slots import Offset
from influence_core.training.passes import as_float16

HELD = 4
"""Encoders that stay in memory: of a fine-tuned stack a text takes two, one after the other."""

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Read:
    """What an encoder makes of a text of T tokens, of which it reads `limit` at most.

    `feature` (1, D) is what heads of texts are given, `states` (T, D) what those of tokens are.
    `offsets` tell where the tokens stand in the text, and are empty where the tokenizer does not.
    """

    feature: Floats
    states: Floats
    offsets: list[Offset]
    limit: int

    @property
    def full(self) -> bool:
        """Whether the text fills all tokens: what is beyond was not read."""
        return len(self.states) >= self.limit


@dataclass(frozen=True)
class Reader:
    """An encoder with its tokenizer, on the processor: one text needs nothing faster.

    It reads one text at a time, whoever asks: fast tokenizers refuse to be shared by threads.
    """

    encoder: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    pooling: str
    limit: int
    lock: Lock = field(default_factory=Lock)

    @torch.inference_mode()
    def read(self, text: str, halve: bool) -> Read:
        """Read a text; `halve` rounds as the features and states of a frozen encoder are."""
        with self.lock:
            return self._read(text, as_float16 if halve else Tensor.numpy)

    def _read(self, text: str, told: Callable[[Tensor], Floats]) -> Read:
        encoded = encode(self.tokenizer, [text], [None], self.limit)
        inputs = {name: torch.tensor(rows) for name, rows in encoded.items()}
        mask = torch.ones_like(inputs["input_ids"])
        states = self.encoder(attention_mask=mask, **inputs).last_hidden_state.float()
        feature = pool(states, mask, self.pooling)
        return Read(told(feature), told(states[0]), self._offsets(text), self.limit)

    def _offsets(self, text: str) -> list[Offset]:
        if not self.tokenizer.is_fast:
            return []
        encoded = self.tokenizer(
            text, truncation=True, max_length=self.limit, return_offsets_mapping=True
        )
        return list(encoded["offset_mapping"]) or [(0, 0)]


def reader_of(settings: ModelSettings, precision: Precision) -> Reader:
    """Return the reader of an encoder, loaded once as long as its folder stays as it is.

    Raises:
        ModelError: the encoder cannot be loaded any more.
    """
    source = encoder_source(settings.encoder)
    weights = Path(source) / "model.safetensors"
    modified = weights.stat().st_mtime_ns if weights.is_file() else 0
    return _reader(settings, precision, modified)


@lru_cache(maxsize=HELD)
def _reader(settings: ModelSettings, precision: Precision, modified: int) -> Reader:
    # The texts are read by the encoder alone: no head takes part.
    classifier = build_classifier(settings, label_names=("any", "other"), seed=0)
    encoder = classifier.encoder.to(pick_dtype(precision, torch.device("cpu"))).eval()
    tokenizer = load_tokenizer(encoder_source(settings.encoder))
    return Reader(encoder, tokenizer, classifier.config.pooling, token_limit(settings))
