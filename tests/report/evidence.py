"""A run with everything that a report can tell, without training anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from influence_core.noise.table import find_noise
from influence_core.pruning.experiment import Experiment, Outcome
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from tests.factory import make_run
from tests.reviewer import review_some

SETTINGS = ExperimentSettings(
    scores=("el2n",), strategies=("easy", "hard", "random"), fractions=(0.2, 0.5), seeds=3
)

LOSSES = {"full": 0.0, "easy": 0.15, "random": 0.4, "hard": 0.9}
"""What every way of pruning costs, in accuracy for all rows."""


def make_evidence(root: Path, name: str = "told", **made: object) -> Run:
    """Make a run, and beside its scores suspicions, reviews, an experiment and a selection."""
    run = make_run(root, name, **made)
    rows = run.manifest().dataset.rows
    np.save(run.embeddings_file, np.random.default_rng(0).normal(size=(rows, 8)).astype("f2"))
    find_noise(run)
    review_some(run)
    Selections(run).create("odd-ones", [0, 1, 2], note="to be asked <b>about</b>")
    add_experiment(run, "measured", "finetune")
    return run


def add_experiment(run: Run, name: str, mode: str) -> Experiment:
    """Add a pruning experiment whose models are right the less often the more rows went."""
    settings = SETTINGS.model_copy(update={"mode": mode})
    experiment = Experiment.create(run, name, settings)
    examples = run.examples(["label", "split"])
    names = run.manifest().dataset.label_names
    truth = np.array([names.index(one) for one in examples["label"][examples["split"] == "test"]])
    train = int((examples["split"] == "train").sum())
    for cell in experiment.cells():
        steep = LOSSES[cell.curve.strategy if cell.curve else "full"]
        generator = np.random.default_rng(cell.seed)
        wrong = generator.random(len(truth)) < 0.1 + steep * cell.fraction
        predicted = np.where(wrong, (truth + 1) % len(names), truth).astype(np.int32)
        kept = round(train * (1 - cell.fraction))
        experiment.keep(Outcome(cell, kept, 40, 1.5, predicted))
    experiment.update(
        status="complete", train_rows=train, test_rows=len(truth), epochs=2, encoder="minilm"
    )
    return experiment
