"""Progress of long work: one stream of events for the log file, the terminal and the dashboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["load", "begin", "advance", "end", "message"]


class Event(BaseModel):
    """One thing that happened: a stage began, moved on or ended, or a message for the user.

    Before a stage begins something may have to be loaded first; `message` says what.
    `done` of `total` `unit`s are finished; `values` holds figures such as the loss.
    """

    model_config = ConfigDict(frozen=True)

    time: float
    kind: Kind
    stage: str
    done: int = 0
    total: int = 0
    unit: str = "rows"
    message: str = ""
    values: dict[str, float] = {}


Listener = Callable[[Event], None]

STEADY_SECONDS = 20.0
"""Time from which the speed of a stage is known, however little of it is done."""

SURE_SHARE = 0.05
"""Share of a stage from which its speed is known after `SHORT_SECONDS`."""

SHORT_SECONDS = 2.0


class Pace(BaseModel):
    """When a stage was first seen to move, and how much was done then.

    What comes before, as the start of processes, says nothing of its speed.
    """

    model_config = ConfigDict(frozen=True)

    time: float
    done: int

    @classmethod
    def after(cls, event: Event, before: Pace | None) -> Pace | None:
        """Return the pace of the stage at work after an event."""
        if event.kind in ("load", "begin"):
            return None
        moved = event.kind == "advance" and event.done > 0
        return cls(time=event.time, done=event.done) if before is None and moved else before

    def seconds_left(self, time: float, done: int, total: int) -> float | None:
        """Estimate how long the stage takes still; None while too little is known."""
        elapsed, moved = time - self.time, done - self.done
        sure = elapsed >= SHORT_SECONDS and done >= SURE_SHARE * total
        if moved <= 0 or done > total or not (sure or elapsed >= STEADY_SECONDS):
            return None
        return elapsed * (total - done) / moved


class Progress:
    """Hands throttled events to listeners.

    A listener may raise `Cancelled` to stop the work at the next event.
    """

    def __init__(self, *listeners: Listener, interval: float = 0.25) -> None:
        self._listeners = listeners
        self._interval = interval
        self._last = 0.0
        self._stage = ""
        self._within = ""
        self._done = 0
        self._total = 0
        self._unit = "rows"

    @property
    def done(self) -> int:
        """Units counted since the stage began."""
        return self._done

    def enter(self, stage: str) -> None:
        """Tell everything that follows under the name of `stage`, whatever its parts are called."""
        self._within = stage

    def load(self, what: str) -> None:
        """Say what is loaded before the stage entered begins; how long that takes is not known."""
        self._stage = self._within or self._stage
        self._done, self._total = 0, 0
        self._emit("load", what)

    def begin(self, stage: str, total: int, unit: str = "rows") -> None:
        """Open a stage, or a part of the one entered, of `total` units."""
        self._stage = self._within or stage
        self._done, self._total, self._unit = 0, total, unit
        self._emit("begin")

    def advance(self, by: int = 1, **values: float) -> None:
        """Count `by` more units as done; events closer than the interval are merged."""
        self._done += by
        if values or time.monotonic() - self._last >= self._interval:
            self._emit("advance", values=values)

    def end(self, **values: float) -> None:
        """Close the stage."""
        self._emit("end", values=values)

    def message(self, text: str) -> None:
        """Say something to the user."""
        self._emit("message", text)

    def _emit(self, kind: Kind, message: str = "", values: Mapping[str, Any] | None = None) -> None:
        self._last = time.monotonic()
        event = Event(
            time=time.time(),
            kind=kind,
            stage=self._stage,
            done=self._done,
            total=self._total,
            unit=self._unit,
            message=message,
            values=dict(values or {}),
        )
        for listener in self._listeners:
            listener(event)


def relayed(progress: Progress, title: str, stages: Collection[str]) -> Listener:
    """Return a listener that tells the progress of a larger work what goes on in a part of it.

    Only `stages` are told, each under `title`; the others still ask whether to go on.
    """

    def listen(event: Event) -> None:
        if event.stage not in stages:
            progress.advance(0)
        elif event.kind == "load":
            progress.load(event.message)
        elif event.kind == "begin":
            progress.begin(f"{title} {event.stage}", event.total, event.unit)
        elif event.kind == "advance":
            progress.advance(event.done - progress.done, **event.values)
        elif event.kind == "end":
            progress.end(**event.values)
        else:
            progress.message(f"{title} {event.message}")

    return listen


def silent() -> Progress:
    """Return a progress that nobody listens to."""
    return Progress()


def duration(seconds: float | None) -> str:
    """Word a length of time; `–` where it is not known.

    >>> duration(8.25), duration(200), duration(7500)
    ('8.2 s', '3 min 20 s', '2 h 5 min')
    """
    if seconds is None or seconds != seconds:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
