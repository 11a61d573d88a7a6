"""The colours of all charts: fixed ones for the easy and the hard end, a cycle for groups.

Blue against orange is told apart under every common colour blindness. Both ends are dark enough
for a white page and light enough for a dark one.
"""

from __future__ import annotations

EASY = "#2f7fbf"
MIDDLE = "#9aa5b1"
HARD = "#e0621b"

KEPT = "#2a8c82"

BOX = "#7c8896"
"""Boxes stay grey: only easy and hard, and groups that must be told apart, have a colour."""

GROUPS = (
    "#4477aa",
    "#e05264",
    "#228833",
    "#aa3377",
    "#a89000",
    "#2a9fc0",
    "#6b5b95",
    "#6f7680",
    "#8a6d3b",
    "#4d7c6f",
)
"""Colours of groups on a light page; the dashboard's theme has ten counterparts for a dark one."""

DASHES = ("solid", "dash", "dot", "dashdot")
"""Line styles that tell groups apart where colours do not."""

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "x", "pentagon", "star")
"""Marks that tell curves apart where colours do not."""


def mix(first: str, second: str, share: float) -> str:
    """Return the colour that lies `share` of the way from `first` to `second`."""
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def hardness_colour(hardness: float) -> str:
    """Return the colour of a hardness between 0 (easiest) and 1 (hardest)."""
    away = min(max(2 * hardness - 1, -1.0), 1.0)
    return mix(MIDDLE, HARD if away > 0 else EASY, abs(away) ** 1.5)


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue
