"""The order of the stages: each reads the files before it and writes its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from influence_core.stages.job import (
    ENCODER,
    MODEL,
    TOKENIZER,
    Job,
    Step,
    keeps_activations,
    replicates,
)
from influence_core.stages.reading import encode_texts, import_files, load_data, tokenize_texts
from influence_core.stages.tracing import (
    compute_scores,
    drop_checkpoints,
    keep_activations,
    trace_checkpoints,
    trace_heads,
)
from influence_core.stages.training import (
    judge_out_of_fold,
    train_head,
    train_on_nothing,
    train_whole,
)
from influence_core.store.run import Run


def plan(job: Job) -> Iterator[Step]:
    """List the stages of a run in their order; every seed is trained and traced on its own."""
    if job.settings.imported is not None:
        yield Step("data", lambda: load_data(job))
        yield Step("import", lambda: import_files(job))
        return
    probe = job.settings.training.mode == "probe"
    yield Step("data", lambda: load_data(job))
    yield Step("tokens", lambda: tokenize_texts(job), TOKENIZER)
    if probe:
        yield Step("features", lambda: encode_texts(job), ENCODER)
    elif job.settings.scoring.needs_folds:
        yield Step("frozen features", lambda: encode_texts(job), ENCODER)
    train, follow = (train_head, trace_heads) if probe else (train_whole, trace_checkpoints)
    for seed, replicate in replicates(job).items():
        suffix = "" if replicate.path == job.run.path else f" ({replicate.name})"
        yield Step(f"training{suffix}", _bound(train, job, replicate, seed), MODEL)
        yield Step(f"trace{suffix}", _bound(follow, job, replicate, seed))
        if job.settings.scoring.needs_null:
            yield Step(f"null model{suffix}", _bound(train_on_nothing, job, replicate, seed))
        if job.settings.scoring.needs_folds:
            yield Step(f"out of fold{suffix}", _bound(judge_out_of_fold, job, replicate, seed))
        if keeps_activations(job, replicate):
            yield Step("activations", lambda: keep_activations(job))
        if not probe and not job.settings.training.keep_checkpoints:
            yield Step(f"cleanup{suffix}", _bound(drop_checkpoints, job, replicate, seed))
    yield Step("scores", lambda: compute_scores(job))


def _bound(
    work: Callable[[Job, Run, int], None], job: Job, replicate: Run, seed: int
) -> Callable[[], None]:
    return lambda: work(job, replicate, seed)
