"""Numbers, times and foreign text, worded for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&=@/^])")

_AGES = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3_600, "hour"))


def plain(text: object) -> str:
    """Return `text` such that Markdown shows it letter by letter, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(text).split()))


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
    """Word a measured value with about three digits: `0.123`, `1.2e-07`, `12,300`."""
    if value is None or value != value:
        return "–"
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e7):
        return f"{value:.2e}"
    if size >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if size >= 100 else f"{value:.3f}"


def duration(seconds: float | None) -> str:
    """Word a length of time: `8 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None or seconds != seconds:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def age(moment: str, now: datetime | None = None) -> str:
    """Word how long ago an ISO 8601 moment was: `just now`, `3 hours ago`."""
    then = datetime.fromisoformat(moment)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    for length, unit in (*_AGES, (60, "minute")):
        if seconds >= length:
            return f"{counted(seconds // length, unit)} ago"
    return "just now"
