"""Stages that look back: traces, activations, scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from influence_core.scores.registry import resolve
from influence_core.stages.job import (
    Job,
    examples_of,
    fresh_classifier,
    keeps_activations,
    replicates,
    tokens_of,
)
from influence_core.store.files import discard
from influence_core.store.run import Run

if TYPE_CHECKING:
    from influence_core.scores.gradients.trace import Plan


def trace_plan(job: Job, checkpoints: Sequence[Path] = ()) -> Plan | None:
    """Say what the trace of checkpoints must compute for the scores asked for; None for nothing."""
    from influence_core.scores.gradients.trace import Plan
    from influence_core.training.schedule import nearest_checkpoint

    keys, epoch = set(job.settings.scoring.scores), job.settings.scoring.grand_epoch
    training = job.settings.training
    at_head = training.mode == "probe" or job.settings.scoring.tracin_layer == "head"
    needed = Plan(
        vog="vog" in keys,
        tracin="tracin" in keys,
        learning_rate=training.head_lr if at_head else training.encoder_lr,
        head_learning_rate=training.head_lr,
        grand=nearest_checkpoint(checkpoints, epoch, training.epochs) if "grand" in keys else None,
    )
    return needed if keys & {"vog", "tracin", "grand"} else None


def trace_heads(job: Job, replicate: Run, seed: int) -> None:
    """Heads and features → traces."""
    import numpy as np

    from influence_core.scores.gradients.probe_trace import trace_probe

    heads = sorted(replicate.heads_folder.glob("step-*.safetensors"))
    needed, examples = trace_plan(job, heads), examples_of(job)
    if needed is None:
        return
    trace_probe(
        head=fresh_classifier(job, seed).head,
        heads=heads,
        features=np.load(job.run.embeddings_file, mmap_mode="r"),
        rows=examples.train_rows,
        labels=examples.labels,
        folder=replicate.traces_folder,
        plan=needed,
        settings=job.settings.scoring,
        progress=job.progress,
        compute=job.settings.compute,
    )


def trace_checkpoints(job: Job, replicate: Run, seed: int) -> None:
    """Checkpoints and token ids → traces."""
    from influence_core.scores.gradients.trace import trace

    checkpoints = sorted(replicate.checkpoints_folder.glob("step-*"))
    needed, examples = trace_plan(job, checkpoints), examples_of(job)
    if needed is not None:
        explained = keeps_activations(job, replicate) and replicate.heads_folder.is_dir()
        needed = replace(needed, head_inputs=explained)
        trace(
            checkpoints=checkpoints,
            tokens=tokens_of(job),
            rows=examples.train_rows,
            labels=examples.labels,
            folder=replicate.traces_folder,
            plan=needed,
            settings=job.settings.scoring,
            precision=job.settings.training.precision,
            progress=job.progress,
            compute=job.settings.compute,
        )


def keep_activations(job: Job) -> None:
    """Heads, with features, what the trace caught, or checkpoints → inputs of the last layer."""
    import numpy as np

    from influence_core.scores.pairwise import activations as kept

    run, training, examples = job.run, job.settings.training, examples_of(job)
    rows, everything = examples.train_rows, training.keep_activations == "all"
    heads = len(list(run.heads_folder.glob("step-*")))
    job.progress.begin("activations", len(rows) * heads, "rows × checkpoints")
    if training.mode == "probe":
        features = np.load(run.embeddings_file, mmap_mode="r")
        kept.keep_probed(run, features, rows, job.progress)
    elif trace_plan(job) is not None:
        kept.keep_traced(run, rows, job.progress)
    elif everything:
        folder = run.activations_folder
        kept.keep_passed(run, tokens_of(job), rows, folder, training.precision, job.progress)
    held_out = np.flatnonzero(examples.splits != "train")
    if training.mode == "finetune" and everything and len(held_out):
        folder = run.activations_folder / kept.HELD_OUT
        kept.keep_passed(run, tokens_of(job), held_out, folder, training.precision, job.progress)
    job.progress.end()


def drop_checkpoints(job: Job, replicate: Run, seed: int) -> None:
    """Remove the checkpoints, which nothing reads once the trace is remembered as done."""
    discard(replicate.checkpoints_folder)


def compute_scores(job: Job) -> None:
    """Traces, dynamics and what was held out → `scores.parquet` and `agreement.json`."""
    from influence_core.scores.agreement import write_agreement
    from influence_core.scores.table import write_scores

    specs = resolve(job.settings.scoring.scores, job.settings.training.mode)
    folders = list(replicates(job).values())
    write_scores(job.run, folders, examples_of(job), specs, job.settings.scoring, job.progress)
    write_agreement(job.run, job.settings.scoring.hardest_fraction)
    job.run.update(scores=tuple(spec.key for spec in specs))
