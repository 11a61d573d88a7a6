"""A pruning experiment from its settings to the outcome of every cell."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from influence_core.config import ONE_PROCESS, ComputeSettings
from influence_core.errors import SelectionError, rule
from influence_core.model.encoder import (
    encoder_source,
    require_configuration,
    require_tokenizer,
)
from influence_core.parallel import spread
from influence_core.pools import require_backend
from influence_core.progress import Listener, Progress
from influence_core.pruning.assignments import Assignment, assignments, draw
from influence_core.pruning.cells import curves
from influence_core.pruning.experiment import Experiment, Outcome
from influence_core.pruning.material import Material, material_of, prepare
from influence_core.pruning.models import classifier_at_work, heads_at_work
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import Run
from influence_core.store.state import require_finished
from influence_core.working import completed


def prune(
    run: Run,
    settings: ExperimentSettings | None = None,
    *,
    name: str | None = None,
    compute: ComputeSettings = ONE_PROCESS,
    listeners: Iterable[Listener] = (),
) -> Experiment:
    """Train models on what different ways of pruning leave, and judge them on the test rows.

    Args:
        run: a finished run with scores and test rows.
        settings: scores, strategies, fractions, seeds, and how models train.
        name: name of the experiment; `pruning`, with a number if need be, by default.
        compute: how the cells are divided among processes.
        listeners: called with every progress event.

    Raises:
        InfluenceError: a setting cannot be used. What was finished stays, and `resume_pruning`
            goes on from there.
    """
    experiment = plan_pruning(run, settings, name=name, compute=compute)
    return resume_pruning(experiment, listeners=listeners)


def plan_pruning(
    run: Run,
    settings: ExperimentSettings | None = None,
    *,
    name: str | None = None,
    compute: ComputeSettings = ONE_PROCESS,
) -> Experiment:
    """Check an experiment and make its folder, for `resume_pruning` to begin.

    Raises:
        SelectionError: the run lacks a score, or too few rows would stay.
        RunError: the run is not finished, has no test rows, or has an experiment of that name.
        ConfigError: the backend is not installed.
        ModelError: the encoder to train is no usable folder, and no model that the Hub has.
    """
    settings = settings or ExperimentSettings()
    require_finished(run)
    if not settings.scores:
        settings = settings.model_copy(update={"scores": run.manifest().scores})
    _require_scores(run, settings)
    require_backend(compute)
    if settings.train_encoder is not None:
        _require_encoder(settings.train_encoder)
    draw(material_of(run, settings, run.private_folder))
    return Experiment.create(run, name, settings, compute)


def resume_pruning(
    experiment: Experiment,
    *,
    compute: ComputeSettings | None = None,
    listeners: Iterable[Listener] = (),
) -> Experiment:
    """Go on with an experiment that was stopped, or begin one that was only planned.

    Cells that are there stay as they are; a complete experiment is returned as it is.

    Raises:
        RunBusy: another process works on it.
    """
    return completed(experiment, _do, compute, listeners)


def _do(experiment: Experiment, compute: ComputeSettings, progress: Progress) -> None:
    settings = experiment.manifest().settings
    material = material_of(experiment.run, settings, experiment.private_folder)
    experiment.update(compute=compute, **material.facts)
    prepare(material, progress)
    _train(experiment, material, compute, progress)


def _require_scores(run: Run, settings: ExperimentSettings) -> None:
    """Refuse curves of scores that the run lacks, by the setting that names them."""
    scored = run.manifest().scores
    for curve in curves(settings):
        if curve.score is not None and curve.score not in scored:
            has = f"{', '.join(scored)}" if scored else "none yet"
            if settings.curves:
                raise SelectionError(
                    rule("curves", f"be of a score of the run ({has})", curve.name)
                )
            raise SelectionError(rule("scores", f"name scores of the run ({has})", curve.score))


def _require_encoder(name: str) -> None:
    """Refuse an encoder that could not be loaded, before anything is computed for it."""
    source = encoder_source(name, "train_encoder")
    require_configuration(source)
    require_tokenizer(source)


def _train(
    experiment: Experiment, material: Material, compute: ComputeSettings, progress: Progress
) -> None:
    missing = set(experiment.missing())
    todo = [piece for piece in assignments(material) if missing & set(piece.cells)]
    progress.begin("models", sum(piece.steps * len(piece.cells) for piece in todo), "steps")

    def keep(_: Assignment, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            experiment.keep(outcome)
        experiment.update()

    work = heads_at_work if material.training.mode == "probe" else classifier_at_work
    spread(todo, partial(work, material), keep, compute, progress, name=_title)
    progress.end()


def _title(piece: Assignment) -> str:
    return piece.title
