"""What a model says of rows as it learns from them, and the forgetting that is counted over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import TrainerState

from influence_core import pipeline
from influence_core.config import (
    CheckpointSettings,
    DataSettings,
    ModelSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.errors import ScoreError
from influence_core.scores.dynamics import forgetting
from influence_core.stages.replay import check_replay
from influence_core.store.run import Run
from influence_core.training import finetune, records
from influence_core.training.dynamics import COLUMNS, read_snapshots, stream
from influence_core.training.minibatches import MinibatchRecorder, read_minibatches
from influence_core.training.schedule import Schedule
from tests.requests import write_requests
from tests.tiny_encoder import without_dropout

EPOCHS = 3


def recorded(folder: Path, epochs: Sequence[Sequence[tuple[int, bool]]]) -> Run:
    """Record rows with what the model thought of them, two a batch; a process for every second."""
    replicate, steps = Run(folder), -(-len(epochs[0]) // 2)
    schedule = Schedule(steps, steps * len(epochs), frozenset({steps * len(epochs)}), frozenset())
    ranks = [MinibatchRecorder(replicate, schedule, rank) for rank in (0, 1)]
    for number, epoch in enumerate(epochs):
        for place, (row, right) in enumerate(epoch):
            step = number * steps + place // 2 + 1
            logits = torch.tensor([[0.0, 1.0] if right else [1.0, 0.0]])
            ranks[place % 2].see(torch.tensor([row]), logits, torch.tensor([1]), step)
    for rank in ranks:
        rank.flush(schedule.total)
    ranks[0].merge(len({row for row, _ in epochs[0]}))
    return replicate


def test_forgetting_by_hand(tmp_path: Path) -> None:
    """Rows 0 to 4: learnt, forgot once, forgot twice, never learnt, right at first and lost.

    Each epoch has another order. In the last one row 1 fills up the batch of the second process:
    what is said of it then, after its turn, is no look of its own.
    """
    replicate = recorded(
        tmp_path,
        [
            [(0, False), (1, True), (2, True), (3, False), (4, True)],
            [(4, False), (3, False), (2, False), (1, False), (0, True)],
            [(2, True), (0, True), (4, False), (1, True), (3, False)],
            [(1, True), (2, False), (0, True), (4, False), (3, False), (1, False)],
        ],
    )
    seen = read_minibatches(replicate)
    assert [(one.step, one.epoch) for one in seen] == [(3, 1), (6, 2), (9, 3), (12, 4)]
    events, never = forgetting(stream(seen, "correct"))
    assert events.tolist() == [0, 1, 2, 0, 1]
    assert never.tolist() == [False, False, False, True, False]


def settings_of(folder: Path, encoder: Path, mode: str, **training: object) -> RunSettings:
    """Settings of a training on 73 rows in batches of 16: the last one has 9."""
    rows = write_requests(folder / "requests.csv", rows=81)
    chosen = {"mode": mode, "epochs": EPOCHS, "batch_size": 16, "checkpoints": 2, **training}
    return RunSettings(
        data=DataSettings(source=str(rows), validation_fraction=0),
        model=ModelSettings(encoder=str(encoder)),
        training=TrainingSettings(precision="fp32", **chosen),
        scoring=ScoringSettings(scores=("el2n", "forgetting"), forgetting_from="minibatches"),
    )


def over_snapshots(settings: RunSettings) -> RunSettings:
    scoring = settings.scoring.model_copy(update={"forgetting_from": "snapshots"})
    return settings.model_copy(update={"scoring": scoring})


@pytest.mark.parametrize("mode", ["probe", "finetune"])
def test_a_run_counts_over_minibatches_and_trains_as_without_them(
    tmp_path: Path, tiny_encoder: Path, mode: str
) -> None:
    settings = settings_of(tmp_path, tiny_encoder, mode, seeds=2)
    plain = pipeline.run(name="plain", settings=over_snapshots(settings), root=tmp_path)
    run = pipeline.run(name="recorded", settings=settings, root=tmp_path)
    assert _files(run.dynamics_folder) == _files(plain.dynamics_folder)
    assert not plain.minibatches_folder.exists()
    found = []
    for replicate in (run, Run(run.replicates_folder / "seed-1")):
        seen = read_snapshots(replicate.minibatches_folder)
        assert [one.epoch for one in seen] == list(range(1, EPOCHS + 1))
        found.append(forgetting(stream(seen, "correct")))
        assert not (replicate.private_folder / "records").exists()
    scores = run.scores()
    np.testing.assert_array_equal(scores.forgetting, (found[0][0] + found[1][0]) / 2)
    np.testing.assert_array_equal(scores.never_learnt, found[0][1] & found[1][1])
    np.testing.assert_array_equal(scores.el2n, plain.scores().el2n)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("mode", ["probe", "finetune"])
def test_each_row_gets_what_was_said_of_it(tmp_path: Path, tiny_encoder: Path, mode: str) -> None:
    """A model that stands still and has no dropout says the same in training as in a snapshot."""
    calm = without_dropout(tiny_encoder, tmp_path / "calm")
    settings = settings_of(tmp_path, calm, mode, encoder_lr=1e-12, head_lr=1e-12)
    still = settings.model.model_copy(update={"dropout": 0.0})
    run = pipeline.run(
        name="still", settings=settings.model_copy(update={"model": still}), root=tmp_path
    )
    (expected, *_) = read_snapshots(run.dynamics_folder)
    assert len(np.unique(expected.column("margin"))) > 60
    for seen in read_snapshots(run.minibatches_folder):
        for name in COLUMNS:
            np.testing.assert_allclose(
                seen.column(name), expected.column(name), rtol=1e-4, atol=1e-6, err_msg=name
            )


class Killed(Exception):
    """The training process is gone."""


def test_a_killed_training_goes_on_to_the_same_bytes(
    tmp_path: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last state is of step 8, and records were written at step 9 and 12."""
    settings = settings_of(tmp_path, tiny_encoder, "finetune")
    monkeypatch.setattr(records, "FLUSH_STEPS", 3)
    whole = pipeline.run(name="whole", settings=settings, root=tmp_path)

    def die(self: object, args: object, state: TrainerState, *_: object, **__: object) -> None:
        if state.global_step == 12:
            raise Killed

    with monkeypatch.context() as deadly:
        deadly.setattr(finetune._Flusher, "on_step_begin", die)
        with pytest.raises(Killed):
            pipeline.run(name="shot", settings=settings, root=tmp_path)
    kept = sorted(path.name for path in (tmp_path / "shot").rglob("rank-00000/*"))
    assert kept == [f"step-{step:06d}.parquet" for step in (3, 6, 8, 9, 12)]
    shot = pipeline.resume("shot", root=tmp_path)
    assert _files(shot.minibatches_folder) == _files(whole.minibatches_folder)
    assert shot.scores_file.read_bytes() == whole.scores_file.read_bytes()


def test_checkpoints_have_no_minibatches() -> None:
    asked = RunSettings(
        training=TrainingSettings(mode="finetune"),
        scoring=ScoringSettings(scores=("forgetting",), forgetting_from="minibatches"),
        checkpoints=CheckpointSettings(),
    )
    with pytest.raises(ScoreError, match="over minibatches needs a training"):
        check_replay(asked)
