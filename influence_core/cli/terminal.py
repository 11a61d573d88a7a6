"""What the terminal shows: text that cannot misbehave, tables, and the progress of long work."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydantic_core import to_json
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from influence_core.progress import Event, Listener, Pace, duration

PIPE_WIDTH = 240
"""Columns of a line where the output is no terminal."""

EXCERPT = 100
"""Letters of a text that a line shows."""

PLAIN_SECONDS = 5.0
"""Time between two lines about one stage where the output is no terminal."""


def output() -> Console:
    """Return the console for results. Text of a dataset is shown as it is: no markup, no emoji."""
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(markup=False, emoji=False, highlight=False, width=width)


def errors() -> Console:
    """Return the console for messages and progress."""
    return Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)


def plain(text: object) -> str:
    """Return `text` with its control characters spelled out, lines kept.

    >>> plain("red \\x1b[31m")
    'red \\\\x1b[31m'
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1]
        for letter in str(text)
    )


def known(number: Any, digits: str) -> str:
    """Word a number; nothing where there is none."""
    return "" if number != number else f"{number:{digits}}"


def excerpt(text: str, text_pair: str | None) -> str:
    """Return the beginning of a text, or of a pair, on one line."""
    parts = (part for part in (text, text_pair) if part is not None)
    joined = " | ".join(" ".join(part.split()) for part in parts)
    return joined if len(joined) <= EXCERPT else joined[: EXCERPT - 1] + "…"


def table(*columns: str) -> Table:
    """Return an empty table; columns whose name ends in '#' hold numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        number = column.endswith("#")
        made.add_column(column.removesuffix("#"), justify="right" if number else "left")
    return made


def fill(made: Table, rows: Iterable[Sequence[object]]) -> Table:
    """Add rows of any values to a table."""
    for row in rows:
        made.add_row(*(plain(value) for value in row))
    return made


def print_json(value: Any) -> None:
    """Write JSON to standard output, for scripts; what is no number is null."""
    sys.stdout.write(to_json(value, indent=2, inf_nan_mode="null").decode() + "\n")


@contextmanager
def reporting() -> Iterator[Listener]:
    """Yield a listener that draws bars on a terminal and writes lines anywhere else."""
    console = errors()
    if not console.is_terminal:
        yield Lines(console)
        return
    with bars_on(console) as bars:
        yield Bars(bars)


def bars_on(console: Console) -> Progress:
    """Return the bars of a terminal, without a task yet."""
    return Progress(
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}", markup=False),
        TextColumn("{task.fields[figures]}", markup=False),
        console=console,
    )


class Bars:
    """One bar a stage, with the time left."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._pace: Pace | None = None

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if event.kind in ("load", "message"):
            self._bars.console.print(plain(event.message))
            return
        self._pace = Pace.after(event, self._pace)
        if event.kind == "begin" or self._task is None:
            self._task = self._bars.add_task(
                event.stage, total=event.total or None, unit=event.unit, left="", figures=""
            )
        done = (event.total or event.done) if event.kind == "end" else event.done
        left = "" if event.kind == "end" else _left(self._pace, event)
        self._bars.update(self._task, completed=done, left=left)
        if event.values:
            self._bars.update(self._task, figures=_figures(event))
        if event.kind == "end":
            self._bars.update(self._task, total=done)


class Lines:
    """A line when a stage begins and ends, and now and then between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = 0.0
        self._last = 0.0
        self._pace: Pace | None = None

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self._pace = Pace.after(event, self._pace)
        if event.kind == "begin":
            self._began = event.time
        if event.kind != "advance" or event.time - self._last >= PLAIN_SECONDS:
            self._last = event.time
            self._console.print(plain(self._line(event)))

    def _line(self, event: Event) -> str:
        if event.kind in ("load", "message"):
            return event.message
        elapsed = event.time - self._began
        if event.kind == "begin":
            return f"{event.stage}: {event.total:,} {event.unit}"
        if event.kind == "end":
            return f"{event.stage}: done in {duration(elapsed)} {_figures(event)}".rstrip()
        done = f"{event.stage}: {event.done:,} of {event.total:,} {event.unit}"
        return ", ".join(filter(None, (done, _left(self._pace, event), _figures(event))))


def _left(pace: Pace | None, event: Event) -> str:
    left = None if pace is None else pace.seconds_left(event.time, event.done, event.total)
    return f"{duration(left)} left" if left else ""


def _figures(event: Event) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in event.values.items())
