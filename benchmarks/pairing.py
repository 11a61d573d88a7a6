"""Paired timing: two things take turns on the same machine, so that its moods cancel out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Action = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """Seconds of a subject and of its reference, turn by turn."""

    name: str
    reference_name: str
    seconds: tuple[float, ...]
    reference_seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median seconds of the subject."""
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        """Median over turns of subject / reference."""
        turns = zip(self.seconds, self.reference_seconds, strict=True)
        return statistics.median(mine / other for mine, other in turns)

    def __str__(self) -> str:
        reference = statistics.median(self.reference_seconds)
        return (
            f"{self.name}: {self.median:.3f} s "
            f"(from {min(self.seconds):.3f} to {max(self.seconds):.3f}), "
            f"{self.ratio:.2f} times {self.reference_name} ({reference:.3f} s), "
            f"{len(self.seconds)} turns"
        )


def compare(
    name: str, subject: Action, reference_name: str, reference: Action, turns: int = 9
) -> Pair:
    """Time a subject against a reference in alternating order, after one turn of warming up."""
    subject(), reference()
    mine, other = [], []
    for turn in range(turns):
        order = [(subject, mine), (reference, other)]
        for action, seconds in order if turn % 2 == 0 else reversed(order):
            seconds.append(timed(action))
    return Pair(name, reference_name, tuple(mine), tuple(other))


def timed(action: Action) -> float:
    """Return how many seconds an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
