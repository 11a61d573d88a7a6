"""Stages that train: a head, a whole classifier, a null model, heads out of fold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from influence_core import ranks
from influence_core.progress import silent
from influence_core.stages.job import (
    Job,
    examples_of,
    fresh_classifier,
    replicates,
    tokens_of,
)
from influence_core.stages.tracing import trace_plan
from influence_core.store.files import discard
from influence_core.store.run import Run
from influence_core.store.state import dataset_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from influence_core.model.classifier import TextClassifier
    from influence_core.training.outlook import Examples

    Logits = Iterable[tuple[npt.NDArray[np.int64], torch.Tensor]]


def train_head(job: Job, replicate: Run, seed: int) -> None:
    """Features → a trained head, its checkpoints, dynamics, predictions."""
    import numpy as np

    from influence_core.training.probe import head_logits, train_probe

    _clear(replicate)
    model, examples = fresh_classifier(job, seed), examples_of(job)
    features = np.load(job.run.embeddings_file, mmap_mode="r")
    settings = job.settings.training
    minibatches = job.settings.scoring.needs_minibatches
    train_probe(model, features, examples, settings, seed, replicate, job.progress, minibatches)
    _forget(job, replicate, "records")
    if replicate.path == job.run.path:
        every = np.arange(len(examples.ids))
        _keep_model(job, model, examples, head_logits(model.head, features, every))


def train_whole(job: Job, replicate: Run, seed: int) -> None:
    """Token ids → a fine-tuned classifier, its checkpoints, dynamics, predictions, features."""
    import numpy as np

    from influence_core.scores.gradients.trace import check_traceable
    from influence_core.training.finetune import train_finetune
    from influence_core.training.passes import write_features
    from influence_core.training.probe import head_logits

    model, examples, tokens = fresh_classifier(job, seed), examples_of(job), tokens_of(job)
    settings, needed = job.settings.training, trace_plan(job)
    if needed is not None:
        note = check_traceable(model, needed, job.settings.scoring)
        if note:
            job.progress.message(note)
    if not (replicate.private_folder / "trainer").exists():
        _clear(replicate)
    ranks.send(ranks.Order(job.run.path, seed))
    minibatches = job.settings.scoring.needs_minibatches
    train_finetune(model, tokens, examples, settings, seed, replicate, job.progress, minibatches)
    if replicate.path == job.run.path:
        write_features(model, tokens, job.run.embeddings_file, settings.precision, job.progress)
        features = np.load(job.run.embeddings_file, mmap_mode="r")
        _keep_model(job, model, examples, head_logits(model.head, features, np.arange(len(tokens))))
    # In this order: without its state a training begins anew, and needs no records.
    _forget(job, replicate, "trainer", "records")


def train_along(run: Run, seed: int) -> None:
    """Train with the leading process, on the files it wrote, and keep nothing."""
    from influence_core.training.finetune import train_finetune

    job = Job(run, run.manifest().settings, silent())
    model, replicate = fresh_classifier(job, seed), replicates(job)[seed]
    train_finetune(
        model,
        tokens_of(job),
        examples_of(job),
        job.settings.training,
        seed,
        replicate,
        job.progress,
        job.settings.scoring.needs_minibatches,
    )


def train_on_nothing(job: Job, replicate: Run, seed: int) -> None:
    """Labels without their texts → `null.parquet`."""
    from influence_core.training.null import write_null

    model, examples, dataset = fresh_classifier(job, seed), examples_of(job), dataset_of(job.run)
    write_null(model, examples, dataset, job.settings, seed, replicate, job.progress)


def judge_out_of_fold(job: Job, replicate: Run, seed: int) -> None:
    """Features of the untuned encoder → what heads say of rows they did not learn from."""
    import numpy as np

    from influence_core.store.units import read_units
    from influence_core.training.folds import write_out_of_fold
    from influence_core.training.untuned import untuned_file

    dataset, features = dataset_of(job.run), np.load(untuned_file(job.run), mmap_mode="r")
    units = read_units(job.run, dataset.group)
    classes = len(dataset.label_names)
    write_out_of_fold(
        features, examples_of(job), units, classes, job.settings, seed, replicate, job.progress
    )


def _keep_model(job: Job, model: TextClassifier, examples: Examples, logits: Logits) -> None:
    from influence_core.model.classifier import save_classifier
    from influence_core.model.encoder import encoder_source, load_tokenizer
    from influence_core.training.outlook import write_predictions

    names = dataset_of(job.run).label_names
    figures = write_predictions(job.run, examples, names, logits)
    tokenizer = load_tokenizer(encoder_source(job.settings.model.encoder))
    save_classifier(model, job.run.model_folder, tokenizer)
    job.run.update(metrics=figures)


def _forget(job: Job, replicate: Run, *parts: str) -> None:
    """Remove what only served to go on after a stop, in this order."""
    for part in parts:
        discard(replicate.private_folder / part)
    if replicate.path != job.run.path:
        discard(replicate.private_folder)


def _clear(replicate: Run) -> None:
    """Remove what an interrupted training left: a new one must not find its files."""
    for kind in ("dynamics", "minibatches", "heads", "checkpoints", "traces", "activations"):
        discard(getattr(replicate, f"{kind}_folder"))
