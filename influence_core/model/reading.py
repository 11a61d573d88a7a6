"""What a classifier on disk makes of one text that no run holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from influence_core.config import ModelSettings
from influence_core.model.classifier import TextClassifier, load_classifier, token_limit
from influence_core.model.encoder import load_tokenizer
from influence_core.model.last_layer import HeadTap
from influence_core.model.tokens import encode


@torch.inference_mode()
def read_text(
    folder: Path, tokenizer: Path, settings: ModelSettings, text: str, text_pair: str | None
) -> npt.NDArray[np.float32]:
    """Return what the head of the classifier in `folder` is given of a text, or of a pair (D,).

    That is the pooled feature; of other classifiers than this package's, the input of their last
    linear layer. In evaluation mode and float32; the text is cut where those of the run were.
    `tokenizer` is the folder that holds the tokenizer.
    """
    limit = token_limit(settings.model_copy(update={"encoder": str(folder)}))
    encoded = encode(load_tokenizer(str(tokenizer)), [text], [text_pair], limit)
    inputs = {name: torch.tensor(rows) for name, rows in encoded.items()}
    mask = torch.ones_like(inputs["input_ids"])
    model = load_classifier(folder)
    if isinstance(model, TextClassifier):
        given = model.features(attention_mask=mask, **inputs)
    else:
        with HeadTap(model) as tap:
            model(attention_mask=mask, **inputs)
        given = tap.h
    feature: npt.NDArray[np.float32] = given[0].numpy()
    return feature
