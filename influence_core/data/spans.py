"""From tokens with BIO tags to a text and the spans of its slots."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

import pyarrow as pa

SLOTS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("slot", pa.string())]))
"""A slot is a name and where it begins and ends in the text, in characters, the end outside."""

TAG = re.compile(r"O|[BIESLU]-\S.*")
"""A tag: outside of slots, or the place in a slot (BIO, IOB, BIOES, BILOU) and the slot's name."""

_GOES_ON, _STAYS_OPEN = "IEL", "BI"

_WORD = re.compile(r"\w")

Place = tuple[int, int]
"""Where a token begins and ends in its text."""


def joined(tokens: Sequence[str]) -> tuple[str, list[Place]]:
    """Return the tokens with one blank between them, and their places.

    >>> joined(["play", "jazz"])
    ('play jazz', [(0, 4), (5, 9)])
    """
    ends = accumulate(tokens, lambda end, token: end + 1 + len(token), initial=-1)
    return " ".join(tokens), [
        (end + 1, end + 1 + len(token)) for end, token in zip(ends, tokens, strict=False)
    ]


def located(text: str, tokens: Sequence[str]) -> list[Place] | None:
    """Return the places of the tokens in a text they are said to come from, None if they do not.

    They must come in order, with nothing but blanks and punctuation between; case may differ.

    >>> located("Play jazz, please!", ["play", "jazz", "please"])
    [(0, 4), (5, 9), (11, 17)]
    """
    return _found(text, tokens) or _found(_lower(text), [token.lower() for token in tokens])


def slots_of(tags: Iterable[str], places: Iterable[Place]) -> list[dict[str, int | str]]:
    """Return the slots that tags mark at the places of their tokens.

    A slot begins at B, and at I where none of its name is open, as in IOB1.

    >>> slots_of(["O", "B-genre", "I-genre"], [(0, 4), (5, 9), (10, 14)])
    [{'start': 5, 'end': 14, 'slot': 'genre'}]
    """
    slots: list[dict[str, int | str]] = []
    running = ""
    for tag, (start, end) in zip(tags, places, strict=True):
        prefix, _, name = tag.partition("-")
        if name and name == running and prefix in _GOES_ON:
            slots[-1]["end"] = end
        elif name:
            slots.append({"start": start, "end": end, "slot": name})
        running = name if prefix in _STAYS_OPEN else ""
    return slots


def _found(text: str, tokens: Sequence[str]) -> list[Place] | None:
    places: list[Place] = []
    end = 0
    for token in tokens:
        start = text.find(token, end)
        if start < 0 or _WORD.search(text, end, start):
            return None
        end = start + len(token)
        places.append((start, end))
    return None if _WORD.search(text, end) else places


def _lower(text: str) -> str:
    """Return the text in lower case, as it is where that would move its characters."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text
