"""Checkpoints of tiny decoder-only classifiers as transformers alone writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "intermediate_size": 24,
}
DECODERS = {
    "GPT2": {"n_embd": 16, "n_layer": 2, "n_head": 2},
    "Qwen2": _SIZES,
    "Qwen3": _SIZES,
    "Llama": _SIZES,
}
"""Sizes of every family, by the name of its classes."""


def decoder_tokenizer(texts: Iterable[str], pads: bool) -> PreTrainedTokenizerBase:
    """Make a tokenizer of the words of `texts`; it frames them by nothing, and may not pad."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]", text)})
    vocabulary = {word: place for place, word in enumerate(["<pad>", "<unk>", "<eos>", *words])}
    of_words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    of_words.pre_tokenizer = pre_tokenizers.Whitespace()
    padding = {"pad_token": "<pad>"} if pads else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=of_words,
        unk_token="<unk>",
        eos_token="<eos>",
        model_input_names=["input_ids", "attention_mask"],
        **padding,
    )


def plain_decoder(family: str, vocabulary: int, classes: Sequence[str], pads: bool):
    """Build a sequence classifier at random, of a family of `DECODERS`."""
    import torch
    import transformers

    config = getattr(transformers, f"{family}Config")(
        **DECODERS[family],
        vocab_size=vocabulary,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0 if pads else None,
        id2label=dict(enumerate(classes)),
        label2id={name: index for index, name in enumerate(classes)},
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, f"{family}ForSequenceClassification")(config)


def save_steps(
    folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, count: int = 3
) -> list[Path]:
    """Save a model with its tokenizer, with other weights at every step."""
    import torch

    generator = torch.Generator().manual_seed(7)
    paths = [folder / f"checkpoint-{step}" for step in range(1, count + 1)]
    for path in paths:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
        model.save_pretrained(path)
        tokenizer.save_pretrained(path)
    return paths
