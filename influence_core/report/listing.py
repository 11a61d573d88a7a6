"""Long lists, cut such that a reader knows what is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from influence_core.report.wording import count

Item = TypeVar("Item")


@dataclass(frozen=True)
class Ends(Generic[Item]):
    """The beginning and the end of a list, and how many lie between."""

    first: Sequence[Item]
    between: int
    last: Sequence[Item]


def ends(items: Sequence[Item], most: int) -> Ends[Item]:
    """Return both ends of a list, twice as many of its beginning; all of it where it is short.

    >>> ends("abcdefghij", 6)
    Ends(first='abcd', between=4, last='ij')
    """
    if len(items) <= most + most // 3:
        return Ends(items, 0, items[len(items) :])
    tail = most // 3
    return Ends(items[: most - tail], len(items) - most, items[len(items) - tail :])


def listed(counts: Mapping[str, int]) -> str:
    """Word how many there are of each kind.

    >>> listed({"kept": 1200, "dropped": 3})
    '1,200 kept, 3 dropped'
    """
    return ", ".join(f"{count(number)} {name}" for name, number in counts.items())
