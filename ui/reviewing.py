"""Deciding about rows: who decides, what was seen, and what to say where others were faster."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from influence_core.errors import InfluenceError
from influence_core.store.review import Action, Decision, Reviews
from influence_core.store.run import Run
from ui import state
from ui.wording import count, counted, plain

REVIEWER = "noise.reviewer"
_OFFERED = "noise.offered"

NOTICE = "noise.notice"
_HERE = "noise.here"

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

    Nobody decides without a name, and nothing is replaced that the reviewer has not seen. `last` is
    the reviewer's newest act as it was shown; undo takes back no other one.
    """

    reviews: Reviews
    standing: Mapping[str, Decision]
    reviewer: str | None = None
    last: Sequence[Decision] = ()

    def seat(self, reviewer: str | None) -> Desk:
        """Return the desk as it is for a reviewer, with what that one did last."""
        last = self.reviews.last(reviewer) if reviewer else ()
        return replace(self, reviewer=reviewer, last=last)

    @property
    def replaced(self) -> int:
        """How many decisions of the last act others have replaced: undo leaves those rows."""
        return sum(self.standing.get(one.id) != one for one in self.last)

    def decide(
        self, rows: Mapping[str, str], action: Action, new: Mapping[str, str], then: str | None
    ) -> None:
        """Say the same of some rows, leave out those that were decided since, go to row `then`."""
        _try(lambda: self._decide(rows, action, new, then))

    def undo(self) -> None:
        """Take back the act that was shown as the last, and go to the row that it was about."""
        _try(self._undo)

    def made_here(self, decision: Decision) -> bool:
        """Say whether a decision was made in this window, whatever the name of the reviewer."""
        return decision.act in self._acts

    @property
    def _acts(self) -> set[int]:
        acts: set[int] = st.session_state.setdefault(f"{_HERE} {self.reviews.run.path}", set())
        return acts

    def _decide(
        self, rows: Mapping[str, str], action: Action, new: Mapping[str, str], then: str | None
    ) -> None:
        labels = {id: new[id] for id in rows} if action == "relabel" else None
        act = self.reviews.decide(rows, action, self.reviewer or "", labels, self.standing)
        if act.number is not None:
            self._acts.add(act.number)
        if act.left_alone:
            st.session_state[NOTICE] = self._left_alone(list(act.left_alone.values()), len(rows))
        state.put("at", then)

    def _left_alone(self, taken: Sequence[Decision], asked: int) -> str:
        """Say whose decisions were met, of how many rows that were asked about."""
        if asked == 1:
            return self._met(taken[0])
        names = ", ".join(sorted({self._who(one) for one in taken}))
        others = "; the others got your decision" if len(taken) < asked else ""
        return (
            f"{names} decided about {counted(len(taken), 'row')} of these meanwhile. "
            f"That stands{others}."
        )

    def _met(self, one: Decision) -> str:
        became = f" to {plain(one.new_label)}" if one.new_label else ""
        since = "already" if self.made_here(one) else "while you looked at it"
        return (
            f"{self._who(one)} decided about this row {since}: {DONE[one.action]}{became}. "
            "That stands; find it among the decided rows to change it."
        )

    def _who(self, one: Decision) -> str:
        return "You" if self.made_here(one) else plain(one.reviewer)

    def _undo(self) -> None:
        if not self.last:
            return
        undone = self.reviews.undo(self.reviewer or "", self.last[0].act)
        if not undone:
            st.session_state[NOTICE] = "Nothing was taken back: this was no longer the last act."
        if len(undone) == 1:
            state.put("at", undone[0].id)


def open_desk(run: Run) -> Desk:
    """Return what has been decided so far; nobody sits there yet."""
    reviews = Reviews(run)
    return Desk(reviews, reviews.standing())


def take_seat(desk: Desk) -> Desk:
    """Draw who reviews. Once several people have decided, that must be said."""
    known, own = {one.reviewer for one in desk.standing.values()}, _account()
    _offer(desk, known or {own})
    name = st.selectbox(
        "Reviewer",
        sorted({*known, own, st.session_state.get(REVIEWER) or own}),
        index=None,
        key=REVIEWER,
        on_change=_choose,
        accept_new_options=True,
        placeholder="Who are you?",
        persist_state="session",
        help="Kept with every decision. Choose a name, or type a new one. Several people can "
        "review at once.",
    )
    seated = desk.seat((name or "").strip() or None)
    mine = offered() is None or all(map(desk.made_here, seated.last))
    return seated if mine else replace(seated, last=())


def _offer(desk: Desk, names: set[str]) -> None:
    """Seat the reviewer under the only name there is, until somebody else decides under it."""
    session = st.session_state
    if REVIEWER not in session and len(names) == 1:
        session[REVIEWER] = session[_OFFERED] = next(iter(names))
    name = offered()
    if not name:
        return
    entered = session.setdefault(f"{_OFFERED} {desk.reviews.run.path}", desk.reviews.version())
    since = (one for one in _said_as(desk, name) if one.act > entered)
    if not all(map(desk.made_here, since)):
        _choose()
        session[REVIEWER] = None
        session.setdefault(NOTICE, f"Somebody else decides as {plain(name)}: say who you are.")


def offered() -> str | None:
    """Return the name under which somebody sits without having said that it is theirs."""
    name: str | None = st.session_state.get(_OFFERED)
    return name


def _said_as(desk: Desk, name: str) -> list[Decision]:
    """Return what stands under a name, and what was done under it last."""
    standing = [one for one in desk.standing.values() if one.reviewer == name]
    return [*standing, *desk.reviews.last(name)]


def _choose() -> None:
    """Remember that the name is no longer only an offer."""
    st.session_state.pop(_OFFERED, None)


def notice() -> bool:
    """Draw what the last act could not do, once; say whether there was something."""
    told: str | None = st.session_state.pop(NOTICE, None)
    if told:
        st.warning(told, icon=":material/group:")
    return bool(told)


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


def _try(act: Callable[[], None]) -> None:
    """Do what a button asks; a reason not to is shown in the next moment."""
    try:
        act()
    except InfluenceError as error:
        st.session_state[NOTICE] = plain(error)
