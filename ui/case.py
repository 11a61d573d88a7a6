"""The row in focus: what it says, why its label is suspected, and the buttons that decide."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
import streamlit as st

from influence_core.noise.detectors import DETECTORS
from influence_core.noise.earlier import EarlierReview
from influence_core.noise.near import near
from influence_core.noise.table import LOUD
from influence_core.store.review import Action, Entry
from influence_core.store.rows import Text, texts
from influence_core.store.run import Run
from influence_core.store.state import dataset_of
from ui import access, nearby, queries, shell
from ui.reviewing import DONE, Desk, notice, offered
from ui.suspects import Suspect, Suspects
from ui.tables import ROW_HEIGHT
from ui.wording import age, count, counted, percent, plain, short

ACTIONS: dict[Action, tuple[str, str, str]] = {
    "keep": ("Keep", "K", ":material/check:"),
    "relabel": ("Relabel", "L", ":material/sell:"),
    "drop": ("Drop", "D", ":material/delete:"),
    "skip": ("Skip", "S", ":material/skip_next:"),
}
"""What can be decided: name, key and icon. Streamlit keeps the key R for itself."""

_MEANT = (
    "**Keep**: the label is right. **Relabel**: it is wrong, and the row gets the one that is "
    "chosen as new. **Drop**: the row leaves the data, as it fits no label or says nothing. "
    "**Skip**: you cannot tell; the row waits among the skipped ones."
)
"""What the decisions mean; a tooltip on a button would cover what lies below it."""

NEAR = 3
"""Nearest rows that are shown with other labels, and with the same one."""

TOLD = 3
"""Decisions of a row's history that are shown."""

WITNESSES = (
    "Training: how slowly and how surely the row was learnt. Early training: the same after a few "
    "epochs. Held out: models that did not learn from the row. Neighbours: the most similar texts."
)
"""What the detectors look at, explained."""

_LINE = 28
"""Pixels of a line of the text that is judged."""

_LETTERS = 58
"""Letters of that text on a line."""

_MOST_LINES = 8

_ASKED_LENGTHS = 200
"""Rows whose texts tell how much room a text takes: the most suspicious."""

_LABEL_HEIGHT, _TOLD_HEIGHT = 76, 64
"""Pixels of the given label, and of what was done last: two lines each."""


def show(run: Run, suspects: Suspects, desk: Desk, suspect: Suspect, then: str | None) -> None:
    """Draw everything about one row, and the buttons; a decision leads to row `then`.

    Everything down to the buttons has the same place for every row.
    """
    said = queries.ask(run, texts, (suspect.row,))[0]
    with st.container(border=True, key="suspect", gap="small"):
        _head(run, suspects, suspect)
        _history(suspects, desk, suspect)
        with st.container(height=_room(run, suspects), border=False, gap="xsmall"):
            _texts(said)
        if access.read_only():
            _suggestion(suspect)
        else:
            new = _labels(run, desk, suspect)
            _buttons(desk, suspect, new, then)
            _last(desk)
        _why(suspects, suspect)
        _near(run, suspect)


def _head(run: Run, suspects: Suspects, suspect: Suspect) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.caption(
            _place(suspects, suspect),
            width="content",
            help=None if access.read_only() else _MEANT,
        )
        shell.link(
            "examples", "How it was learnt", ":material/show_chart:", run=run.name, id=suspect.id
        )


def _place(suspects: Suspects, suspect: Suspect) -> str:
    """Say which of the suspects it is, and where it is none any more: all rows are ranked."""
    place, rows, likely = suspect.place + 1, len(suspects), suspects.likely
    if place <= likely:
        return f"Suspect {count(place)} of about {count(likely)}"
    behind = f": behind the {count(likely)} likely wrong" if likely else ""
    return f"Row {count(place)} of {count(rows)} by suspicion{behind}"


def _room(run: Run, suspects: Suspects) -> int:
    """Return the pixels that nine of ten texts fit in; longer ones are scrolled."""
    some = queries.ask(run, texts, tuple(suspects.rows[:_ASKED_LENGTHS].tolist()))
    usual = int(np.quantile([_lines(said) for said in some], 0.9, method="higher"))
    return _LINE * min(usual, _MOST_LINES) + _LINE // 2


def _lines(said: Text) -> int:
    return sum(ceil(len(text) / _LETTERS) for text in filter(None, (said.text, said.text_pair)))


def _texts(said: Text) -> None:
    for place, text in enumerate(filter(None, (said.text, said.text_pair))):
        with st.container(gap=None, key=f"suspect_text_{place}"):
            st.text(text)


def _labels(run: Run, desk: Desk, suspect: Suspect) -> str | None:
    """Draw the given label and the choice of a new one; return the new one."""
    given, new = st.columns(2, gap="small")
    with given:
        _label("Label given", suspect.label)
    others = [name for name in dataset_of(run).label_names if name != suspect.label]
    with new:
        chosen: str | None = st.selectbox(
            "New label"
            if suspect.suggested is None
            else f"New label: suggested, {percent(suspect.confidence, 0)} sure",
            others,
            index=others.index(suspect.suggested) if suspect.suggested in others else None,
            key=f"noise.new {suspect.id} {_seen(desk, suspect)}",
            placeholder="choose one",
            help="What is suggested is the likeliest class by models that did not learn from this "
            "row."
            if suspect.suggested
            else None,
        )
    return chosen


def _suggestion(suspect: Suspect) -> None:
    """Draw the given label and the suggested one, where nobody decides."""
    given, suggested = st.columns(2, gap="small")
    with given:
        _label("Label given", suspect.label)
    if suspect.suggested is not None:
        with suggested:
            _label(f"Label suggested, {percent(suspect.confidence, 0)} sure", suspect.suggested)


def _label(title: str, name: str) -> None:
    with st.container(height=_LABEL_HEIGHT, border=False, gap=None):
        st.caption(title)
        st.text(name)


def _buttons(desk: Desk, suspect: Suspect, new: str | None, then: str | None) -> None:
    """Draw the decisions. Keys of widgets name the row: none can decide about one not yet seen."""
    for place, (action, (name, key, icon)) in zip(
        st.columns(4, gap="small"), ACTIONS.items(), strict=True
    ):
        place.button(
            name,
            icon=icon,
            shortcut=key,
            key=f"noise.{action} {suspect.id} {_seen(desk, suspect)}",
            disabled=desk.reviewer is None or (action == "relabel" and new is None),
            on_click=desk.decide,
            args=({suspect.id: suspect.label}, action, {suspect.id: new}, then),
            width="stretch",
        )


def _seen(desk: Desk, suspect: Suspect) -> int:
    """Return the number of the decision that the reviewer sees of a row."""
    decided = desk.standing.get(suspect.id)
    return decided.number if decided else 0


def _last(desk: Desk) -> None:
    """Draw what the reviewer did last, and the button that takes it back."""
    button, told = st.columns([1, 3], gap="small", vertical_alignment="center")
    button.button(
        "Undo",
        icon=":material/undo:",
        shortcut="U",
        key=f"noise.undo {desk.last[0].act if desk.last else ''}",
        disabled=not desk.last,
        on_click=desk.undo,
        width="stretch",
    )
    with told, st.container(height=_TOLD_HEIGHT, border=False, vertical_alignment="center"):
        if not notice():
            st.caption(_told_last(desk))


def _told_last(desk: Desk) -> str:
    """Say who is missing or is taken to sit here, or what was done last."""
    if desk.reviewer is None:
        return "Say who you are to decide: every decision is kept with a name."
    if not desk.last and desk.standing and (name := offered()):
        return f"You decide as {plain(name)}, as somebody did before: is that you?"
    if not desk.last:
        return "You have not decided about any row yet."
    last, rows = desk.last[0], counted(len(desk.last), "row")
    return f"Last you {DONE[last.action]} {rows}, {age(last.time)}{_replaced(desk)}."


def _replaced(desk: Desk) -> str:
    """Say of how many rows of the last act undo changes nothing."""
    return f"; {count(desk.replaced)} decided anew since, which stays" if desk.replaced else ""


def review_of(earlier: EarlierReview) -> str:
    """Name the review that kept rows before."""
    return f"the review of run {plain(earlier.run)}" if earlier.run else "an earlier review"


def _history(suspects: Suspects, desk: Desk, suspect: Suspect) -> None:
    """Draw on one line what was decided about the row, the newest last."""
    told = [_told(entry) for entry in desk.reviews.history(suspect.id)[-TOLD:]]
    if suspects.earlier and suspects.kept_before(suspect.place):
        told.insert(0, f"Already kept in {review_of(suspects.earlier)}")
    st.caption(f":material/history: {'. '.join(told or ['Nobody has decided about it yet'])}.")


def _told(entry: Entry) -> str:
    one = entry.decision
    became = f" as {plain(one.new_label)}" if one.new_label else ""
    said = f"{plain(one.reviewer)} {DONE[one.action]} it{became} {age(one.time)}"
    return said if entry.stands else f"{said}, and took that back"


def _why(suspects: Suspects, suspect: Suspect) -> None:
    """Draw how suspicious every detector finds the label."""
    import pandas as pd

    flagged = dict(suspects.report.why(suspect.place))
    share = suspects.facts.wrong.share if suspects.facts.wrong else LOUD
    st.caption(
        f"**Why is it suspected?** {count(len(flagged))} of "
        f"{counted(len(suspects.facts.detectors), 'detector')} count it among the "
        f"{percent(share)} of the rows whose label is most likely wrong."
    )
    table = pd.DataFrame(
        [
            {
                "Detector": DETECTORS[key].label,
                "Looks at": DETECTORS[key].witness,
                "More suspicious than": floor(1000 * value) / 10 if value == value else None,
                "": "flags it" if key in flagged else "",
            }
            for key, value in suspects.suspicions(suspect.place).items()
        ]
    )
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        row_height=ROW_HEIGHT,
        column_config={
            "Detector": st.column_config.TextColumn(
                width=110,
                help="One way to tell that a label looks wrong; the part 'How reliable' explains "
                "each.",
            ),
            "Looks at": st.column_config.TextColumn(width=100, help=WITNESSES),
            "More suspicious than": st.column_config.ProgressColumn(
                format="%.1f%%",
                min_value=0,
                max_value=100,
                help="Share of the training rows that this detector finds less suspicious.",
            ),
            "": st.column_config.TextColumn(width=70),
        },
    )


def _near(run: Run, suspect: Suspect) -> None:
    """Draw the rows that say the same, or nearly: first those with other labels."""
    found = nearby.ask(run, near, suspect.id, NEAR)
    rows = (*found.other_labels, *found.same_label)
    if not rows:
        st.caption("No other row has this text, and there are no features to tell near ones by.")
        return
    st.caption(
        f"**What do the nearest rows say?** First those with other labels, then "
        f"those labelled {plain(short(suspect.label, 40))}."
    )
    nearby.table(rows)
