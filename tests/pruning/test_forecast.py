"""How long an experiment takes is judged by what models of the run took."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.pruning.experiment import Experiment, Outcome
from influence_core.pruning.forecast import (
    PROBES_TOGETHER,
    forecast,
    guess,
    optimisation_steps,
)
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


def test_without_an_experiment_the_run_itself_gives_a_guess(small_run: Run) -> None:
    manifest = small_run.manifest()
    stage = next(iter(manifest.stages.values()))
    training = manifest.settings.training.model_copy(
        update={"mode": "finetune", "epochs": 4, "seeds": 2, "batch_size": 50}
    )
    settings = manifest.settings.model_copy(update={"training": training})
    took = stage.model_copy(update={"seconds": 30.0})
    small_run.update(settings=settings, stages={"training 0": took, "training 1": took})
    rows = manifest.dataset.splits["train"]
    a_step = 60.0 / (-(-rows // 50) * 4 * 2)
    alike = SETTINGS.model_copy(update={"mode": "finetune"})
    assert guess(small_run, alike) == pytest.approx(a_step * optimisation_steps(small_run, alike))
    assert guess(small_run, SETTINGS) is None
    assert guess(small_run, alike.model_copy(update={"train_encoder": "other"})) is None


def test_many_probes_are_faster_than_the_one_of_the_run(small_run: Run) -> None:
    manifest = small_run.manifest()
    training = manifest.settings.training.model_copy(update={"mode": "probe"})
    small_run.update(settings=manifest.settings.model_copy(update={"training": training}))
    one = sum(took.seconds for name, took in manifest.stages.items() if name.startswith("training"))
    rows = manifest.dataset.splits["train"]
    steps = -(-rows // training.batch_size) * training.epochs * training.seeds
    models = one / steps * optimisation_steps(small_run, SETTINGS)
    assert guess(small_run, SETTINGS) == pytest.approx(models / PROBES_TOGETHER)
    assert guess(small_run, SETTINGS) < models


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
