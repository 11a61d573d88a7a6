"""The experiment on noisy data: real runs of a tiny encoder, stopped and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from influence_core import pipeline
from influence_core.config import (
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import Cancelled, ConfigError, DataError, RunError, RunExists, ScoreError
from influence_core.noise.flipping import flip
from influence_core.noisy.experiment import NoisyExperiment
from influence_core.noisy.figures import OVERLAPS, curves, overlaps, shares
from influence_core.noisy.measure import noisy, plan_noisy, resume_noisy
from influence_core.noisy.settings import NoisySettings
from influence_core.progress import Event
from influence_core.store.run import Run, list_runs
from influence_core.training.untuned import untuned_file
from tests.requests import write_requests
from tests.stopping import stopped_after

SMALL = NoisySettings(
    shares=(0.3, 0.1),
    curves=("vog-class-easy", "pvi-class-hard", "random"),
    fractions=(0.4,),
    seeds=2,
    epochs=3,
)
ORDER = ["full", "vog-class-easy", "pvi-class-hard", "random"]


@pytest.fixture(scope="module")
def run(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("noisy")
    source = write_requests(folder / "requests.csv", rows=150)
    settings = RunSettings(
        data=DataSettings(source=str(source), test_fraction=0.3, validation_fraction=0.0),
        model=ModelSettings(encoder=str(tiny_encoder)),
        training=TrainingSettings(epochs=2, batch_size=16, precision="fp32"),
        scoring=ScoringSettings(scores=("aum",)),
    )
    return pipeline.run(name="small", settings=settings, root=folder / "runs")


@pytest.fixture(scope="module")
def finished(run: Run) -> NoisyExperiment:
    return noisy(run, SMALL, name="finished")


def results(experiment: NoisyExperiment) -> dict[str, pd.DataFrame]:
    """Return everything that was found, but for the time that it took."""
    found = {question.__name__: question(experiment) for question in (shares, curves, overlaps)}
    found["curves"] = found["curves"].drop(columns=["seconds", "seconds_std"])
    return found


def same(first: NoisyExperiment, second: NoisyExperiment) -> bool:
    one, other = results(first), results(second)
    return all(one[name].equals(other[name]) for name in one)


def test_every_share_has_its_curves_and_its_overlaps(run: Run, finished: NoisyExperiment) -> None:
    train = run.manifest().dataset.splits["train"]
    found = results(finished)
    assert found["shares"]["share"].tolist() == [0.1, 0.3]
    assert found["shares"]["drawn"].tolist() == [round(0.1 * train), round(0.3 * train)]
    wrong = found["shares"]["wrong"]
    assert (wrong < found["shares"]["drawn"]).any()
    assert found["shares"]["wrong_share"].tolist() == (wrong / train).tolist()
    assert found["curves"]["curve"].tolist() == ORDER * 2
    assert found["curves"]["seeds"].eq(2).all()
    compared = found["curves"]["against_random"].notna()
    assert compared.tolist() == [False, True, True, False] * 2
    for _, part in found["overlaps"].groupby("share"):
        assert set(OVERLAPS) <= set(part["name"])
        assert part["k"].nunique() == 1
    assert finished.manifest().status == "complete"
    assert not finished.private_folder.exists()


def test_the_figures_are_those_of_the_files(finished: NoisyExperiment) -> None:
    """Overlap and PVI below 0 are counted again, from the scores and the flipped data alone."""
    for copy in finished.copies():
        data = pd.read_parquet(copy.data_file).query("split == 'train'")
        wrong = data["flipped"].to_numpy()
        scores = copy.run.scores()
        top = scores["pvi"].rank(method="first").to_numpy() <= wrong.sum()
        row = overlaps(finished).query("share == @copy.share and name == 'pvi'").iloc[0]
        assert row["overlap"] == pytest.approx((top & wrong).sum() / (top | wrong).sum())
        told = shares(finished).query("share == @copy.share").iloc[0]
        assert told["pvi_below_zero"] == np.mean(scores["pvi"][wrong] < 0)
        assert told["pvi_below_zero_right"] == np.mean(scores["pvi"][~wrong] < 0)


def test_scores_see_the_wrong_labels_and_test_rows_do_not(
    run: Run, finished: NoisyExperiment
) -> None:
    clean = run.examples(["id", "text", "label", "split"])
    for copy in finished.copies():
        there = copy.run.examples(["id", "text", "label", "split"])
        changed = there["label"] != clean["label"]
        assert changed.sum() == copy.flips().wrong
        assert set(clean["split"][changed]) == {"train"}
        pd.testing.assert_frame_equal(there.drop(columns="label"), clean.drop(columns="label"))


def test_features_are_taken_from_the_run_and_not_computed_again(
    run: Run, finished: NoisyExperiment
) -> None:
    for copy in finished.copies():
        assert copy.run.embeddings_file.samefile(run.embeddings_file)
        assert copy.run.manifest().stages["features"].seconds == 0


def test_the_list_of_runs_is_not_flooded(run: Run, finished: NoisyExperiment) -> None:
    assert [one.name for one in list_runs(run.path.parent)] == [run.name]
    assert not (finished.copies()[0].run.model_folder).exists()


def test_tables_lie_beside_the_manifest(finished: NoisyExperiment) -> None:
    for question in (shares, curves, overlaps):
        written = pd.read_csv(finished.path / f"{question.__name__}.csv")
        pd.testing.assert_frame_equal(written, question(finished), check_dtype=False)


def stopped_at(moment: Callable[[Event], bool]) -> Callable[[Event], None]:
    def listen(event: Event) -> None:
        if moment(event):
            raise Cancelled("enough")

    return listen


@pytest.mark.parametrize(
    "moment",
    [
        lambda event: event.stage == "10% training" and event.done > 3,
        lambda event: event.stage == "30% overlap" and event.kind == "end",
    ],
    ids=["in-training", "after-overlap"],
)
def test_what_was_stopped_goes_on_to_the_same_results(
    run: Run,
    finished: NoisyExperiment,
    moment: Callable[[Event], bool],
    request: pytest.FixtureRequest,
) -> None:
    stopped = plan_noisy(run, SMALL, name=request.node.callspec.id)
    with pytest.raises(Cancelled):
        resume_noisy(stopped, listeners=[stopped_at(moment)])
    assert stopped.manifest().status == "cancelled"
    assert same(resume_noisy(stopped), finished)
    assert stopped.manifest().status == "complete"


def test_models_that_are_there_are_not_trained_again(run: Run, finished: NoisyExperiment) -> None:
    stopped = plan_noisy(run, SMALL, name="between-models")
    with stopped_after(3):
        resume_noisy(stopped)
    found = curves(stopped)
    assert found["share"].unique().tolist() == [0.1]
    assert found["seeds"].sum() == 3
    assert same(resume_noisy(stopped), finished)


def test_scores_take_the_epochs_of_the_run_and_probes_as_many_as_they_need(run: Run) -> None:
    settings = SMALL.model_copy(
        update={"shares": (0.2,), "curves": ("random",), "seeds": 1, "epochs": None}
    )
    experiment = noisy(run, settings, name="epochs")
    scored = experiment.copies()[0].run.manifest().settings.training
    assert scored.epochs == run.manifest().settings.training.epochs == 2
    steps = -(-run.manifest().dataset.splits["train"] // scored.batch_size)
    assert experiment.manifest().epochs == -(-1_000 // steps)


def test_fine_tuning_shares_token_ids_and_untuned_features(run: Run) -> None:
    settings = SMALL.model_copy(
        update={"mode": "finetune", "shares": (0.2,), "seeds": 1, "epochs": 1}
    )
    told: list[Event] = []
    experiment = noisy(run, settings, name="tuned", listeners=[told.append])
    stages = [event.stage for event in told if event.kind == "begin"]
    assert stages.count("tokens") == 1
    assert "20% tokens" not in stages
    copy = experiment.copies()[0]
    assert untuned_file(copy.run).samefile(run.embeddings_file)
    assert {"discriminant", "neighbours"} <= set(overlaps(experiment)["name"])
    assert copy.run.manifest().settings.training.mode == "finetune"
    assert copy.pruning.manifest().settings.mode == "finetune"
    assert curves(experiment)["curve"].tolist() == ORDER


def test_a_probe_of_a_run_without_features_computes_them_once(run: Run) -> None:
    tuned = run.manifest().settings
    training = tuned.training.model_copy(update={"mode": "finetune"})
    run.update(settings=tuned.model_copy(update={"training": training}))
    told: list[Event] = []
    settings = SMALL.model_copy(update={"seeds": 1, "epochs": 1})
    try:
        noisy(run, settings, name="untuned", listeners=[told.append])
    finally:
        run.update(settings=tuned)
    assert [event.stage for event in told if event.kind == "begin"].count("features") == 1


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"curves": ("ghost-class-easy",)}, ScoreError, "ghost"),
        ({"shares": (0.001,)}, ConfigError, "'shares' must make the label of one row wrong"),
    ],
)
def test_what_cannot_work_is_refused_before_it_begins(
    run: Run, changes: dict[str, object], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        plan_noisy(run, SMALL.model_copy(update=changes), name="broken")
    assert not (run.path / "noisy" / "broken").exists()


def test_flipped_data_is_not_flipped_again(run: Run, tmp_path: Path) -> None:
    data = flip(run, tmp_path / "noisy.parquet").path
    settings = run.manifest().settings.model_copy(
        update={"data": DataSettings(source=str(data), label="label")}
    )
    flipped = pipeline.run(name="flipped", settings=settings, root=tmp_path / "runs")
    with pytest.raises(DataError, match="'run' must hold no column 'flipped'"):
        plan_noisy(flipped, SMALL)


def test_names_are_taken_once(run: Run, finished: NoisyExperiment) -> None:
    with pytest.raises(RunExists, match="choose another name"):
        plan_noisy(run, SMALL, name="finished")
    assert NoisyExperiment.open(run, "finished") == finished
    with pytest.raises(RunError, match="no noisy experiment 'ghost'"):
        NoisyExperiment.open(run, "ghost")


def test_an_unfinished_run_is_refused(run: Run) -> None:
    run.update(status="running")
    with pytest.raises(RunError, match="'small' is not finished"):
        plan_noisy(run, SMALL, name="early")
    run.update(status="complete")
