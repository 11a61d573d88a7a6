"""How long an experiment will take, from what models of the same run took before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from influence_core.pruning.cells import cells, epochs_of, steps_of
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import Run
from influence_core.store.state import dataset_of
from influence_core.training.schedule import steps_in_epoch

PROBES_TOGETHER = 8.0
"""How much faster a probe of many is trained than the run's, which is watched as it learns."""


@dataclass(frozen=True)
class Forecast:
    """Seconds that the training of all models takes, and the experiment they are judged by."""

    seconds: float
    judged_by: str


def seconds_a_step(experiment: Experiment) -> float | None:
    """Return how long an optimisation step of one model took; None where none was trained."""
    outcomes = list(experiment.outcomes())
    steps = sum(one.steps for one in outcomes)
    return sum(one.seconds for one in outcomes) / steps if steps else None


def forecast(
    run: Run,
    settings: ExperimentSettings,
    speed: Callable[[Experiment], float | None] = seconds_a_step,
) -> Forecast | None:
    """Judge by the newest experiment of the run with the same mode and encoder.

    `speed` tells the seconds a step of an experiment. None where none trained a model: how fast
    this machine is on the run is not known then.
    """
    for experiment in Experiment.of(run):
        past = experiment.manifest().settings
        alike = (past.mode, past.train_encoder) == (settings.mode, settings.train_encoder)
        seconds = speed(experiment) if alike else None
        if seconds is not None:
            return Forecast(seconds * optimisation_steps(run, settings), experiment.name)
    return None


def guess(run: Run, settings: ExperimentSettings) -> float | None:
    """Guess the seconds that all models take from how fast the run itself was trained.

    Only models of the same kind say anything: None where the run was trained otherwise, or not.
    """
    manifest = run.manifest()
    training = manifest.settings.training
    spent = sum(
        took.seconds for name, took in manifest.stages.items() if name.split(" ")[0] == "training"
    )
    if settings.train_encoder or training.mode != settings.mode or not spent:
        return None
    rows = dataset_of(run).splits.get("train", 0)
    steps = steps_in_epoch(rows, training.batch_size) * training.epochs * training.seeds
    faster = PROBES_TOGETHER if settings.mode == "probe" else 1.0
    return spent / max(steps, 1) * optimisation_steps(run, settings) / faster


def optimisation_steps(run: Run, settings: ExperimentSettings) -> int:
    """Count the optimisation steps of all models of an experiment."""
    training = run.manifest().settings.training
    rows = dataset_of(run).splits.get("train", 0)
    epochs = epochs_of(settings, training, rows)
    kept = [round(rows * (1 - cell.fraction)) for cell in cells(settings)]
    return sum(steps_of(one, rows, settings, training.batch_size, epochs) for one in kept)
