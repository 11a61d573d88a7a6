"""How long work takes, in words, and a part told within a larger work."""

from __future__ import annotations

import pytest

from influence_core.errors import Cancelled
from influence_core.progress import Event, Pace, Progress, duration, relayed


@pytest.mark.parametrize(
    ("seconds", "worded"),
    [(None, "–"), (1.54, "1.5 s"), (42, "42 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")],
)
def test_durations(seconds: float | None, worded: str) -> None:
    assert duration(seconds) == worded


@pytest.mark.parametrize(
    ("time", "done", "total", "left"),
    [
        (150.0, 13, 40_326, 50 * 40_313 / 12),
        (119.0, 13, 40_326, None),
        (103.0, 51, 1_000, 3 * 949 / 50),
        (101.0, 51, 1_000, None),
        (103.0, 49, 1_000, None),
        (160.0, 1, 1_000, None),
        (160.0, 9, 8, None),
        (160.0, 8, 8, 0.0),
    ],
)
def test_the_time_left_is_told_once_the_speed_is_known(
    time: float, done: int, total: int, left: float | None
) -> None:
    assert Pace(time=100.0, done=1).seconds_left(time, done, total) == pytest.approx(left)


def test_a_stage_moves_from_its_first_step_on() -> None:
    heard: list[Event] = []
    work = Progress(heard.append, interval=0)
    paces: list[Pace | None] = [None]
    work.begin("training", 9)
    work.message("waiting")
    work.advance(0)
    work.advance(2)
    work.advance(3)
    work.begin("scores", 9)
    for event in heard:
        paces.append(Pace.after(event, paces[-1]))
    started = Pace(time=heard[3].time, done=2)
    assert paces == [None, None, None, None, started, started, None]


def test_what_is_loaded_is_told_under_the_stage_that_waits_for_it() -> None:
    heard: list[Event] = []
    work = Progress(heard.append, interval=0)
    work.begin("data", 9)
    work.advance(9)
    work.enter("tokens")
    work.load("Loading the tokenizer")
    told = heard[-1]
    assert (told.kind, told.stage, told.message) == ("load", "tokens", "Loading the tokenizer")
    assert (told.done, told.total) == (0, 0)
    assert Pace.after(told, Pace(time=0.0, done=1)) is None


def test_a_part_of_a_larger_work_is_told_under_its_title() -> None:
    heard: list[Event] = []
    whole = Progress(heard.append, interval=0)
    part = Progress(relayed(whole, "10%", ("training",)), interval=0)
    part.begin("training", 5, "steps")
    part.advance(2, loss=0.5)
    part.advance(1)
    part.message("slow")
    part.end()
    part.begin("scores", 7)
    assert [(one.kind, one.stage, one.done, one.total) for one in heard[:3]] == [
        ("begin", "10% training", 0, 5),
        ("advance", "10% training", 2, 5),
        ("advance", "10% training", 3, 5),
    ]
    assert heard[1].values == {"loss": 0.5}
    assert heard[3].message == "10% slow"
    assert heard[4].kind == "end"
    assert not any("scores" in one.stage for one in heard)


def test_what_is_not_told_of_a_part_can_be_stopped_all_the_same() -> None:
    def stop(event: Event) -> None:
        raise Cancelled("enough")

    part = Progress(relayed(Progress(stop, interval=0), "10%", ("training",)), interval=0)
    with pytest.raises(Cancelled):
        part.begin("scores", 7)
