"""The stages of a run: each reads the files before it and writes its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from influence_core import ranks
from influence_core.config import RunSettings
from influence_core.errors import DataError, RunError, ScoreError
from influence_core.progress import Progress, silent
from influence_core.scores.registry import resolve
from influence_core.store.files import discard
from influence_core.store.run import DatasetSummary, Run

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

    from influence_core.model.classifier import TextClassifier
    from influence_core.model.tokens import TokenStore
    from influence_core.scores.trace import Plan
    from influence_core.training.outlook import Examples

    Logits = Iterable[tuple[npt.NDArray[np.int64], torch.Tensor]]


MIN_STEPS_OF_VOG = 2


@dataclass(frozen=True)
class Job:
    """What every stage is given."""

    run: Run
    settings: RunSettings
    progress: Progress


@dataclass(frozen=True)
class Step:
    """A stage under the name by which the manifest remembers it."""

    name: str
    work: Callable[[], None]


def plan(job: Job) -> Iterator[Step]:
    """List the stages of a run in their order; every seed is trained and traced on its own."""
    if job.settings.imported is not None:
        yield Step("data", lambda: load_data(job))
        yield Step("import", lambda: import_files(job))
        return
    probe = job.settings.training.mode == "probe"
    yield Step("data", lambda: load_data(job))
    yield Step("tokens", lambda: tokenize_texts(job))
    if probe:
        yield Step("features", lambda: encode_texts(job))
    elif job.settings.scoring.needs_folds:
        yield Step("frozen features", lambda: encode_texts(job))
    train, follow = (train_head, trace_heads) if probe else (train_whole, trace_checkpoints)
    for seed, replicate in replicates(job).items():
        suffix = "" if replicate.path == job.run.path else f" ({replicate.name})"
        yield Step(f"training{suffix}", _bound(train, job, replicate, seed))
        yield Step(f"trace{suffix}", _bound(follow, job, replicate, seed))
        if job.settings.scoring.needs_null:
            yield Step(f"null model{suffix}", _bound(train_on_nothing, job, replicate, seed))
        if job.settings.scoring.needs_folds:
            yield Step(f"out of fold{suffix}", _bound(judge_out_of_fold, job, replicate, seed))
        if _keeps_activations(job, replicate):
            yield Step("activations", lambda: keep_activations(job))
        if not probe and not job.settings.training.keep_checkpoints:
            yield Step(f"cleanup{suffix}", _bound(drop_checkpoints, job, replicate, seed))
    yield Step("scores", lambda: compute_scores(job))


def replicates(job: Job) -> dict[int, Run]:
    """Map every seed to the folder of its artefacts: the first is the run's own."""
    first, count = job.settings.training.seed, job.settings.training.seeds
    folders = {first: job.run}
    for seed in range(first + 1, first + count):
        folders[seed] = Run(job.run.replicates_folder / f"seed-{seed}")
    return folders


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
    folder = _tokens_folder(job.run)
    found = tokenize(job.run.examples_file, tokenizer, limit, folder, job.progress)
    summary = _dataset(job)
    fresh = {finding.check for finding in found}
    earlier = (finding for finding in summary.findings if finding.check not in fresh)
    findings = (*earlier, *found)
    job.run.update(dataset=summary.model_copy(update={"findings": findings}))
    for finding in found:
        job.progress.message(finding.message)


def encode_texts(job: Job) -> None:
    """Token ids → pooled features of the encoder before it has seen a label."""
    from influence_core.training.passes import write_features

    model = _classifier(job, job.settings.training.seed)
    precision = job.settings.training.precision
    write_features(model, _tokens(job), _untuned_file(job), precision, job.progress)


def train_head(job: Job, replicate: Run, seed: int) -> None:
    """Features → a trained head, its checkpoints, dynamics, predictions."""
    import numpy as np

    from influence_core.training.probe import head_logits, train_probe

    _clear(replicate)
    model, examples = _classifier(job, seed), _examples(job)
    features = np.load(job.run.embeddings_file, mmap_mode="r")
    settings = job.settings.training
    train_probe(model, features, examples, settings, seed, replicate, job.progress)
    if replicate.path == job.run.path:
        every = np.arange(len(examples.ids))
        _keep_model(job, model, examples, head_logits(model.head, features, every))


def train_whole(job: Job, replicate: Run, seed: int) -> None:
    """Token ids → a fine-tuned classifier, its checkpoints, dynamics, predictions, features."""
    import numpy as np

    from influence_core.scores.trace import check_traceable
    from influence_core.training.finetune import train_finetune
    from influence_core.training.passes import write_features
    from influence_core.training.probe import head_logits

    model, examples, tokens = _classifier(job, seed), _examples(job), _tokens(job)
    settings, needed = job.settings.training, _trace_plan(job)
    if needed is not None:
        note = check_traceable(model, needed, job.settings.scoring)
        if note:
            job.progress.message(note)
    if not (replicate.private_folder / "trainer").exists():
        _clear(replicate)
    ranks.send(ranks.Order(job.run.path, seed))
    train_finetune(model, tokens, examples, settings, seed, replicate, job.progress)
    if replicate.path == job.run.path:
        write_features(model, tokens, job.run.embeddings_file, settings.precision, job.progress)
        features = np.load(job.run.embeddings_file, mmap_mode="r")
        _keep_model(job, model, examples, head_logits(model.head, features, np.arange(len(tokens))))
    discard(replicate.private_folder / "trainer")


def train_along(run: Run, seed: int) -> None:
    """Train with the leading process, on the files it wrote, and keep nothing."""
    from influence_core.training.finetune import train_finetune

    job = Job(run, run.manifest().settings, silent())
    model, replicate = _classifier(job, seed), replicates(job)[seed]
    settings = job.settings.training
    train_finetune(model, _tokens(job), _examples(job), settings, seed, replicate, job.progress)


def trace_heads(job: Job, replicate: Run, seed: int) -> None:
    """Heads and features → traces."""
    import numpy as np

    from influence_core.scores.probe_trace import trace_probe

    heads = sorted(replicate.heads_folder.glob("step-*.safetensors"))
    needed, examples = _trace_plan(job, heads), _examples(job)
    if needed is None:
        return
    trace_probe(
        head=_classifier(job, seed).head,
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
    from influence_core.scores.trace import trace

    checkpoints = sorted(replicate.checkpoints_folder.glob("step-*"))
    needed, examples = _trace_plan(job, checkpoints), _examples(job)
    if needed is not None:
        needed = replace(needed, head_inputs=_keeps_activations(job, replicate))
        trace(
            checkpoints=checkpoints,
            tokens=_tokens(job),
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

    from influence_core.scores import activations as kept

    run, training, examples = job.run, job.settings.training, _examples(job)
    rows, everything = examples.train_rows, training.keep_activations == "all"
    job.progress.begin("activations", len(rows) * training.checkpoints, "rows × checkpoints")
    if training.mode == "probe":
        features = np.load(run.embeddings_file, mmap_mode="r")
        kept.keep_probed(run, features, rows, job.progress)
    elif _trace_plan(job) is not None:
        kept.keep_traced(run, rows, job.progress)
    elif everything:
        folder = run.activations_folder
        kept.keep_passed(run, _tokens(job), rows, folder, training.precision, job.progress)
    held_out = np.flatnonzero(examples.splits != "train")
    if training.mode == "finetune" and everything and len(held_out):
        folder = run.activations_folder / kept.HELD_OUT
        kept.keep_passed(run, _tokens(job), held_out, folder, training.precision, job.progress)
    job.progress.end()


def train_on_nothing(job: Job, replicate: Run, seed: int) -> None:
    """Labels without their texts → `null.parquet`."""
    from influence_core.training.null import write_null

    model, examples, dataset = _classifier(job, seed), _examples(job), _dataset(job)
    write_null(model, examples, dataset, job.settings, seed, replicate, job.progress)


def judge_out_of_fold(job: Job, replicate: Run, seed: int) -> None:
    """Features of the untuned encoder → what heads say of rows they did not learn from."""
    import numpy as np

    from influence_core.training.folds import read_units, write_out_of_fold

    dataset, features = _dataset(job), np.load(_untuned_file(job), mmap_mode="r")
    units = read_units(job.run, dataset.group)
    classes = len(dataset.label_names)
    write_out_of_fold(
        features, _examples(job), units, classes, job.settings, seed, replicate, job.progress
    )


def drop_checkpoints(job: Job, replicate: Run, seed: int) -> None:
    """Remove the checkpoints, which nothing reads once the trace is remembered as done."""
    discard(replicate.checkpoints_folder)


def compute_scores(job: Job) -> None:
    """Traces, dynamics and what was held out → `scores.parquet` and `agreement.json`."""
    from influence_core.scores.agreement import write_agreement
    from influence_core.scores.table import write_scores

    specs = resolve(job.settings.scoring.scores, job.settings.training.mode)
    folders = list(replicates(job).values())
    write_scores(job.run, folders, _examples(job), specs, job.settings.scoring, job.progress)
    write_agreement(job.run, job.settings.scoring.hardest_fraction)
    job.run.update(scores=tuple(spec.key for spec in specs))


def _trace_plan(job: Job, checkpoints: Sequence[Path] = ()) -> Plan | None:
    """Say what the trace of checkpoints must compute for the scores asked for; None for nothing."""
    from influence_core.scores.trace import Plan
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


def _keeps_activations(job: Job, replicate: Run) -> bool:
    trained_here = replicate.path == job.run.path and job.settings.checkpoints is None
    return trained_here and job.settings.training.keep_activations != "none"


def _untuned_file(job: Job) -> Path:
    probe = job.settings.training.mode == "probe"
    return job.run.embeddings_file if probe else job.run.private_folder / "untuned.npy"


def _keep_model(job: Job, model: TextClassifier, examples: Examples, logits: Logits) -> None:
    from influence_core.model.encoder import encoder_source, load_tokenizer, quietly
    from influence_core.store.files import atomic
    from influence_core.training.outlook import write_predictions

    names = _dataset(job).label_names
    figures = write_predictions(job.run, examples, names, logits)
    with atomic(job.run.model_folder) as partial, quietly():
        model.save_pretrained(partial)
        load_tokenizer(encoder_source(job.settings.model.encoder)).save_pretrained(partial)
    job.run.update(metrics=figures)


def _classifier(job: Job, seed: int) -> TextClassifier:
    from influence_core.model.classifier import build_classifier

    return build_classifier(job.settings.model, _dataset(job).label_names, seed)


def _examples(job: Job) -> Examples:
    from influence_core.training.outlook import read_examples

    return read_examples(job.run, _dataset(job).label_names)


def _tokens(job: Job) -> TokenStore:
    from influence_core.model.tokens import open_tokens

    return open_tokens(_tokens_folder(job.run))


def _tokenizer_source(settings: RunSettings) -> str:
    from influence_core.model.encoder import encoder_source

    named = settings.checkpoints and settings.checkpoints.tokenizer
    return named or encoder_source(settings.model.encoder)


def _tokens_folder(run: Run) -> Path:
    return run.private_folder / "tokens"


def _dataset(job: Job) -> DatasetSummary:
    dataset = job.run.manifest().dataset
    if dataset is None:
        raise RunError(f"Run {job.run.name!r} has no examples yet; resume it.")
    return dataset


def _clear(replicate: Run) -> None:
    """Remove what an interrupted training left: a new one must not find its files."""
    for kind in ("dynamics", "heads", "checkpoints", "traces", "activations"):
        discard(getattr(replicate, f"{kind}_folder"))


def _bound(
    work: Callable[[Job, Run, int], None], job: Job, replicate: Run, seed: int
) -> Callable[[], None]:
    return lambda: work(job, replicate, seed)
