"""The colours of all charts: fixed ones for the easy and the hard end, a cycle for groups.

Blue against orange is told apart under every common colour blindness. Both ends are dark enough
for a white page and light enough for a dark one: at least 3 : 1, as for every mark.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

EASY = "#2f7fbf"
MIDDLE = "#8894a1"
HARD = "#e0621b"

KEPT = "#2a8c82"

GONE = "rgba(136, 148, 161, 0.45)"
"""What is dropped lies behind what is kept. Legends show a colour, and no opacity of marks."""

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
"""Colours of groups on a light page."""

CURVES = (*GROUPS[:7], *GROUPS[8:])
"""Those of curves: without the grey one, which would pass for what was drawn at random."""

DARK_GROUPS = (
    "#77aadd",
    "#ff8e9c",
    "#4fbf6b",
    "#dd77b0",
    "#ddcc55",
    "#66ccee",
    "#a99bdd",
    "#b3bac2",
    "#d6b98c",
    "#9fd4c4",
)
"""Their counterparts on a dark page; the dashboard's theme has both."""

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


def bin_colours(rows: Iterable[float], hard: str) -> list[str]:
    """Return the colours of the bins of a histogram, by how hard the rows in them are.

    Args:
        rows: how many rows each bin holds, the lowest values first.
        hard: the end at which the hard rows lie, 'high' or 'low'.
    """
    counts = list(rows)
    total = max(sum(counts), 1)
    below = [(done - one / 2) / total for done, one in zip(accumulate(counts), counts, strict=True)]
    return [hardness_colour(share if hard == "high" else 1 - share) for share in below]


def _channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue
