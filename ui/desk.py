"""The review desk: which rows are looked at, the one in focus, and the list of those shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import streamlit as st

from influence_core.noise.detectors import DETECTORS
from influence_core.store.review import Decision
from influence_core.store.rows import texts
from influence_core.store.run import Run
from ui import access, case, noise, queries, rows, state
from ui.case import ACTIONS
from ui.reviewing import DONE, Desk, notice, take_seat
from ui.shell import Lens
from ui.suspects import CONSENSUS, Rows, Suspect, Suspects, Wanted
from ui.tables import choose_row, letters
from ui.wording import count, counted, short

Integers = npt.NDArray[np.int64]

SHOWN = (10, 25, 50)
"""How many rows are listed, and decided about at once on request."""

WIDE = 138
"""Pixels of a text in the list; the card shows all of it."""

_ROWS: dict[Rows, str] = {"open": "To review", "skipped": "Skipped", "decided": "Decided"}

_LEAST = {"": "any", "0.5": "50%", "0.8": "80%", "0.9": "90%", "0.95": "95%", "0.99": "99%"}


def controls(suspects: Suspects, desk: Desk) -> tuple[Wanted, Desk]:
    """Draw which rows are looked at, in which order, and by whom."""
    judges = [CONSENSUS, *suspects.facts.detectors]
    for name, options in (("rows", list(_ROWS)), ("judge", judges), ("least", list(_LEAST))):
        state.settle(name, options)
    which, judge, least, seat = st.columns([1.6, 1, 1, 1], vertical_alignment="bottom", gap="small")
    which.segmented_control(
        "Rows", list(_ROWS), format_func=_ROWS.get, key="rows", required=True, **_restart()
    )
    judge.selectbox(
        "Ranked by",
        judges,
        format_func=judge_name,
        key="judge",
        help="A detector is one way to tell that a label looks wrong; the part 'How reliable' "
        "explains each. The consensus is the mean of them.",
        **_restart(),
    )
    least.selectbox(
        "Suspicion from",
        list(_LEAST),
        format_func=_LEAST.get,
        key="least",
        help="90% shows the tenth of the training rows whose label looks most like a wrong one, by "
        "what they are ranked by.",
        **_restart(),
    )
    if not access.read_only():
        with seat:
            desk = take_seat(desk)
    _kept_before(suspects)
    wanted = Wanted(
        rows=state.get("rows"),
        judge=state.get("judge"),
        least=float(state.get("least") or 0),
        kept=state.get("kept"),
    )
    return wanted, desk


def _kept_before(suspects: Suspects) -> None:
    """Draw whether rows come again that an earlier review kept, where there are any."""
    if suspects.earlier is None or state.get("rows") != "open":
        return
    rows = counted(len(suspects.earlier.kept), "row")
    st.toggle(
        f"Show also the {rows} already kept in {case.review_of(suspects.earlier)}",
        key="kept",
        help="Somebody looked at them and found their label right. They are left out of the queue, "
        "so that nobody judges them twice.",
        **_restart(),
    )


def judge_name(key: str) -> str:
    """Return what the consensus or a detector is called."""
    return "Consensus" if key == CONSENSUS else DETECTORS[key].label


def review(view: Lens, suspects: Suspects, desk: Desk) -> None:
    """Draw the row in focus, and the rows in view that are shown with it."""
    wanted, desk = controls(suspects, desk)
    if access.read_only():
        notice()
    query, run = view.query(), view.run
    kept = rows.kept(run, query) if query.filtered else None
    queue = suspects.queue(wanted, desk.standing, kept)
    linked = suspects.place(state.get("at"))
    if linked is None and not len(queue):
        _nothing(wanted, query.filtered)
        return
    card, listing = st.columns([1.55, 1], gap="medium")
    with listing, st.container(key="suspects"):
        shown = _listing(run, suspects, desk, wanted, queue)
        if query.filtered:
            st.caption("Only rows in view are in the queue: class, text, selection and filters.")
        noise.down_the_queue(suspects, desk)
    focus = suspects.suspect(int(queue[0]) if linked is None else linked, wanted.judge)
    with card:
        case.show(run, suspects, desk, focus, _next(shown, focus, wanted))


def _restart() -> dict[str, object]:
    """Return what every control shares: it leads back to the first row."""
    return {"persist_state": "session", "on_change": state.put, "args": ("at", None)}


def _nothing(wanted: Wanted, narrowed: bool) -> None:
    notice()
    of = "row in view" if narrowed else "row"
    with st.container(border=True):
        if wanted.rows != "open":
            st.markdown(f"**No {of} is {_ROWS[wanted.rows].lower()}.**")
        else:
            st.markdown(f"**No {of} is left to review.**")
            st.write("Choose a lower suspicion, or go on with what was decided.")
        if narrowed:
            st.button("Show all rows", icon=":material/close:", on_click=rows.show_all)


def _next(shown: Sequence[Suspect], focus: Suspect, wanted: Wanted) -> str | None:
    """Return the row to go to after that in focus; None stands for the first of the queue."""
    ids = [one.id for one in shown]
    place = ids.index(focus.id) if focus.id in ids else -1
    if place < 0 or place + 1 == len(ids) or (place == 0 and wanted.rows == "open"):
        return None
    return ids[place + 1]


def _listing(
    run: Run, suspects: Suspects, desk: Desk, wanted: Wanted, queue: Integers
) -> list[Suspect]:
    """Draw the first rows of the queue and what can be said of all of them; return them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_how_many(suspects, wanted, queue), width="stretch")
        number = st.selectbox(
            "Rows shown",
            SHOWN,
            format_func=lambda number: f"{number} shown",
            key="noise.shown",
            label_visibility="collapsed",
            persist_state="session",
            width=120,
        )
    if beside := _beside(suspects, wanted, queue):
        st.caption(beside)
    shown = [suspects.suspect(place, wanted.judge) for place in queue[:number]]
    if shown:
        _table(run, shown, desk.standing, wanted)
        if not access.read_only():
            _all_shown(desk, shown)
    return shown


def _how_many(suspects: Suspects, wanted: Wanted, queue: Integers) -> str:
    """Say how many rows are asked for: of those to review, how many are likely wrong."""
    if wanted.rows != "open" or not suspects.likely:
        return f"**{counted(len(queue), 'row')}** {_ROWS[wanted.rows].lower()}"
    left = _likely(suspects, queue)
    return (
        f"**{count(left)} likely wrong** to review"
        if left
        else "**No likely wrong label to review here**"
    )


def _beside(suspects: Suspects, wanted: Wanted, queue: Integers) -> str:
    """Say what the queue has beside the rows that are likely wrong, if anything."""
    beside = len(queue) - _likely(suspects, queue)
    if wanted.rows != "open" or not suspects.likely or not beside:
        return ""
    return f"The queue also has {counted(beside, 'row')} that the consensus suspects less."


def _likely(suspects: Suspects, queue: Integers) -> int:
    """Count the rows of a queue that are among those likely wrong."""
    return int((queue < suspects.likely).sum())


def _table(
    run: Run, shown: Sequence[Suspect], standing: Mapping[str, Decision], wanted: Wanted
) -> None:
    import pandas as pd

    said = queries.ask(run, texts, tuple(one.row for one in shown))
    frame = pd.DataFrame(
        {
            "text": [
                short(" / ".join(filter(None, (one.text, one.text_pair))), letters(WIDE))
                for one in said
            ],
            "label": [one.label for one in shown],
            "then": [_then(one, standing.get(one.id)) for one in shown],
        }
    )
    text = st.column_config.TextColumn
    columns = {
        "text": text("Text", width=WIDE),
        "label": text("Given", width=84),
        "then": text("Suggested" if wanted.rows == "open" else "Decision", width=84),
    }
    with st.container(key="paged_suspects"):
        choose_row(frame, [one.id for one in shown], "at", columns, min(len(shown), 10) * 35 + 38)


def _then(one: Suspect, decided: Decision | None) -> str:
    """Say what was decided about a row, or what is suggested for it."""
    if decided is None:
        return one.suggested or "–"
    return decided.new_label or DONE[decided.action]


def _all_shown(desk: Desk, shown: Sequence[Suspect]) -> None:
    """Draw what can be said of all rows in the list at once."""
    key = f"noise.all {hash(tuple(one.id for one in shown))}"
    with st.popover("Apply to all shown", icon=":material/done_all:", width="stretch", key=key):
        st.caption(
            f"Say the same of all {counted(len(shown), 'row')} in the list. One undo takes it back."
        )
        for action, (name, _, icon) in ACTIONS.items():
            rows = [one for one in shown if action != "relabel" or one.suggested]
            to = " to its suggestion" if action == "relabel" else ""
            each = f"{name} each{to}" if action == "relabel" else name
            st.button(
                f"{each}: {counted(len(rows), 'row')}",
                icon=icon,
                key=f"{key} {action}",
                disabled=desk.reviewer is None or not rows,
                on_click=desk.decide,
                args=(
                    {one.id: one.label for one in rows},
                    action,
                    {one.id: one.suggested for one in rows},
                    None,
                ),
                width="stretch",
            )
