"""Slots of a text: read from data, checked, and turned into tags of tokens and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import index
from typing import Any, NamedTuple

import numpy as np

from influence_core.data.findings import ROWS_SHOWN, counted
from influence_core.errors import DataError, rule
from influence_core.store.run import Finding

OUTSIDE = "O"
"""Tag of a token that belongs to no slot."""

Offset = tuple[int, int]


class Slot(NamedTuple):
    """A named stretch of a text, from the character `start` to that before `end`."""

    start: int
    end: int
    name: str

    def overlaps(self, other: Slot) -> bool:
        """Whether the two have a character in common."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What is understood of a text, by who labelled it or by a model.

    `slots` stand in the order of the text and do not overlap.
    """

    text: str
    domain: str
    intent: str
    slots: tuple[Slot, ...] = ()

    def value(self, slot: Slot) -> str:
        """Return the characters of a slot."""
        return self.text[slot.start : slot.end]


def interpretations(
    texts: Iterable[str],
    domains: Iterable[str],
    intents: Iterable[str],
    slots: Iterable[Any] | None = None,
) -> list[Interpretation]:
    """Put the columns of a dataset together, row by row; without `slots` no row has any.

    Raises:
        DataError: slots of a row cannot be read, as `read_slots` tells.
    """
    sentences = list(texts)
    read = [()] * len(sentences) if slots is None else read_slots(slots, sentences)
    rows = zip(sentences, domains, intents, read, strict=True)
    return [Interpretation(*row) for row in rows]


def read_slots(values: Iterable[Any], texts: Iterable[str]) -> list[tuple[Slot, ...]]:
    """Read the slots of every row, as `slots_of` does.

    Raises:
        DataError: those of some rows cannot be read; it tells how many, and of the first ones why.
            Rows are numbered from 1.
    """
    read: list[tuple[Slot, ...]] = []
    problems: list[tuple[int, str]] = []
    for number, (value, text) in enumerate(zip(values, texts, strict=True), start=1):
        try:
            read.append(slots_of(value, text))
        except DataError as error:
            problems.append((number, str(error)))
    if problems:
        raise _unreadable(problems)
    return read


def slots_of(value: Any, text: str) -> tuple[Slot, ...]:
    """Read the slots of a text, in the order of the text, without blanks at their ends.

    Args:
        value: a list of `{start, end, slot}`, as Arrow's lists of structs give it, or JSON text of
            one; nothing, or an empty text, is no slots. `start` and `end` count characters, half
            open.
        text: the text they lie in.

    Raises:
        DataError: it is something else, or a slot lies outside the text, is empty, has no name, or
            overlaps another.

    >>> slots_of('[{"start": 5, "end": 11, "slot": "artist"}]', "play adele")
    Traceback (most recent call last):
    influence_core.errors.DataError: 'end' must be at most 10, the length of the text; got 11.
    """
    slots = sorted(_slot(one, text) for one in _entries(value))
    for before, after in pairwise(slots):
        if before.overlaps(after):
            must = f"be at least {before.end}, where slot {before.name!r} ends"
            raise DataError(rule("start", must, after.start))
    return tuple(slots)


def tags(offsets: Sequence[Offset], slots: Sequence[Slot]) -> list[str]:
    """Tag the tokens of a text: `B-name` where a slot begins, `I-name` where it goes on, else `O`.

    A token belongs to the slot with which it shares most characters, to the first of equals. Tokens
    without characters, as special ones with (0, 0), are `O`: leave them out of a loss by their
    offsets. A slot to which no token belongs, beyond the end of a text cut short, has no tag.

    Args:
        offsets: first character of each token and that after its last, as the `offset_mapping` of
            a fast tokenizer.
        slots: those of the text.

    >>> tags([(0, 0), (0, 4), (5, 8), (8, 10), (0, 0)], [Slot(5, 10, "artist")])
    ['O', 'O', 'B-artist', 'I-artist', 'O']
    """
    told = [OUTSIDE] * len(offsets)
    last = -1
    for place, (start, end) in enumerate(offsets):
        owner = _owner(start, end, slots)
        if owner is not None:
            told[place] = f"{'I' if owner == last else 'B'}-{slots[owner].name}"
            last = owner
    return told


def spans(
    tags: Sequence[str], offsets: Sequence[Offset], text: str | None = None
) -> tuple[Slot, ...]:
    """Return the slots that the tags of tokens tell, in the order of the text.

    Whatever tags a model gives make slots: `I-` after `O`, or after another name, begins one.
    Tokens without characters are passed over, wherever they stand. A token that begins within the
    slot before it, as one of several bytes of one character, is part of that slot.

    Args:
        tags: tag of each token.
        offsets: first character of each token and that after its last.
        text: where it is given, blanks at the ends of slots are left out: some tokenizers count
            the blank before a word as the word's.

    Raises:
        DataError: there are not as many tags as tokens, or one is none of `O`, `B-name`, `I-name`.

    >>> spans(["I-artist", "I-artist", "I-song"], [(0, 5), (6, 9), (10, 14)])
    (Slot(start=0, end=9, name='artist'), Slot(start=10, end=14, name='song'))
    """
    if len(tags) != len(offsets):
        raise DataError(rule("tags", f"be as many as the tokens, {len(offsets)}", len(tags)))
    found: list[Slot] = []
    going_on = ""
    for tag, (start, end) in zip(tags, offsets, strict=True):
        begins, name = _parsed(tag)
        if start == end:
            continue
        if found and name and (start < found[-1].end or (name == going_on and not begins)):
            found[-1] = found[-1]._replace(end=end)
            going_on = found[-1].name
            continue
        if name:
            found.append(Slot(start, end, name))
        going_on = name
    if text is not None:
        found = [_trimmed(slot, text) for slot in found]
    return tuple(slot for slot in found if slot.start < slot.end)


def _entries(value: Any) -> list[Any]:
    """Return what should be the slots one by one."""
    known = value
    if isinstance(value, str):
        try:
            known = json.loads(value) if value.strip() else []
        except (ValueError, RecursionError):
            known = value
    if known is None or (isinstance(known, float) and np.isnan(known)):
        return []
    if isinstance(known, list | tuple | np.ndarray):
        return list(known)
    raise DataError(rule("slots", "be a list of {start, end, slot}, or JSON of one", _cut(value)))


def _slot(entry: Any, text: str) -> Slot:
    if not isinstance(entry, Mapping) or not {"start", "end", "slot"} <= entry.keys():
        raise DataError(rule("slots", "hold start, end and slot of each", _cut(entry)))
    start, end = (_place(name, entry[name]) for name in ("start", "end"))
    name = entry["slot"]
    if not isinstance(name, str) or not name.strip():
        raise DataError(rule("slot", "be a name", name))
    if start < 0:
        raise DataError(rule("start", "be at least 0", start))
    if end > len(text):
        raise DataError(rule("end", f"be at most {len(text)}, the length of the text", end))
    if end <= start:
        raise DataError(rule("end", f"be above {start}, where the slot starts", end))
    slot = _trimmed(Slot(start, end, name.strip()), text)
    if slot.end <= slot.start:
        raise DataError(rule("end", "leave the slot more than blanks", end))
    return slot


def _place(name: str, value: Any) -> int:
    try:
        if not isinstance(value, bool):
            return index(value)
    except TypeError:
        pass
    raise DataError(rule(name, "be a whole number", value))


def _trimmed(slot: Slot, text: str) -> Slot:
    """Return a slot without blanks at its ends; one of blanks alone becomes empty."""
    value = text[slot.start : slot.end]
    end = slot.start + len(value.rstrip())
    return Slot(end - len(value.strip()), end, slot.name)


def _owner(start: int, end: int, slots: Sequence[Slot]) -> int | None:
    """Return the place of the slot that shares most characters with a token."""
    owner, most = None, 0
    for place, slot in enumerate(slots):
        shared = min(end, slot.end) - max(start, slot.start)
        if shared > most:
            owner, most = place, shared
    return owner


def _parsed(tag: str) -> tuple[bool, str]:
    """Return whether a tag begins a slot, and the slot's name, empty for `O`."""
    if tag == OUTSIDE:
        return False, ""
    prefix, _, name = tag.partition("-")
    if prefix not in ("B", "I") or not name:
        raise DataError(rule("tags", "be 'O', 'B-name' or 'I-name'", tag))
    return prefix == "B", name


def _unreadable(problems: Sequence[tuple[int, str]]) -> DataError:
    lines = [f"row {number}: {message}" for number, message in problems[:ROWS_SHOWN]]
    rest = [f"and {len(problems) - ROWS_SHOWN} more"] if len(problems) > ROWS_SHOWN else []
    head = f"Slots cannot be read in {counted(len(problems))}:"
    message = "\n- ".join([head, *lines, *rest])
    rows = tuple(number for number, _ in problems[:ROWS_SHOWN])
    finding = Finding(level="error", check="slots", message=message, count=len(problems), rows=rows)
    return DataError(message, (finding,))


def _cut(value: Any) -> Any:
    """Return a value as an error may show it."""
    shown = repr(value)
    return value if len(shown) <= 80 else f"{shown[:80]}…"
