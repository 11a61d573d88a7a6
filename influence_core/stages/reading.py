"""Stages that read: data, imported files, tokens, features."""

from __future__ import annotations

from influence_core.config import RunSettings
from influence_core.errors import DataError, ScoreError
from influence_core.stages.job import Job, tokens_folder
from influence_core.store.run import DatasetSummary
from influence_core.store.state import dataset_of

MIN_STEPS_OF_VOG = 2


def load_data(job: Job) -> None:
    """Source → `examples.parquet`, with the validation report in the manifest."""
    from influence_core import data

    try:
        summary = data.load(job.settings.data, job.run, job.progress)
    except DataError as error:
        job.run.update(notes=tuple(finding.message for finding in error.findings))
        raise
    job.run.update(dataset=summary)
    for finding in summary.findings:
        job.progress.message(finding.message)
    _check_steps(job.settings, summary)


def _check_steps(settings: RunSettings, dataset: DatasetSummary) -> None:
    """Refuse VoG where training has a single step: one checkpoint has no variance."""
    from influence_core.training.schedule import steps_in_epoch

    training = settings.training
    steps = steps_in_epoch(dataset.splits["train"], training.batch_size) * training.epochs
    wanted = settings.imported is None and "vog" in settings.scoring.scores
    if wanted and steps < MIN_STEPS_OF_VOG:
        raise ScoreError(
            f"VoG needs checkpoints of {MIN_STEPS_OF_VOG} optimisation steps or more; this "
            f"training has {steps}. Lower the batch size or raise the number of epochs."
        )


def import_files(job: Job) -> None:
    """What was computed elsewhere → `scores.parquet`, and `dynamics/` or predictions."""
    from influence_core.exchange.importing import bring_in

    bring_in(job.run, job.progress)


def tokenize_texts(job: Job) -> None:
    """Examples → token ids, and findings about unknown and cut tokens."""
    from influence_core.model.classifier import token_limit
    from influence_core.model.encoder import load_tokenizer
    from influence_core.model.tokens import tokenize

    tokenizer = load_tokenizer(_tokenizer_source(job.settings))
    limit = token_limit(job.settings.model)
    folder = tokens_folder(job.run)
    found = tokenize(job.run.examples_file, tokenizer, limit, folder, job.progress)
    summary = dataset_of(job.run)
    fresh = {finding.check for finding in found}
    earlier = (finding for finding in summary.findings if finding.check not in fresh)
    findings = (*earlier, *found)
    job.run.update(dataset=summary.model_copy(update={"findings": findings}))
    for finding in found:
        job.progress.message(finding.message)


def encode_texts(job: Job) -> None:
    """Token ids → pooled features of the encoder before it has seen a label."""
    from influence_core.training.untuned import untuned_file, write_untuned

    model, precision = job.settings.model, job.settings.training.precision
    path = untuned_file(job.run)
    write_untuned(model, tokens_folder(job.run), path, precision, job.progress)


def _tokenizer_source(settings: RunSettings) -> str:
    from influence_core.model.encoder import encoder_source

    named = settings.checkpoints and settings.checkpoints.tokenizer
    return named or encoder_source(settings.model.encoder)
