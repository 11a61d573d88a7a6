"""The null model: the classifier trained on empty texts, which can only learn how labels spread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from influence_core.config import RunSettings, TrainingSettings
from influence_core.errors import RunError
from influence_core.model.classifier import TextClassifier
from influence_core.model.encoder import encoder_source, load_tokenizer
from influence_core.model.precision import pick_device
from influence_core.progress import Progress
from influence_core.store.files import write_parquet
from influence_core.store.run import DatasetSummary, Run
from influence_core.training.batches import shuffled_batches
from influence_core.training.outlook import Examples
from influence_core.training.schedule import steps_in_epoch
from influence_core.training.trainer import MAX_NORM

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Floats = npt.NDArray[np.float64]
Inputs = dict[str, Tensor]


def write_null(
    model: TextClassifier,
    examples: Examples,
    dataset: DatasetSummary,
    settings: RunSettings,
    seed: int,
    replicate: Run,
    progress: Progress,
) -> None:
    """Train `model` on empty texts to the epoch at which PVI is read, and write `null.parquet`.

    The file holds each class (`label`) and log₂ of its probability (`log2_p`).
    """
    import pyarrow as pa

    empty = empty_inputs(load_tokenizer(encoder_source(settings.model.encoder)), dataset.pairs)
    epochs = min(settings.scoring.pvi_epoch, settings.training.epochs)
    labels = examples.labels[examples.train_rows]
    log2_p = train_null(model, empty, labels, epochs, settings.training, seed, progress)
    names = pa.array(dataset.label_names, pa.string())
    write_parquet(_file(replicate), pa.table({"label": names, "log2_p": log2_p}))


def empty_inputs(tokenizer: PreTrainedTokenizerBase, pairs: bool) -> Inputs:
    """Return the model inputs of an empty text, or of a pair of them, each (1, T).

    Where the tokenizer makes nothing of it, the text is one space, as in the authors' code.
    """
    for text in ("", " "):
        encoded = tokenizer([text], [text] if pairs else None, return_tensors="pt")
        if encoded["input_ids"].shape[1]:
            return {name: values.long() for name, values in encoded.items()}
    token = tokenizer.eos_token_id or tokenizer.pad_token_id or 0
    return {"input_ids": torch.tensor([[token]]), "attention_mask": torch.ones(1, 1).long()}


def train_null(
    model: TextClassifier,
    empty: Inputs,
    labels: npt.NDArray[np.int64],
    epochs: int,
    settings: TrainingSettings,
    seed: int,
    progress: Progress,
) -> Floats:
    """Teach `model` the labels of the training rows (n,), each with an empty text for its text.

    It is trained as the model itself is: Adam, constant learning rates, batches of the same size;
    in mode 'finetune' encoder and head, with gradients clipped, in mode 'probe' the head alone.
    Numbers are float32.

    Returns:
        log₂ p(label | empty text), for each class (classes,).

    Source: Ethayarajh et al., arXiv:2110.08420.
    """
    device = pick_device()
    inputs = {name: values.to(device) for name, values in empty.items()}
    model.to(device).eval()
    whole = settings.mode == "finetune"
    logits = _of_whole(model, inputs) if whole else _of_head(model, inputs)
    tuned = _tuned(model, settings)
    optimizer = torch.optim.Adam(tuned, fused=True)
    progress.begin("null", steps_in_epoch(len(labels), settings.batch_size) * epochs, "steps")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model.train()
        for batch in shuffled_batches(labels, settings.batch_size, epochs, seed):
            truth = torch.from_numpy(batch).to(device)
            loss = nn.functional.cross_entropy(logits(len(batch)), truth)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            if whole:
                nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
            optimizer.step()
            progress.advance(1)
    progress.end()
    return _spread(model, logits)


def read_null(replicate: Run) -> Floats:
    """Read log₂ p(label | empty text) (classes,) of a replicate's null model.

    Raises:
        RunError: it was not trained.
    """
    import pyarrow.parquet as pq

    path = _file(replicate)
    if not path.exists():
        raise RunError(f"There is no null model in {str(path)!r}.")
    column: Floats = pq.read_table(path).column("log2_p").to_numpy()
    return column


def _file(replicate: Run) -> Path:
    return replicate.path / "null.parquet"


def _tuned(model: TextClassifier, settings: TrainingSettings) -> list[dict[str, Any]]:
    head = {"params": list(model.head.parameters()), "lr": settings.head_lr}
    if settings.mode == "probe":
        return [head]
    return [{"params": list(model.encoder.parameters()), "lr": settings.encoder_lr}, head]


def _of_whole(model: TextClassifier, inputs: Inputs) -> Callable[[int], Tensor]:
    def logits(count: int) -> Tensor:
        copies = {name: values.expand(count, -1) for name, values in inputs.items()}
        found: Tensor = model(**copies).logits
        return found

    return logits


def _of_head(model: TextClassifier, inputs: Inputs) -> Callable[[int], Tensor]:
    with torch.no_grad():
        feature = model.features(**inputs)
    return lambda count: model.classify(feature.expand(count, -1))


def _spread(model: TextClassifier, logits: Callable[[int], Tensor]) -> Floats:
    model.eval()
    with torch.no_grad():
        log_p = logits(1)[0].double().log_softmax(dim=0)
    return np.asarray(log_p.cpu().numpy() / np.log(2))
