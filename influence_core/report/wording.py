"""Numbers and foreign text as people read them: on pages, in charts and in reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import floor, isfinite, log10
from statistics import median
from unicodedata import category

SMALLEST, LARGEST = 1e-5, 1e7
"""Magnitudes between which a column is written without powers of ten."""

MORE_DIGITS = 3
"""Digits beyond the third that a column gets where its values lie close to each other."""

DECIDED = {"keep": "kept", "relabel": "relabelled", "drop": "dropped", "skip": "left open"}
"""What reviewers did to a row, by their action."""

_UNSEEN = ("Cc", "Cs", "Cn")
"""Characters that a document may not hold."""

_TURNING = frozenset("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
"""Characters that turn the direction of the text after them."""


def short(text: object, length: int = 60) -> str:
    """Return `text` on one line of at most `length` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def count(number: float | None) -> str:
    """Word a whole number: `12,345`."""
    return "–" if number is None else f"{int(number):,}"


def counted(number: float, noun: str, nouns: str | None = None) -> str:
    """Word a number of things: `1 row`, `12,345 rows`."""
    return f"{count(number)} {noun if int(number) == 1 else nouns or noun + 's'}"


def percent(share: float | None, digits: int = 1) -> str:
    """Word a share of one: `12.3%`."""
    return "–" if share is None or share != share else f"{100 * share:.{digits}f}%"


def figure(value: float | None) -> str:
    """Word a measured value with three digits: `0.00123`, `12.3`, `12,300`; `–` where missing."""
    return figures([value])[0]


def figures(values: Iterable[float | None]) -> list[str]:
    """Word the values of a column with the same decimals, so that they can be told apart.

    The median magnitude gets three digits; values that lie close to each other get more. A column
    far below or above one is written with powers of ten throughout, whole numbers stay whole.
    """
    listed = list(values)
    known = [float(value) for value in listed if value is not None and isfinite(value)]
    write = _notation(known)
    return [write(value) if value is not None and isfinite(value) else "–" for value in listed]


def points(share: float) -> str:
    """Word a difference of shares in percentage points, with its sign: `+0.4`, `−1.5`."""
    rounded = round(100 * share, 1)
    return f"{'−' if rounded < 0 else '+' if rounded > 0 else ''}{abs(rounded):.1f}"


def between(low: float, high: float, digits: int = 1) -> str:
    """Word an interval of shares: `2.1–4.0%`.

    >>> between(0.021, 0.04)
    '2.1–4.0%'
    """
    return f"{100 * low:.{digits}f}–{percent(high, digits)}"


def sentence(words: str) -> str:
    """Return words with a capital at their beginning, and nothing else changed."""
    return words[:1].upper() + words[1:]


def excerpt(text: object, length: int = 240) -> str:
    """Return the beginning of a text on one line, without characters that harm what is around.

    >>> excerpt("turn\\non \\x00 the lamp", 12)
    'turn on � t…'
    """
    return "".join(_harmless(letter) for letter in short(text, length))


def _harmless(letter: str) -> str:
    return "�" if letter in _TURNING or category(letter) in _UNSEEN else letter


def _notation(known: list[float]) -> Callable[[float], str]:
    sizes = [abs(value) for value in known if value]
    usual = median(sizes) if sizes else 1.0
    if sizes and not SMALLEST <= usual < LARGEST:
        return lambda value: f"{value:.2e}"
    if all(value.is_integer() for value in known):
        return lambda value: f"{value:,.0f}"
    decimals = max(_decimals(usual, 3), 0)
    if spread := max(known) - min(known):
        decimals = max(decimals, min(_decimals(spread, 2), decimals + MORE_DIGITS))
    # Adding 0 turns the -0.0 of a small negative value into 0.
    return lambda value: f"{round(value, decimals) + 0.0:,.{decimals}f}"


def _decimals(size: float, digits: int) -> int:
    """Return how many decimals show `digits` digits of a number of that size."""
    return digits - 1 - floor(log10(size))
