import pytest

from influence_core.config import ModelSettings, RunSettings, TrainingSettings
from influence_core.estimate import estimate
from influence_core.store.run import DatasetSummary, Stage, create_run


def settings(**training) -> RunSettings:
    return RunSettings(training=TrainingSettings(**training))


def remember(root, name: str, past: RunSettings, train_rows: int, **seconds: float) -> None:
    dataset = DatasetSummary(
        fingerprint="",
        source="",
        rows=train_rows * 5 // 4,
        rejected=0,
        splits={"train": train_rows},
        label_names=("a", "b"),
        class_counts={},
        columns={},
        pairs=False,
    )
    stages = {stage: Stage(seconds=took, finished="") for stage, took in seconds.items()}
    create_run(name, past, root).update(status="complete", dataset=dataset, stages=stages)


def test_more_work_takes_longer(runs_root):
    usual = estimate(settings(), 10_000)
    assert usual.judged_by == ""
    assert estimate(settings(), 20_000).seconds > usual.seconds
    assert estimate(settings(seeds=3), 10_000).seconds > usual.seconds
    assert estimate(settings(mode="finetune"), 10_000).seconds > 10 * usual.seconds


def test_an_earlier_run_is_scaled_by_its_own_speed(runs_root):
    past = settings(mode="finetune", epochs=2, checkpoints=4)
    remember(runs_root, "earlier", past, 4_000, training=80.0, trace=40.0)
    # 100 rows and 400 rows × checkpoints a second; 8,000 training rows, 5 epochs, 10 checkpoints.
    found = estimate(settings(mode="finetune", epochs=5), 10_000)
    assert found.judged_by == "earlier"
    assert found.seconds == pytest.approx(8_000 * 5 / 100 + 8_000 * 10 / 400, abs=10)


def test_small_and_different_runs_are_no_measure(runs_root):
    remember(runs_root, "small", settings(), 500, features=1, training=1, trace=1)
    remember(runs_root, "other", settings(mode="finetune"), 5_000, training=1, trace=1)
    assert estimate(settings(), 10_000).judged_by == ""


def test_an_unknown_encoder_is_not_guessed_at(runs_root):
    other = RunSettings(model=ModelSettings(encoder="some/encoder"))
    assert estimate(other, 10_000) is None
