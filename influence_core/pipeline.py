"""From a source to scores: does the stages in order and goes on where it was stopped."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from influence_core import ranks
from influence_core.config import ComputeSettings, DataSettings, ImportSettings, RunSettings
from influence_core.errors import (
    ConfigError,
    DataError,
    RunError,
    rule,
)
from influence_core.pools import require_backend
from influence_core.progress import Listener, Progress
from influence_core.scores.registry import resolve
from influence_core.stages.job import Job, Step
from influence_core.stages.plan import plan
from influence_core.stages.replay import check_replay, for_checkpoints, plan_replay
from influence_core.stages.training import train_along
from influence_core.store import names
from influence_core.store.run import (
    Run,
    Stage,
    create_run,
    list_runs,
    open_run,
)
from influence_core.store.workplace import now
from influence_core.working import full_disk_told, working

_LIBRARIES = ("influence-scope", "torch", "transformers", "datasets", "numpy", "pyarrow", "duckdb")


def run(
    source: str | None = None,
    *,
    name: str | None = None,
    settings: RunSettings | None = None,
    listeners: Iterable[Listener] = (),
    root: Path | None = None,
) -> Run:
    """Read labelled texts, train a classifier on them, and score every training row.

    Args:
        source: file, folder, Hub id or built-in set; overrides the one in `settings`.
        name: name of the run; made from the source by default.
        settings: everything else; defaults where it is left out.
        listeners: called with every progress event.
        root: folder of runs; `INFLUENCE_RUNS` or `./runs` by default.

    Returns:
        The finished run.

    Raises:
        InfluenceError: the input or a setting cannot be used. What was finished stays, and
            `resume` goes on from there.
    """
    if not ranks.leads():
        return follow()
    settings = settings or RunSettings()
    if source is not None:
        data = settings.data.model_copy(update={"source": source})
        settings = settings.model_copy(update={"data": data})
    check(settings)
    chosen = name if name is not None else free_name(settings.data, root)
    return _execute(create_run(chosen, settings, root), listeners)


def import_scores(
    source: str,
    path: str | Path,
    *,
    name: str | None = None,
    settings: ImportSettings | None = None,
    data: DataSettings | None = None,
    listeners: Iterable[Listener] = (),
    root: Path | None = None,
) -> Run:
    """Make a run of scores, training dynamics or probabilities that were computed elsewhere.

    Rows that no column gives a split are training rows: nothing is trained, so none is held out.

    Args:
        source: the labelled texts, as for `run`.
        path: a table of scores, a folder of cartography's training dynamics, or class
            probabilities of models that were not trained on the row (.npy or a table).
        name: name of the run; made from the source by default.
        settings: how the scores are read and joined; its `path` gives way to the argument.
        data: how the columns of the source are read; its `source` gives way to the argument.
        listeners: called with every progress event.
        root: folder of runs; `INFLUENCE_RUNS` or `./runs` by default.

    Raises:
        DataError: the files do not fit each other; it tells all problems, and there is no run.
    """
    from influence_core.exchange.importing import for_import

    given = settings.model_dump() if settings else {}
    imported = ImportSettings(**{**given, "path": str(path)})
    texts = (data or DataSettings()).model_copy(update={"source": source})
    wanted = for_import(texts, imported)
    check(wanted)
    run = create_run(name if name is not None else free_name(texts, root), wanted, root)
    try:
        return _execute(run, listeners)
    except (DataError, ConfigError):
        run.delete()
        raise


def resume(
    name: str,
    *,
    compute: ComputeSettings | None = None,
    listeners: Iterable[Listener] = (),
    root: Path | None = None,
) -> Run:
    """Go on with a run that was stopped, or start one that was only created.

    A complete run is returned as it is. `compute` divides the work anew; as before by default.

    Raises:
        RunNotFound: there is no such run.
        RunBusy: another process works on it.
    """
    if not ranks.leads():
        return follow()
    return _execute(open_run(name, root), listeners, compute)


def score_checkpoints(
    checkpoints: str | Path | Sequence[str | Path],
    source: str,
    *,
    tokenizer: str | Path | None = None,
    learning_rate: float | None = None,
    name: str | None = None,
    settings: RunSettings | None = None,
    listeners: Iterable[Listener] = (),
    root: Path | None = None,
) -> Run:
    """Score labelled texts with checkpoints of a classifier that was trained elsewhere.

    Each checkpoint is one snapshot of the dynamics, by a forward pass over the training rows; then
    come the trace and the scores. Rows whose split is not given are all training rows. Checkpoints
    that are not known to be ends of epochs stand for one epoch each, in their order.

    Args:
        checkpoints: folders that `save_pretrained` or the Trainer wrote, in the order of training,
            or a folder of such folders, taken in the order of their step numbers.
        source: file, folder, Hub id or built-in set with the texts the model was trained on.
        tokenizer: folder or Hub id; by default with the last checkpoint, or beside them all.
        learning_rate: what TracIn multiplies by; by default the mean of what the Trainer logged,
            or 1e-4. It changes no rank.
        name: name of the run; made from the source by default.
        settings: data, scoring, precision; defaults where it is left out.
        listeners: called with every progress event.
        root: folder of runs; `INFLUENCE_RUNS` or `./runs` by default.

    Raises:
        ModelError: a checkpoint is no safe one, they differ, or there is no tokenizer.
        DataError: the data has labels that the model does not know, or cannot be used.
    """
    if not ranks.leads():
        return follow()
    named = [checkpoints] if isinstance(checkpoints, str | Path) else checkpoints
    whole = for_checkpoints(
        settings or RunSettings(), source, tuple(map(str, named)), tokenizer, learning_rate
    )
    check(whole)
    chosen = name if name is not None else free_name(whole.data, root)
    return _execute(create_run(chosen, whole, root), listeners)


def follow() -> Run:
    """Train with the leading process of a distributed launch, and return the run it made.

    Raises:
        RunError: the leader is gone, or this process could not train.
    """
    for order in ranks.orders():
        run = Run(order.run)
        if order.seed is not None:
            _train_along(run, order.seed)
    return run


def _train_along(run: Run, seed: int) -> None:
    try:
        train_along(run, seed)
    except RuntimeError as error:
        raise RunError(f"A process that trained along stopped: {error}") from error


def check(settings: RunSettings) -> None:
    """Refuse settings that could only fail later.

    Raises:
        ConfigError: the batch cannot be divided evenly among the processes, or the backend is
            not installed.
        ScoreError: a score is unknown.
        ModelError: the encoder is no usable folder, and no model that the Hub has; or checkpoints
            cannot be scored with.
        DataError: there is nothing to import.
    """
    if settings.imported is not None:
        from influence_core.exchange.importing import check as check_import

        check_import(settings.imported)
        return
    from influence_core.model.encoder import encoder_source, require_configuration

    require_backend(settings.compute)
    if settings.checkpoints is not None:
        check_replay(settings)
        return
    resolve(settings.scoring.scores, settings.training.mode)
    processes, batch_size = ranks.world_size(), settings.training.batch_size
    if settings.training.mode == "finetune" and batch_size % processes:
        raise ConfigError(
            rule("batch_size", f"be a multiple of {processes}, the number of processes", batch_size)
        )
    require_configuration(encoder_source(settings.model.encoder))


def free_name(data: DataSettings, root: Path | None = None) -> str:
    """Make a name out of the source and the label column that no run has yet."""
    stem = Path(next(iter(names.named(data.source)), "")).stem or "run"
    taken = {present.name for present in list_runs(root)}
    return names.free_name(taken, *filter(None, (stem, data.label)))


def _execute(
    run: Run, listeners: Iterable[Listener], compute: ComputeSettings | None = None
) -> Run:
    with ranks.leading(run.path), working(run, listeners, versions=_versions()) as progress:
        manifest = run.manifest()
        if manifest.status == "complete":
            return run
        settings = manifest.settings
        if compute is not None:
            settings = settings.model_copy(update={"compute": compute})
            run.update(settings=settings)
        job = Job(run, settings, progress)
        check(settings)
        for step in plan_replay(job) if settings.checkpoints else plan(job):
            progress.enter(step.name)
            _take(step, run, progress)
    return run


def _take(step: Step, run: Run, progress: Progress) -> None:
    """Do one stage unless it is done, and remember how long it took."""
    if step.name in run.manifest().stages:
        return
    if step.loads:
        progress.load(f"Loading {step.loads}")
    began = time.perf_counter()
    with full_disk_told(run):
        step.work()
    stage = Stage(
        seconds=round(time.perf_counter() - began, 3),
        finished=now(),
        peak_memory_mb=_peak_memory_mb(),
    )
    run.update(stages={**run.manifest().stages, step.name: stage})


def _peak_memory_mb() -> float | None:
    """Return the most memory this process has held so far."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def _versions() -> dict[str, str]:
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = "unknown"
    return found
