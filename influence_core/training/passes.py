"""Passes without training: pooled features and logits of many rows, in batches of like length."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from influence_core.config import Precision
from influence_core.errors import ModelError
from influence_core.model.classifier import TextClassifier, cast, hidden_size
from influence_core.model.precision import pick_device, pick_dtype
from influence_core.model.tokens import TokenStore, length_batches
from influence_core.progress import Progress
from influence_core.store.files import atomic, new_array

BATCH_TOKENS = 4096
"""Padded tokens of a batch in passes without training: large enough to fill the processor."""


class Observer:
    """A copy of a classifier, in evaluation mode and precision, that follows its weights."""

    def __init__(self, model: TextClassifier, precision: Precision) -> None:
        self.device = pick_device()
        self._copy = cast(copy.deepcopy(model), pick_dtype(precision, self.device))
        self._copy.to(self.device).eval().requires_grad_(False)

    def follow(self, model: TextClassifier) -> None:
        """Take over the weights of `model`."""
        self._copy.load_state_dict(model.state_dict())

    @torch.inference_mode()
    def features(
        self, tokens: TokenStore, rows: npt.NDArray[np.int64]
    ) -> Iterator[tuple[npt.NDArray[np.int64], torch.Tensor]]:
        """Yield batches of rows with their pooled features (B, D), float32."""
        for batch in length_batches(tokens.lengths, rows, BATCH_TOKENS):
            inputs = {name: part.to(self.device) for name, part in tokens.batch(batch).items()}
            yield batch, self._copy.features(**inputs)

    @torch.inference_mode()
    def logits(
        self, tokens: TokenStore, rows: npt.NDArray[np.int64]
    ) -> Iterator[tuple[npt.NDArray[np.int64], torch.Tensor]]:
        """Yield batches of rows with their logits (B, classes), float32, on the processor."""
        for batch, features in self.features(tokens, rows):
            yield batch, self.classify(features)

    @torch.inference_mode()
    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits (B, classes) of pooled features (B, D), on the processor."""
        logits: torch.Tensor = self._copy.classify(features)
        return logits.cpu()


def as_float16(features: torch.Tensor) -> npt.NDArray[np.float16]:
    """Return pooled features as they are stored.

    Raises:
        ModelError: some are too large for the type.
    """
    if float(features.abs().max()) > np.finfo(np.float16).max:
        raise ModelError(
            "The encoder's pooled features exceed 65,504, the largest float16; "
            "fit it with pooling='mean' or choose another encoder."
        )
    stored: npt.NDArray[np.float16] = features.cpu().numpy().astype(np.float16)
    return stored


def write_features(
    model: TextClassifier, tokens: TokenStore, path: Path, precision: Precision, progress: Progress
) -> None:
    """Write pooled features of every example: float16 (rows, width), readable as a memory map."""
    observer = Observer(model, precision)
    shape = (len(tokens), hidden_size(model.config.encoder))
    progress.begin("features", len(tokens))
    with atomic(path) as partial:
        stored = new_array(partial, np.float16, shape)
        for batch, features in observer.features(tokens, np.arange(len(tokens))):
            stored[batch] = as_float16(features)
            progress.advance(len(batch))
        stored.flush()
    progress.end()
