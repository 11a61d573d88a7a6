"""A real encoder of a few thousand random weights, made in a moment and saved as any other."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path


def save_tiny_encoder(folder: Path, texts: Iterable[str], spread: float = 0.02) -> Path:
    """Save a two-layer BERT whose vocabulary is the words of `texts`.

    `spread` is the standard deviation of its weights: with BERT's own, its features hardly differ.
    """
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]", text.lower())})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    tokenizer = BertTokenizer(vocab={word: index for index, word in enumerate(vocabulary)})
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=spread,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def without_dropout(encoder: Path, folder: Path) -> Path:
    """Copy an encoder into `folder` with its dropout turned off."""
    shutil.copytree(encoder, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
