"""How long work takes, in words, and a part told within a larger work."""

from __future__ import annotations

import pytest

from influence_core.errors import Cancelled
from influence_core.progress import Event, Progress, duration, relayed


@pytest.mark.parametrize(
    ("seconds", "worded"),
    [(None, "–"), (1.54, "1.5 s"), (42, "42 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")],
)
def test_durations(seconds: float | None, worded: str) -> None:
    assert duration(seconds) == worded


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
