"""Deciding about rows: who decides, what was seen, and what to say where others were faster."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import streamlit as st

from influence_core.errors import InfluenceError
from influence_core.store.review import Action, Decision, Reviews
from influence_core.store.run import Run
from ui import state
from ui.wording import count, counted, plain

REVIEWER = "noise.reviewer"
_NOTICE = "noise.notice"

DONE: dict[Action, str] = {
    "keep": "kept",
    "relabel": "relabelled",
    "drop": "dropped",
    "skip": "skipped",
}
"""What became of a row, in a word."""


@dataclass(frozen=True)
class Desk:
    """The decisions that one reviewer sees: those that stood when the page was drawn.

    Nobody decides without a name, and nothing is replaced that the reviewer has not seen.
    """

    reviews: Reviews
    standing: Mapping[str, Decision]
    reviewer: str | None = None

    @property
    def last(self) -> list[Decision]:
        """The reviewer's newest decisions that stand: what undo would take back."""
        own = [one for one in self.standing.values() if one.reviewer == self.reviewer]
        newest = max((one.act for one in own), default=0)
        return [one for one in own if one.act == newest]

    def decide(
        self, rows: Mapping[str, str], action: Action, new: Mapping[str, str], then: str | None
    ) -> None:
        """Say the same of some rows, leave out those that were decided since, go to row `then`."""
        _try(lambda: self._decide(rows, action, new, then))

    def undo(self) -> None:
        """Take back the reviewer's newest act, and go to the row that it was about."""
        _try(self._undo)

    def _decide(
        self, rows: Mapping[str, str], action: Action, new: Mapping[str, str], then: str | None
    ) -> None:
        since = self._decided_since(rows)
        left = {id: label for id, label in rows.items() if id not in since}
        others = {id: one for id, one in since.items() if one.reviewer != self.reviewer}
        if others:
            st.session_state[_NOTICE] = _left_alone(others, alone=len(rows) == 1)
        if left:
            labels = {id: new[id] for id in left} if action == "relabel" else None
            self.reviews.decide(left, action, self.reviewer or "", labels)
        if left or others:
            state.put("at", then)

    def _decided_since(self, rows: Iterable[str]) -> dict[str, Decision]:
        """Return newer decisions than those that were seen: of others, or of a second click."""
        now = self.reviews.standing()
        seen = {id: one.number for id, one in self.standing.items()}
        return {id: now[id] for id in rows if id in now and now[id].number != seen.get(id)}

    def _undo(self) -> None:
        if replace(self, standing=self.reviews.standing()).last != self.last:
            return
        undone = self.reviews.undo(self.reviewer or "")
        if len(undone) == 1:
            state.put("at", undone[0].id)


def open_desk(run: Run) -> Desk:
    """Return what has been decided so far; nobody sits there yet."""
    reviews = Reviews(run)
    return Desk(reviews, reviews.standing())


def take_seat(desk: Desk) -> Desk:
    """Draw who reviews. Where others reviewed before, that must be said."""
    known, own = {one.reviewer for one in desk.standing.values()}, _account()
    if REVIEWER not in st.session_state and known <= {own}:
        st.session_state[REVIEWER] = own
    name = st.selectbox(
        "Reviewer",
        sorted({*known, own, st.session_state.get(REVIEWER) or own}),
        index=None,
        key=REVIEWER,
        accept_new_options=True,
        placeholder="Who are you?",
        persist_state="session",
        help="Kept with every decision. Choose a name, or type a new one. Several people can "
        "review at once.",
    )
    return replace(desk, reviewer=(name or "").strip() or None)


def notice() -> None:
    """Draw what the last act could not do."""
    if told := st.session_state.pop(_NOTICE, None):
        st.warning(told, icon=":material/group:")


def changes(decisions: Iterable[Decision]) -> str:
    """Word what decisions change in the data, as `3 rows: 2 relabelled, 1 dropped`; or nothing."""
    found = Counter(one.action for one in decisions if one.action in ("relabel", "drop"))
    told = [
        f"{count(found[action])} {DONE[action]}" for action in ("relabel", "drop") if found[action]
    ]
    return f"{counted(found.total(), 'row')}: {', '.join(told)}" if told else ""


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "reviewer"


def _left_alone(taken: Mapping[str, Decision], alone: bool) -> str:
    """Say whose decisions were met; `alone` where it is about a single row."""
    if alone:
        one = next(iter(taken.values()))
        became = f" to {plain(one.new_label)}" if one.new_label else ""
        return (
            f"{plain(one.reviewer)} decided about this row while you looked at it: "
            f"{DONE[one.action]}{became}. That stands; find it among the decided rows to change it."
        )
    names = ", ".join(sorted({plain(one.reviewer) for one in taken.values()}))
    return (
        f"{names} decided about {counted(len(taken), 'row')} of these meanwhile. "
        "That stands; the others got your decision."
    )


def _try(act: Callable[[], None]) -> None:
    """Do what a button asks; a reason not to is shown in the next moment."""
    try:
        act()
    except InfluenceError as error:
        st.session_state[_NOTICE] = plain(error)
