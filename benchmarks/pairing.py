"""Paired timing: two things take turns on the same machine, so that its moods cancel out."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

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
        ratio = f"{self.ratio:.2f}" if self.ratio >= 1 else f"1/{1 / self.ratio:.2f}"
        return (
            f"{self.name}: {self.median:.3f} s "
            f"(from {min(self.seconds):.3f} to {max(self.seconds):.3f}), "
            f"{ratio} times {self.reference_name} ({reference:.3f} s), "
            f"{len(self.seconds)} turns"
        )


def compare(
    name: str, subject: Action, reference_name: str, reference: Action, turns: int = 9
) -> Pair:
    """Time a subject against a reference in alternating order, after one turn of warming up."""
    [pair] = compare_all(name, subject, {reference_name: reference}, turns)
    return pair


def compare_all(
    name: str, subject: Action, references: Mapping[str, Action], turns: int = 9
) -> list[Pair]:
    """Time a subject against several references, which all take a turn after one another."""
    actions = [subject, *references.values()]
    for action in actions:
        action()
    seconds: list[list[float]] = [[] for _ in actions]
    for turn in range(turns):
        order = list(zip(actions, seconds, strict=True))
        for action, taken in order if turn % 2 == 0 else reversed(order):
            taken.append(timed(action))
    mine, *others = map(tuple, seconds)
    return [
        Pair(name, reference, mine, other)
        for reference, other in zip(references, others, strict=True)
    ]


def timed(action: Action) -> float:
    """Return how many seconds an action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def machine() -> str:
    """Name the machine: its processor, cores, and the torch on it."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    amx = " with AMX" if any("amx_bf16" in line for line in lines) else ""
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}{amx}, {os.cpu_count()} cores, torch {version('torch')}"
