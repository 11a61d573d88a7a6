"""Numbers, times and foreign text, worded for people."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from influence_core.report.wording import count, counted, figure, figures, percent, short
from influence_core.scores.registry import ScoreSpec

__all__ = [
    "NORMS",
    "age",
    "column_title",
    "count",
    "counted",
    "figure",
    "figures",
    "glosses",
    "percent",
    "plain",
    "short",
    "size",
]

NORMS = {
    "raw": "as computed",
    "class": "within its class",
    "dataset": "within the dataset",
}
"""What a score can be compared with: the key in the address and how it is called."""

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&=@/^])")

_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
"""Places at which a web or mail address falls apart: Markdown links whatever looks like one."""

_JOINER, _ISOLATE, _END_OF_ISOLATE = "\u2060", "\u2068", "\u2069"
_TURNS = {"R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI"}

_AGES = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"))


def plain(text: object) -> str:
    """Return `text` such that Markdown shows it letter by letter, on one line.

    Addresses become no links, and what runs from right to left turns nothing round it.
    """
    line = _ADDRESS.sub(_JOINER, " ".join(str(text).split()))
    if any(unicodedata.bidirectional(letter) in _TURNS for letter in line):
        line = f"{_ISOLATE}{line}{_END_OF_ISOLATE}"
    return _MARKDOWN.sub(r"\\\1", line)


def group_words(by: str) -> tuple[str, str]:
    """Return what one and what several of the groups by a column of the data are called."""
    return ("class", "classes") if by == "label" else ("group", "groups")


def column_title(name: str) -> str:
    """Return what a column of the data is called: the one of the labels holds the classes.

    Pickers tell their options apart by that, so no two columns are called the same.

    >>> column_title("label"), column_title("source"), column_title("class")
    ('class', 'source', 'class (column)')
    """
    return {"label": "class", "class": "class (column)"}.get(name, name)


def glosses(entries: Iterable[ScoreSpec]) -> str:
    """Say of every score in a line what it is, as Markdown for the help of a picker."""
    return "\n".join(f"- **{plain(entry.label)}**: {plain(entry.gloss)}" for entry in entries)


def size(bytes_: int) -> str:
    """Word the size of a file.

    >>> size(999), size(12_300), size(4_560_000)
    ('999 bytes', '12 kB', '4.6 MB')
    """
    if bytes_ < 1_000:
        return counted(bytes_, "byte")
    if bytes_ < 1_000_000:
        return f"{bytes_ / 1_000:,.0f} kB"
    return f"{bytes_ / 1_000_000:,.1f} MB"


def age(moment: str, now: datetime | None = None) -> str:
    """Word how long ago an ISO 8601 moment was: `just now`, `3 hours ago`."""
    then = datetime.fromisoformat(moment)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    for length, unit in (*_AGES, (60, "minute")):
        if seconds >= length:
            return f"{counted(seconds // length, unit)} ago"
    return "just now"
