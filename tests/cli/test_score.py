"""`influence score`, over a pretended pipeline."""

from __future__ import annotations

from tests.cli.conftest import Influence, Pretended


def test_folders_and_settings_reach_the_pipeline(influence: Influence, pipeline: Pretended) -> None:
    answer = influence(
        *("score", "data.csv", "--checkpoints", "a/step-1, a/step-2", "--name", "scored"),
        *("--text", "said", "--label", "intent", "--scores", "vog,aum", "--precision", "fp32"),
        *("--learning-rate", "0.001", "--workers", "2", "--backend", "loky"),
        *("--keep-activations", "all", "--keep-checkpoints"),
    )
    assert answer.code == 0, answer.err
    [(kind, name, settings)] = pipeline.calls
    assert (kind, name) == ("score", "scored")
    assert pipeline.given["checkpoints"] == ["a/step-1", "a/step-2"]
    assert pipeline.given["learning_rate"] == 0.001
    assert settings is not None
    assert (settings.data.text, settings.data.label) == ("said", "intent")
    assert settings.scoring.scores == ("vog", "aum")
    assert settings.training.precision == "fp32"
    assert (settings.compute.workers, settings.compute.backend) == (2, "loky")
    assert (settings.training.keep_activations, settings.training.keep_checkpoints) == ("all", True)


def test_nothing_about_training_can_be_set(influence: Influence) -> None:
    answer = influence("score", "data.csv", "--checkpoints", "a", "--epochs", "3")
    assert answer.code == 2
    assert "--epochs" in answer.err


def test_checkpoints_must_be_named(influence: Influence) -> None:
    answer = influence("score", "data.csv")
    assert answer.code == 2
    assert "--checkpoints" in answer.err
