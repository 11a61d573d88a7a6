"""A few short texts on which a model is tried out before a long pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from influence_core.errors import ModelError
from influence_core.model.classifier import padding_id

Inputs = dict[str, Tensor]

REFUSALS = (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError)
"""What a model raises that cannot do what is asked of it."""

_LENGTHS = (5, 3, 4)
"""Tokens of the texts: no text is as long as there are texts, so that sizes tell the two apart."""

_ROUNDING = 1e-4
"""By how much of the largest logit the same answer may differ."""


def texts(model: PreTrainedModel, shared: bool = True) -> tuple[Inputs, Tensor]:
    """Return inputs of three texts of random tokens, padded on the right, and their labels.

    Without `shared` there is one text, for a model that must not pad.
    """
    lengths = torch.tensor(_LENGTHS if shared else _LENGTHS[:1])
    mask = torch.arange(int(lengths.max())) < lengths.unsqueeze(1)
    labels = torch.arange(len(lengths)) % int(model.config.num_labels)
    ids = _tokens(model, mask)
    inputs = {"input_ids": ids, "attention_mask": mask.long()}
    return {name: value.to(model.device) for name, value in inputs.items()}, labels.to(model.device)


def alone(inputs: Inputs) -> Iterator[Inputs]:
    """Yield the inputs of one text after the other, without its padding."""
    for row, mask in enumerate(inputs["attention_mask"].bool()):
        yield {name: values[row : row + 1, mask] for name, values in inputs.items()}


def shares_batches(model: PreTrainedModel) -> bool:
    """Say whether the model answers a padded text in company as it answers the text alone.

    Some do not: classifiers over decoders without a padding token, and encoders that convolve over
    padding.

    Raises:
        ModelError: it does not answer at all.
    """
    with frozen(model):
        inputs, _ = texts(model)
        try:
            expected = torch.cat([model(**text).logits for text in alone(inputs)])
        except REFUSALS as error:
            raise ModelError(f"{type(model).__name__} cannot read texts: {error}.") from error
        try:
            found = model(**inputs).logits
        except REFUSALS:
            return False
    return bool((found - expected).abs().max() <= _ROUNDING * expected.abs().max())


@contextmanager
def frozen(model: nn.Module) -> Iterator[None]:
    """Look at a model in evaluation mode and with fixed parameters, then give it back as it was."""
    modes = {module: module.training for module in model.modules()}
    needed = {parameter: parameter.requires_grad for parameter in model.parameters()}
    model.eval().requires_grad_(False)
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for parameter, flag in needed.items():
            parameter.requires_grad_(flag)


def _tokens(model: PreTrainedModel, mask: Tensor) -> Tensor:
    """Draw ids other than the padding's; texts end as those of encoder-decoders have to."""
    generator = torch.Generator().manual_seed(0)
    padding = padding_id(model) or 0
    vocabulary = int(model.get_input_embeddings().num_embeddings)
    # Adding to the padding's id and going round hits every other id.
    drawn = torch.randint(1, vocabulary, mask.shape, generator=generator)
    ids = (padding + drawn) % vocabulary
    end = getattr(model.config, "eos_token_id", None)
    if isinstance(end, int) and end != padding:
        ids[torch.arange(len(mask)), mask.sum(dim=1) - 1] = end
    filled: Tensor = ids.where(mask, padding)
    return filled
