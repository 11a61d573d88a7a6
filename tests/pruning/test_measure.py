"""Experiments from settings to outcomes: real runs of a tiny encoder, stopped and gone on with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from influence_core import pipeline
from influence_core.config import (
    ComputeSettings,
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import ModelError, RunError, RunExists, SelectionError
from influence_core.pruning.cells import Cell, Curve
from influence_core.pruning.experiment import Experiment, Outcome, open_experiment
from influence_core.pruning.figures import Findings, Point
from influence_core.pruning.measure import plan_pruning, prune, resume_pruning
from influence_core.pruning.recommend import recommend
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.run import Run
from tests.requests import write_requests
from tests.stopping import stopped_after

SMALL = ExperimentSettings(
    scores=("el2n",), strategies=("easy", "random"), fractions=(0.3, 0.6), seeds=2, epochs=3
)


@pytest.fixture(scope="module")
def run(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("pruned")
    source = write_requests(folder / "requests.csv", rows=150)
    settings = RunSettings(
        data=DataSettings(source=str(source), test_fraction=0.3, validation_fraction=0.0),
        model=ModelSettings(encoder=str(tiny_encoder)),
        training=TrainingSettings(epochs=2, batch_size=16, precision="fp32"),
        scoring=ScoringSettings(scores=("el2n", "aum")),
    )
    return pipeline.run(name="small", settings=settings, root=folder / "runs")


@pytest.fixture(scope="module")
def finished(run: Run) -> Experiment:
    return prune(run, SMALL, name="finished")


def files(experiment: Experiment) -> dict[str, list[int]]:
    return {one.cell.name: one.predicted.tolist() for one in experiment.outcomes()}


def test_every_cell_leaves_what_its_model_says_of_the_test_rows(
    run: Run, finished: Experiment
) -> None:
    outcomes = {one.cell: one for one in finished.outcomes()}
    train, test = (run.manifest().dataset.splits[split] for split in ("train", "test"))
    assert len(outcomes) == 2 + 2 * 2 * 2
    assert finished.manifest().status == "complete"
    assert all(len(one.predicted) == test for one in outcomes.values())
    assert outcomes[Cell(None, 0.0, 0)].rows == train
    pruned = outcomes[Cell(Curve("random"), 0.6, 1)]
    assert pruned.rows == train - round(0.6 * train)
    assert len({one.steps for one in outcomes.values()}) == 1
    assert not finished.private_folder.exists()


def test_equal_epochs_are_fewer_steps(run: Run) -> None:
    settings = SMALL.model_copy(update={"equal": "epochs", "seeds": 1})
    outcomes = {one.cell: one for one in prune(run, settings, name="epochs").outcomes()}
    train = run.manifest().dataset.splits["train"]
    kept = train - round(0.6 * train)
    assert outcomes[Cell(Curve("random"), 0.6, 0)].steps == 3 * -(-kept // 16)
    assert outcomes[Cell(None, 0.0, 0)].steps == 3 * -(-train // 16)


def test_what_was_stopped_goes_on_to_the_same_outcomes(run: Run, finished: Experiment) -> None:
    stopped = plan_pruning(run, SMALL, name="stopped")
    with stopped_after(3):
        resume_pruning(stopped)
    assert stopped.manifest().status == "cancelled"
    assert len(stopped.missing()) == len(stopped.cells()) - 3
    assert files(resume_pruning(stopped)) == files(finished)
    assert stopped.manifest().status == "complete"


def test_fine_tuned_cells_are_divided_among_workers(run: Run) -> None:
    settings = ExperimentSettings(
        mode="finetune",
        scores=("el2n",),
        strategies=("hard",),
        fractions=(0.5,),
        seeds=1,
        epochs=1,
        keep_embeddings=True,
    )
    alone = prune(run, settings, name="alone")
    divided = prune(run, settings, name="divided", compute=ComputeSettings(workers=2))
    assert files(alone) == files(divided)
    assert set(files(alone)) == {"full-seed0", "el2n-class-hard-0.5-seed0"}
    assert all(one.seconds > 0 for one in alone.outcomes())
    before, after = (alone.embeddings(cell) for cell in alone.cells())
    test, width = run.manifest().dataset.splits["test"], np.load(run.embeddings_file).shape[1]
    assert before.shape == after.shape == (test, width)
    assert before.dtype == np.float16
    assert not np.array_equal(before, after)


def test_embeddings_are_there_where_they_are_kept(finished: Experiment) -> None:
    with pytest.raises(RunError, match="has no embeddings of 'full-seed0'"):
        finished.embeddings(finished.cells()[0])


def test_another_encoder_may_be_trained(run: Run) -> None:
    settings = SMALL.model_copy(update={"train_encoder": "minilm", "fractions": (0.5,), "seeds": 1})
    experiment = prune(run, settings, name="other")
    assert experiment.manifest().encoder == "minilm"
    assert len(list(experiment.outcomes())) == 3


def test_findings_are_those_of_the_outcomes(finished: Experiment) -> None:
    findings = Findings(finished)
    cells = findings.cells().set_index(["curve", "fraction", "seed"]).sort_index()
    for outcome in finished.outcomes():
        name = outcome.cell.curve.name if outcome.cell.curve else "full"
        row = cells.loc[(name, outcome.cell.fraction, outcome.cell.seed)]
        assert row["accuracy"] == pytest.approx(np.mean(outcome.predicted == findings.truth))
        assert row["error"] == pytest.approx(1 - row["accuracy"])
    curves = findings.curves().set_index(["curve", "fraction"])
    both = cells.loc[("random", 0.6)]["accuracy"]
    assert curves.loc[("random", 0.6), "accuracy"] == pytest.approx(both.mean())
    assert curves.loc[("random", 0.6), "accuracy_std"] == pytest.approx(both.std())
    whole = cells.loc[("full", 0.0)]["error"]
    change = curves.loc[("random", 0.6), "error_change"]
    pruned = cells.loc[("random", 0.6)]["error"]
    assert change == pytest.approx((pruned.mean() - whole.mean()) / whole.mean())
    assert curves.loc[("random", 0.6), "sigma"] == pytest.approx(-change / 0.6)
    assert np.isnan(curves.loc[("full", 0.0), "sigma"])


def test_equal_steps_save_rows_and_equal_epochs_time_too(run: Run, finished: Experiment) -> None:
    train = run.manifest().dataset.splits["train"]
    by_steps = Findings(finished).curves().set_index(["curve", "fraction"])
    assert by_steps.loc[("random", 0.6), "rows_saved"] == round(0.6 * train)
    assert (by_steps["seconds_saved"] == 0).all()
    planned = SMALL.model_copy(update={"equal": "epochs", "seeds": 1})
    by_epochs = plan_pruning(run, planned, name="timed")
    for cell in by_epochs.cells():
        rows = round(train * (1 - cell.fraction))
        by_epochs.keep(Outcome(cell, rows, 5, rows / 10, np.zeros(45, np.int32)))
    saved = Findings(by_epochs).curves().set_index(["curve", "fraction"])["seconds_saved"]
    assert saved["full", 0.0] == 0
    assert saved["random", 0.6] == pytest.approx(train / 10 - round(0.4 * train) / 10)


def test_comparisons_are_those_of_each_pair(finished: Experiment) -> None:
    findings = Findings(finished)
    table = findings.comparisons().set_index(["curve", "fraction", "against"])
    assert len(table) == 2 + 2 * 2
    point = Point(Curve("easy", "el2n", "class"), 0.6)
    for against, difference in (
        ("random", findings.against_random(point)),
        ("full", findings.against_whole(point)),
    ):
        row = table.loc[("el2n-class-easy", 0.6, against)]
        assert difference is not None
        assert (row["mean"], row["low"], row["high"]) == (
            difference.mean,
            difference.low,
            difference.high,
        )


def test_every_curve_is_judged(finished: Experiment) -> None:
    findings = Findings(finished)
    advice = {one.curve.name: one for one in recommend(findings, tolerance=1.0)}
    assert set(advice) == {"el2n-class-easy", "random"}
    assert all(one.fraction == 0.6 for one in advice.values())
    assert "Up to 60%" in advice["random"].words
    against = findings.against_random(Point(Curve("easy", "el2n", "class"), 0.3))
    assert against is not None
    assert against.seeds == 2


def test_nothing_is_advised_before_unpruned_models_are_there(run: Run) -> None:
    partly = plan_pruning(run, SMALL, name="partly")
    cell = next(cell for cell in partly.cells() if cell.curve)
    test = run.manifest().dataset.splits["test"]
    partly.keep(Outcome(cell, 10, 5, 1.0, np.zeros(test, np.int32)))
    findings = Findings(partly)
    assert recommend(findings) == []
    assert np.isnan(findings.curves()["error_change"]).all()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"scores": ("vog",)}, "scores"),
        ({"curves": ("random", "vog-class-easy")}, "curves"),
        ({"clip_suspicious": 0.1, "clip_by": "vog"}, "clip_by"),
        ({"fractions": (0.999,)}, "fractions"),
        ({"floor": 1000}, "floor"),
    ],
)
def test_what_cannot_work_is_refused_before_it_begins(
    run: Run, changes: dict[str, object], told: str
) -> None:
    settings = SMALL.model_copy(update=changes)
    before = Experiment.of(run)
    with pytest.raises(SelectionError, match=f"'{told}'"):
        prune(run, settings, name="broken")
    assert Experiment.of(run) == before


@pytest.mark.parametrize("status", ["created", "running", "failed", "cancelled"])
def test_an_unfinished_run_is_refused(run: Run, status: str) -> None:
    before = Experiment.of(run)
    run.update(status=status)
    with pytest.raises(RunError, match=f"'small' is not finished.*{status}.*--resume"):
        plan_pruning(run, SMALL, name="early")
    run.update(status="complete")
    assert Experiment.of(run) == before


@pytest.mark.parametrize(
    ("encoder", "told"),
    [
        ("/no/such/folder", "'train_encoder' must be 'minilm', a Hub id or an existing folder"),
        ("no-tokenizer", "holds no tokenizer"),
    ],
)
def test_an_encoder_that_cannot_be_trained_leaves_the_name_free(
    run: Run, tiny_encoder: Path, tmp_path: Path, encoder: str, told: str
) -> None:
    if encoder == "no-tokenizer":
        encoder = str(tmp_path)
        for path in (*tiny_encoder.glob("config.json"), *tiny_encoder.glob("*.safetensors")):
            shutil.copy(path, tmp_path)
    before = Experiment.of(run)
    settings = SMALL.model_copy(update={"train_encoder": encoder})
    with pytest.raises(ModelError, match=told):
        plan_pruning(run, settings, name="other-encoder")
    assert Experiment.of(run) == before


def test_a_run_without_test_rows_is_refused(run: Run) -> None:
    dataset = run.manifest().dataset
    run.update(dataset=dataset.model_copy(update={"splits": {"train": 105}}))
    with pytest.raises(RunError, match="no test rows"):
        prune(run, SMALL, name="untested")
    run.update(dataset=dataset)


def test_names_are_taken_once(run: Run, finished: Experiment) -> None:
    with pytest.raises(RunExists, match="choose another name"):
        prune(run, SMALL, name="finished")
    assert open_experiment(run, "finished") == finished
    with pytest.raises(RunError, match="no experiment 'ghost'"):
        open_experiment(run, "ghost")
