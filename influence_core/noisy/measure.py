"""The experiment on noisy data, from its settings to what every share of wrong labels did."""

from __future__ import annotations

from collections.abc import Iterable

from influence_core.config import ONE_PROCESS, ComputeSettings
from influence_core.errors import ConfigError, rule
from influence_core.noise.evidence import Evidence
from influence_core.noise.flipping import draw, require_unflipped
from influence_core.noisy.copies import CopyWork
from influence_core.noisy.experiment import NoisyExperiment
from influence_core.noisy.figures import write_tables
from influence_core.noisy.settings import NoisySettings
from influence_core.pools import require_backend
from influence_core.progress import Listener, Progress
from influence_core.pruning.material import Material, material_of, prepare
from influence_core.scores.registry import resolve
from influence_core.store.run import Run
from influence_core.store.state import require_finished
from influence_core.training.untuned import write_untuned
from influence_core.working import completed


def noisy(
    run: Run,
    settings: NoisySettings | None = None,
    *,
    name: str | None = None,
    compute: ComputeSettings = ONE_PROCESS,
    listeners: Iterable[Listener] = (),
) -> NoisyExperiment:
    """Prune data with wrong labels by scores that were computed on it: the paper's experiment.

    For each share of noise, labels of the training rows are drawn anew, a run on them computes the
    scores, models are trained on what different ways of pruning leave and judged on the test rows,
    whose labels stay right, and the top of every score is compared with the wrong labels.

    Args:
        run: a run with test rows; its data, its model and its settings are taken.
        settings: shares of noise, what is pruned, and how models train.
        name: name of the experiment; `noisy`, with a number if need be, by default.
        compute: how traces and fine-tuned models are divided among processes.
        listeners: called with every progress event.

    Raises:
        InfluenceError: a setting cannot be used. What was finished stays, and `resume_noisy` goes
            on from there.

    Source: Anand, Tan, Minakova: Influence Scores at Scale for Efficient Language Data Sampling.
    EMNLP 2023.
    """
    experiment = plan_noisy(run, settings, name=name, compute=compute)
    return resume_noisy(experiment, listeners=listeners)


def plan_noisy(
    run: Run,
    settings: NoisySettings | None = None,
    *,
    name: str | None = None,
    compute: ComputeSettings = ONE_PROCESS,
) -> NoisyExperiment:
    """Check an experiment and make its folder, for `resume_noisy` to begin.

    Raises:
        ScoreError: a score is unknown, or the mode cannot compute it.
        RunError: the run is not finished, has no test rows, or has a noisy experiment of that name.
        ConfigError: the backend is not installed, or no label would be wrong.
        DataError: the run's labels were flipped before, or it has one class only.
    """
    settings = settings or NoisySettings()
    require_finished(run)
    require_backend(compute)
    resolve(settings.scores, settings.mode)
    material_of(run, settings.pruning, run.private_folder)
    _check_flips(run, settings)
    return NoisyExperiment.create(run, name, settings, compute)


def resume_noisy(
    experiment: NoisyExperiment,
    *,
    compute: ComputeSettings | None = None,
    listeners: Iterable[Listener] = (),
) -> NoisyExperiment:
    """Go on with an experiment that was stopped, or begin one that was only planned.

    What is there stays as it is; a complete experiment is returned as it is.

    Raises:
        RunBusy: another process works on it.
    """
    return completed(experiment, _do, compute, listeners)


def _do(experiment: NoisyExperiment, compute: ComputeSettings, progress: Progress) -> None:
    pruning = experiment.manifest().settings.pruning
    lent = material_of(experiment.run, pruning, experiment.private_folder)
    experiment.update(compute=compute, **lent.facts)
    _encode(lent, progress)
    for copy in experiment.copies():
        CopyWork(copy, lent, compute, progress).do()
        experiment.update()
        write_tables(experiment)


def _encode(lent: Material, progress: Progress) -> None:
    """Write once what depends on the texts alone, unless it is there.

    Features of the encoder before it saw a label are wanted after fine-tuning too: by detectors.
    """
    prepare(lent, progress)
    if not lent.features_file.exists():
        precision = lent.training.precision
        write_untuned(lent.model, lent.tokens_folder, lent.features_file, precision, progress)


def _check_flips(run: Run, settings: NoisySettings) -> None:
    """Refuse data in which the smallest share would make no label wrong."""
    require_unflipped(run)
    smallest = min(settings.shares)
    if not len(draw(Evidence(run), settings.flips(smallest)).wrong):
        raise ConfigError(rule("shares", "make the label of one row wrong", smallest))
