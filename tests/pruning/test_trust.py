"""A probe that falls short of the run's classifier is said to be no guide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from influence_core.pruning.experiment import Experiment, Outcome
from influence_core.pruning.figures import Findings
from influence_core.pruning.settings import ExperimentSettings
from influence_core.pruning.trust import shortfall
from influence_core.store.run import Run
from tests.factory import make_run

SETTINGS = ExperimentSettings(strategies=("random",), fractions=(0.5,), seeds=1, epochs=1)


def experiment_with(run: Run, right: float, settings: ExperimentSettings = SETTINGS) -> Experiment:
    """Make an experiment whose unpruned model is right about that share of the test rows."""
    made = Experiment.create(run, None, settings)
    examples = run.examples(["label", "split"]).query("split == 'test'")
    names = list(run.manifest().dataset.label_names)
    truth = np.array([names.index(label) for label in examples["label"]], np.int32)
    wrong = (truth + 1) % len(names)
    said = np.where(np.arange(len(truth)) < round(right * len(truth)), truth, wrong)
    whole = next(cell for cell in made.cells() if cell.curve is None)
    made.keep(Outcome(whole, 10, 6, 1.0, said.astype(np.int32)))
    return made


@pytest.fixture
def tuned(tmp_path: Path) -> Run:
    """A fine-tuned run whose classifier is right about 90% of the test rows."""
    run = make_run(tmp_path, mode="finetune")
    metrics = run.manifest().metrics
    run.update(metrics={**metrics, "test": {**metrics["test"], "accuracy": 0.9}})
    return run


def test_a_probe_far_behind_is_doubted(tuned: Run) -> None:
    experiment = experiment_with(tuned, 0.5)
    found = shortfall(experiment, Findings(experiment))
    assert found is not None
    assert found.classifier == 0.9
    assert found.probe == pytest.approx(0.5, abs=0.02)
    assert "90.0%" in found.words


@pytest.mark.parametrize("right", [0.88, 1.0])
def test_a_probe_as_good_is_trusted(tuned: Run, right: float) -> None:
    experiment = experiment_with(tuned, right)
    assert shortfall(experiment, Findings(experiment)) is None


@pytest.mark.parametrize("change", [{"mode": "finetune"}, {"train_encoder": "another"}])
def test_other_models_are_not_compared(tuned: Run, change: dict[str, str]) -> None:
    experiment = experiment_with(tuned, 0.5, SETTINGS.model_copy(update=change))
    assert shortfall(experiment, Findings(experiment)) is None


def test_a_probed_run_says_nothing_of_fine_tuning(small_run: Run) -> None:
    experiment = experiment_with(small_run, 0.1)
    assert shortfall(experiment, Findings(experiment)) is None


def test_nothing_is_known_before_a_model_is_there(tuned: Run) -> None:
    experiment = Experiment.create(tuned, None, SETTINGS)
    assert shortfall(experiment, Findings(experiment)) is None
