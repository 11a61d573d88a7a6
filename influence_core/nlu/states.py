"""Tokens of all texts: where they stand in them, and what a frozen encoder makes of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.config import ModelSettings, Precision
from influence_core.errors import ModelError
from influence_core.progress import Progress
from influence_core.store.files import atomic, new_array

if TYPE_CHECKING:
    from influence_core.model.tokens import TokenStore

_BATCH = 4_096


def write_characters(
    examples: Path, model: ModelSettings, tokens: TokenStore, path: Path, progress: Progress
) -> None:
    """Write first character and end of every token, int32 (tokens, 2), in the tokens' order.

    Tokens that stand for no characters, as special ones, have (0, 0).

    Raises:
        ModelError: the tokenizer does not tell where its tokens stand.
    """
    import pyarrow.parquet as pq

    from influence_core.model.classifier import token_limit
    from influence_core.model.encoder import encoder_source, load_tokenizer

    tokenizer = load_tokenizer(encoder_source(model.encoder))
    if not tokenizer.is_fast:
        raise ModelError(
            f"The tokenizer of encoder {model.encoder!r} does not tell where its tokens stand in a "
            "text, which slots need; choose an encoder with a fast tokenizer."
        )
    limit = token_limit(model)
    progress.begin("places", len(tokens), "rows")
    with atomic(path) as partial:
        stored = new_array(partial, np.int32, (len(tokens.ids), 2))
        row = 0
        for batch in pq.ParquetFile(examples).iter_batches(_BATCH, columns=["text"]):
            texts = batch.column("text").to_pylist()
            encoded = tokenizer(
                texts, truncation=True, max_length=limit, return_offsets_mapping=True
            )
            for places in encoded["offset_mapping"]:
                start, end = tokens.offsets[row], tokens.offsets[row + 1]
                stored[start:end] = np.array(places or [(0, 0)], np.int32)
                row += 1
            progress.advance(len(texts))
        stored.flush()
    progress.end()


def write_states(
    model: ModelSettings, tokens: TokenStore, path: Path, precision: Precision, progress: Progress
) -> None:
    """Write the last state of every token, float16 (tokens, D), of an encoder as it comes."""
    import torch

    from influence_core.model.classifier import build_classifier, cast, hidden_size
    from influence_core.model.precision import pick_device, pick_dtype
    from influence_core.model.tokens import length_batches
    from influence_core.training.passes import BATCH_TOKENS, as_float16

    device = pick_device()
    # The states are the encoder's alone: no head takes part in them.
    classifier = build_classifier(model, label_names=("any", "other"), seed=0)
    encoder = cast(classifier, pick_dtype(precision, device)).to(device).eval().encoder
    shape = (len(tokens.ids), hidden_size(classifier.config.encoder))
    progress.begin("states", len(tokens), "rows")
    with atomic(path) as partial, torch.inference_mode():
        stored = new_array(partial, np.float16, shape)
        for batch in length_batches(tokens.lengths, np.arange(len(tokens)), BATCH_TOKENS):
            inputs = {name: part.to(device) for name, part in tokens.batch(batch).items()}
            real = inputs["attention_mask"].bool()
            stored[token_places(tokens, batch)] = as_float16(
                encoder(**inputs).last_hidden_state.float()[real]
            )
            progress.advance(len(batch))
        stored.flush()
    progress.end()


def open_states(path: Path) -> npt.NDArray[np.float16]:
    """Map the states into memory (tokens, D)."""
    states: npt.NDArray[np.float16] = np.load(path, mmap_mode="r")
    return states


def token_places(tokens: TokenStore, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where the tokens of rows lie among all tokens, one row after another."""
    starts, lengths = tokens.offsets[rows], tokens.lengths[rows]
    ends = np.cumsum(lengths)
    within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
    return np.repeat(starts, lengths) + within
