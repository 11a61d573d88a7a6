"""What a classifier on disk makes of one text that no run holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from influence_core.config import ModelSettings
from influence_core.model.classifier import load_classifier, token_limit
from influence_core.model.encoder import load_tokenizer
from influence_core.model.tokens import encode


@torch.inference_mode()
def read_text(
    folder: Path, tokenizer: Path, settings: ModelSettings, text: str, text_pair: str | None
) -> npt.NDArray[np.float32]:
    """Return the pooled feature (D,) of a text, or of a pair, by the classifier in `folder`.

    In evaluation mode and float32; the text is cut where those of the run were. `tokenizer` is the
    folder that holds the tokenizer.
    """
    limit = token_limit(settings.model_copy(update={"encoder": str(folder)}))
    encoded = encode(load_tokenizer(str(tokenizer)), [text], [text_pair], limit)
    inputs = {name: torch.tensor(rows) for name, rows in encoded.items()}
    mask = torch.ones_like(inputs["input_ids"])
    model = load_classifier(folder)
    feature: npt.NDArray[np.float32] = model.features(attention_mask=mask, **inputs)[0].numpy()
    return feature
