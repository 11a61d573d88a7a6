"""When a training is looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from influence_core.config import TrainingSettings
from influence_core.training.schedule import Schedule


@given(
    rows=some.integers(1, 5_000),
    epochs=some.integers(1, 20),
    batch_size=some.integers(1, 300),
    checkpoints=some.integers(2, 40),
    snapshot_steps=some.integers(1, 200),
    snapshot_epochs=some.integers(0, 20),
)
def test_every_look_is_within_the_training(rows: int, **settings: int) -> None:
    schedule = Schedule.of(rows, TrainingSettings(**settings))
    steps = range(1, schedule.total + 1)
    ends = set(range(schedule.per_epoch, schedule.total + 1, schedule.per_epoch))
    assert schedule.checkpoints <= set(steps)
    assert len(schedule.checkpoints) == min(settings["checkpoints"], schedule.total)
    assert schedule.total in schedule.checkpoints
    assert ends <= schedule.snapshots <= set(steps)


def test_by_hand() -> None:
    settings = TrainingSettings(
        epochs=3, batch_size=10, checkpoints=2, snapshot_steps=5, snapshot_epochs=1
    )
    schedule = Schedule.of(95, settings)
    assert (schedule.per_epoch, schedule.total) == (10, 30)
    assert schedule.checkpoints == {15, 30}
    assert schedule.snapshots == {2, 4, 6, 8, 10, 20, 30}


def test_long_epochs_are_not_looked_at_more_often() -> None:
    settings = TrainingSettings(epochs=2, batch_size=10, snapshot_steps=50, snapshot_epochs=1)
    looks = [len(Schedule.of(10 * steps, settings).snapshots) for steps in (1_000, 7_000, 90_000)]
    assert looks == [21, 21, 21]
