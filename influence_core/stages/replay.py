"""The stages of a run that scores with checkpoints of a training elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from influence_core.config import CheckpointSettings, RunSettings
from influence_core.errors import DataError, RunError, ScoreError
from influence_core.scores.registry import resolve
from influence_core.stages.job import (
    MODEL,
    TOKENIZER,
    Job,
    Step,
    examples_of,
    keeps_activations,
    tokens_of,
)
from influence_core.stages.reading import MIN_STEPS_OF_VOG, load_data, tokenize_texts
from influence_core.stages.tracing import (
    compute_scores,
    drop_checkpoints,
    keep_activations,
    trace_checkpoints,
)
from influence_core.store.files import discard
from influence_core.store.state import RECORDED, dataset_of

if TYPE_CHECKING:
    from influence_core.model.checkpoints import GivenCheckpoint
    from influence_core.store.run import Run
    from influence_core.training.replay import Replayer


def plan_replay(job: Job) -> Iterator[Step]:
    """List the stages of a run that scores with checkpoints which it did not train."""
    seed = job.settings.training.seed
    if given(job.settings).recorded:
        yield Step(RECORDED, lambda: _wait_for_training(job))
    else:
        yield Step("data", lambda: load_classed(job))
        yield Step("tokens", lambda: tokenize_texts(job), TOKENIZER)
        yield Step("snapshots", lambda: take_snapshots(job), MODEL)
    yield Step("outlook", lambda: look_out(job))
    yield Step("trace", lambda: trace_checkpoints(job, job.run, seed))
    if keeps_activations(job, job.run):
        yield Step("activations", lambda: keep_activations(job))
    if not job.settings.training.keep_checkpoints:
        yield Step("cleanup", lambda: drop_checkpoints(job, job.run, seed))
    yield Step("scores", lambda: compute_scores(job))


def for_checkpoints(
    settings: RunSettings,
    source: str,
    folders: tuple[str, ...],
    tokenizer: str | Path | None,
    learning_rate: float | None,
) -> RunSettings:
    """Complete the settings of a run over checkpoints that exist, by what lies beside them.

    Raises:
        ModelError: a folder is no safe checkpoint, they differ, or there is no tokenizer.
    """
    from influence_core.model.checkpoints import (
        find_checkpoints,
        find_tokenizer,
        logged_learning_rate,
    )

    found = find_checkpoints(folders)
    vocabulary = find_tokenizer(found, None if tokenizer is None else str(tokenizer))
    rate = learning_rate or logged_learning_rate(found) or settings.training.encoder_lr
    trained = {
        "mode": "finetune",
        "encoder_lr": rate,
        "head_lr": rate,
        # Within the bounds of what can be trained here: only their proportion is looked at.
        "checkpoints": min(max(len(found), 2), 100),
        "epochs": min(max(round(found[-1].epoch), 1), 1000),
    }
    whole = {"source": source, "validation_fraction": 0.0, "test_fraction": 0.0}
    return RunSettings(
        data=settings.data.model_copy(update=whole),
        model=settings.model.model_copy(update={"encoder": str(found[-1].folder)}),
        training=settings.training.model_copy(update=trained),
        scoring=settings.scoring,
        compute=settings.compute,
        checkpoints=CheckpointSettings(
            folders=tuple(str(one.folder) for one in found), tokenizer=vocabulary
        ),
    )


def given(settings: RunSettings) -> CheckpointSettings:
    """Return the checkpoints that a run was told of."""
    return settings.checkpoints or CheckpointSettings()


def check_replay(settings: RunSettings) -> None:
    """Refuse checkpoints that cannot be scored with, before anything is computed.

    Raises:
        ModelError: a folder is no safe checkpoint, they differ, or there is no tokenizer.
        ScoreError: a score is unknown, or needs more than these checkpoints give.
    """
    from influence_core.model.checkpoints import class_names, find_checkpoints, find_tokenizer

    specs = resolve(settings.scoring.scores, settings.training.mode)
    for spec in specs:
        if spec.needs not in ("trace", "dynamics"):
            raise ScoreError(f"Score {spec.key!r} needs a training; checkpoints do not suffice.")
    if settings.scoring.needs_null or settings.scoring.needs_folds:
        raise ScoreError(
            "PVI against a trained null model or out of fold needs a training; checkpoints do not "
            "suffice."
        )
    if given(settings).recorded:
        return
    if settings.scoring.needs_minibatches:
        raise ScoreError(
            "Forgetting over minibatches needs a training; checkpoints do not suffice."
        )
    checkpoints = find_checkpoints(given(settings).folders)
    find_tokenizer(checkpoints, given(settings).tokenizer)
    class_names(checkpoints[0].folder)
    if "vog" in {spec.key for spec in specs} and len(checkpoints) < MIN_STEPS_OF_VOG:
        raise ScoreError("VoG needs two checkpoints or more; name more, or leave it out.")


def load_classed(job: Job) -> None:
    """Source → `examples.parquet`, with the classes in the order of the model's outputs.

    Raises:
        DataError: the data has labels that the model does not know.
    """
    from influence_core.model.checkpoints import class_names

    load_data(job)
    dataset = dataset_of(job.run)
    names = ordered_as(class_names(_checkpoints(job)[0].folder), dataset.label_names)
    counts = {name: dataset.class_counts.get(name, 0) for name in names}
    job.run.update(
        dataset=dataset.model_copy(update={"label_names": names, "class_counts": counts})
    )


def ordered_as(outputs: tuple[str, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the name of every output in the data's own words.

    Labels that are numbers name the outputs by their place.

    >>> ordered_as(("no", "yes"), ("yes",))
    ('no', 'yes')
    >>> ordered_as(("no", "yes"), ("0", "1"))
    ('0', '1')

    Raises:
        DataError: a label is none of them.
    """
    if set(labels) <= set(outputs):
        return outputs
    places = tuple(map(str, range(len(outputs))))
    if set(labels) <= set(places):
        return places
    unknown = sorted(set(labels) - set(outputs))
    generic = all(re.fullmatch(r"LABEL_\d+", name) for name in outputs)
    remedy = (
        "Its configuration has no class names: set id2label and label2id and save it again, or "
        "give the labels as numbers"
        if generic
        else "Name the column with these labels as 'label', or rename them"
    )
    raise DataError(
        f"The model does not know {len(unknown)} of the labels: {', '.join(unknown[:5])}. Its "
        f"classes are {', '.join(outputs[:5])}{' …' if len(outputs) > 5 else ''}. {remedy}."
    )


def take_snapshots(job: Job) -> None:
    """Checkpoints and token ids → dynamics, by forward passes alone."""
    from influence_core.training.replay import Replayer, replay

    checkpoints = _checkpoints(job)
    replayer = Replayer(checkpoints[0].folder, tokens_of(job), job.settings.training.precision)
    replay(replayer, checkpoints, examples_of(job), job.run, job.progress)
    discard(job.run.checkpoints_folder)
    job.run.checkpoints_folder.mkdir()
    for checkpoint in checkpoints:
        link = job.run.checkpoints_folder / f"step-{checkpoint.step:06d}"
        link.symlink_to(checkpoint.folder, target_is_directory=True)


def look_out(job: Job) -> None:
    """The last checkpoint → the final model, its predictions, features of every row, all heads."""
    from influence_core.model.classifier import load_classifier, save_classifier
    from influence_core.model.encoder import load_tokenizer
    from influence_core.training.outlook import write_predictions
    from influence_core.training.replay import Replayer

    run, examples = job.run, examples_of(job)
    recorded = given(job.settings).recorded
    final = run.model_folder if recorded else _checkpoints(job)[-1].folder
    replayer = Replayer(final, tokens_of(job), job.settings.training.precision)
    replayer.load(final)
    everything = np.arange(len(examples.ids))
    job.progress.begin("outlook", len(everything))
    with replayer.head_tap as tap:
        logits = replayer.outlook(everything, run.embeddings_file, job.progress)
        figures = write_predictions(run, examples, dataset_of(run).label_names, logits)
    job.progress.end()
    run.update(metrics=figures)
    if tap.answers:
        _keep_heads(run, replayer)
    else:
        job.progress.message(
            "This model does something to what its last linear layer says, so that influence "
            "between examples cannot be told: `influence explain` will find no 'activations/'."
        )
    if not recorded:
        tokenizer = load_tokenizer(str(given(job.settings).tokenizer))
        save_classifier(load_classifier(final), run.model_folder, tokenizer)


def _keep_heads(run: Run, replayer: Replayer) -> None:
    for checkpoint in run.checkpoints_folder.glob("step-*"):
        replayer.write_head(checkpoint, run.heads_folder / f"{checkpoint.name}.safetensors")


def _wait_for_training(job: Job) -> None:
    raise RunError(
        f"Run {job.run.name!r} is written by a training with a recorder that has not ended; go on "
        "with its script, by `trainer.train(resume_from_checkpoint=True)`."
    )


def _checkpoints(job: Job) -> list[GivenCheckpoint]:
    from influence_core.model.checkpoints import find_checkpoints

    return find_checkpoints(given(job.settings).folders)
