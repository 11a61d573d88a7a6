"""Keeping the models of a fine-tuned stack: their encoders too, each as a model folder."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from influence_core.model.classifier import TextClassifier, TextClassifierConfig, save_classifier
from influence_core.model.encoder import encoder_source, load_tokenizer
from influence_core.model.precision import pick_device, pick_dtype
from influence_core.model.tokens import length_batches
from influence_core.nlu.joint import UNTOLD, JointModel
from influence_core.nlu.keeping import Gathered, Keeper
from influence_core.nlu.kept import DOMAINS, ENCODERS, INTENTS, TAGS, within
from influence_core.nlu.material import Material, Part
from influence_core.nlu.states import token_places
from influence_core.training.passes import BATCH_TOKENS

Integers = npt.NDArray[np.int64]


@torch.inference_mode()
def keep_classifier(keeper: Keeper, model: TextClassifier, rows: Integers) -> None:
    """Keep a classifier of domains that learnt from rows, and is not used again.

    Cost: a pass over the rows, and the weights of the encoder in the precision it is asked in.
    """
    if keeper.folder is None:
        return
    with keeper.timed():
        gathered = Gathered(model.head.state_dict(), len(rows))
        place = keeper.folder / ENCODERS / DOMAINS
        _save(keeper.material, place, model.encoder, model.config.pooling)
        for batch, inputs in _batches(keeper, model, rows):
            gathered.take(np.searchsorted(rows, batch), model.features(**inputs))
        gathered.write(keeper.folder, DOMAINS, keeper.material.domains[rows], rows)


@torch.inference_mode()
def keep_joint(
    keeper: Keeper, part: Part, model: JointModel, rows: Integers, intents: Integers, tags: Integers
) -> None:
    """Keep the joint model of a domain as `keep_classifier` does that of the domains.

    Args:
        intents: intent of each example (examples,).
        tags: tag of each token of all examples (tokens,), `UNTOLD` where none was learnt.
    """
    if keeper.folder is None:
        return
    tokens = keeper.material.tokens
    with keeper.timed():
        places = token_places(tokens, rows)
        places = places[tags[places] != UNTOLD]
        said = Gathered(model.head[INTENTS].state_dict(), len(rows))
        tagged = Gathered(model.head[TAGS].state_dict(), len(places))
        place = keeper.folder / ENCODERS / within(part.domain)
        _save(keeper.material, place, model.encoder, model.pooling)
        for batch, inputs in _batches(keeper, model, rows):
            features, states = model.read(**inputs)
            said.take(np.searchsorted(rows, batch), features)
            own, real = token_places(tokens, batch), states[inputs["attention_mask"].bool()].cpu()
            told = tags[own] != UNTOLD
            tagged.take(np.searchsorted(places, own[told]), real[torch.from_numpy(told)])
        if part.says_intents:
            said.write(keeper.folder, within(part.domain, INTENTS), intents[rows], rows)
        if part.says_slots:
            of_tokens = keeper.rows(places)
            tagged.write(keeper.folder, within(part.domain, TAGS), tags[places], of_tokens)


def _batches(
    keeper: Keeper, model: nn.Module, rows: Integers
) -> Iterator[tuple[Integers, dict[str, Tensor]]]:
    """Yield batches of rows with what a model is given of them, once it is ready for that."""
    device, tokens = pick_device(), keeper.material.tokens
    model.to(device).eval()
    for batch in length_batches(tokens.lengths, rows, BATCH_TOKENS):
        yield batch, {name: one.to(device) for name, one in tokens.batch(batch).items()}


def _save(material: Material, folder: Path, encoder: PreTrainedModel, pooling: str) -> None:
    """Put an encoder into the precision that it is asked in, and write it as a model folder."""
    settings, precision = material.model, material.training.precision
    encoder.to(pick_dtype(precision, pick_device()))
    config = TextClassifierConfig(
        encoder=copy.deepcopy(encoder.config),
        pooling=pooling,
        head_widths=settings.head_widths,
        head_dropout=settings.dropout,
    )
    with torch.random.fork_rng(devices=[]):
        model = TextClassifier(config, encoder)
    tokenizer = load_tokenizer(encoder_source(settings.encoder))
    save_classifier(model, folder, tokenizer)
