"""How long an experiment takes is judged by what models of the run took."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.pruning.experiment import Experiment, Outcome
from influence_core.pruning.forecast import forecast, optimisation_steps
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import Run

SETTINGS = ExperimentSettings(
    scores=("vog",), strategies=("easy",), fractions=(0.5,), seeds=2, epochs=3
)


def test_equal_steps_cost_the_same_and_equal_epochs_less(small_run: Run) -> None:
    rows = small_run.manifest().dataset.splits["train"]
    batch = small_run.manifest().settings.training.batch_size
    whole, half = -(-rows // batch), -(-round(rows / 2) // batch)
    assert optimisation_steps(small_run, SETTINGS) == 4 * 3 * whole
    by_epochs = SETTINGS.model_copy(update={"equal": "epochs"})
    assert optimisation_steps(small_run, by_epochs) == 2 * 3 * (whole + half)


def test_the_newest_experiment_alike_tells_the_speed(small_run: Run) -> None:
    assert forecast(small_run, SETTINGS) is None
    before = Experiment.create(small_run, "before", SETTINGS)
    assert forecast(small_run, SETTINGS) is None
    for cell, seconds in zip(before.cells(), (4.0, 8.0), strict=False):
        before.keep(Outcome(cell, 10, 6, seconds, np.zeros(3, np.int32)))
    judged = forecast(small_run, SETTINGS)
    assert judged.judged_by == "before"
    assert judged.seconds == pytest.approx(1.0 * optimisation_steps(small_run, SETTINGS))
    assert forecast(small_run, SETTINGS.model_copy(update={"mode": "finetune"})) is None
