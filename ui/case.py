"""The row in focus: what it says, why its label is suspected, and the buttons that decide."""

from __future__ import annotations

from math import floor

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
from ui.reviewing import DONE, Desk
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

_MEANT: dict[Action, str] = {
    "keep": "The label is right.",
    "relabel": "The label is wrong: the row gets the one that is chosen as new.",
    "drop": "The row leaves the data: it fits no label, or says nothing.",
    "skip": "You cannot tell: the row waits among the skipped ones.",
}

NEAR = 3
"""Nearest rows that are shown with other labels, and with the same one."""

TOLD = 3
"""Decisions of a row's history that are shown."""

WITNESSES = (
    "Training: how slowly and how surely the row was learnt. Early training: the same after a few "
    "epochs. Held out: models that did not learn from the row. Neighbours: the most similar texts."
)
"""What the detectors look at, explained."""

_LONG = 600


def show(run: Run, suspects: Suspects, desk: Desk, suspect: Suspect, then: str | None) -> None:
    """Draw everything about one row, and the buttons; a decision leads to row `then`."""
    said = queries.ask(run, texts, (suspect.row,))[0]
    with st.container(border=True, key="suspect", gap="small"):
        _head(run, suspects, suspect)
        _texts(said)
        if access.read_only():
            _suggestion(suspect)
        else:
            new = _labels(run, desk, suspect)
            _buttons(desk, suspect, new, then)
            _undo(desk)
        _history(suspects, desk, suspect)
        _why(suspects, suspect)
        _near(run, suspect)


def _head(run: Run, suspects: Suspects, suspect: Suspect) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.caption(
            f"Suspect {count(suspect.place + 1)} of {count(len(suspects))}",
            width="content",
        )
        shell.link(
            "examples", "How it was learnt", ":material/show_chart:", run=run.name, id=suspect.id
        )


def _texts(said: Text) -> None:
    for place, text in enumerate(filter(None, (said.text, said.text_pair))):
        with st.container(
            height=180 if len(text) > _LONG else "content", gap=None, key=f"suspect_text_{place}"
        ):
            st.text(text)


def _labels(run: Run, desk: Desk, suspect: Suspect) -> str | None:
    """Draw the given label and the choice of a new one; return the new one."""
    given, new = st.columns(2, gap="small")
    with given, st.container(gap=None):
        st.caption("Label given")
        st.text(suspect.label)
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
    with given, st.container(gap=None):
        st.caption("Label given")
        st.text(suspect.label)
    if suspect.suggested is not None:
        with suggested, st.container(gap=None):
            st.caption(f"Label suggested, {percent(suspect.confidence, 0)} sure")
            st.text(suspect.suggested)


def _buttons(desk: Desk, suspect: Suspect, new: str | None, then: str | None) -> None:
    """Draw the decisions. Keys of widgets name the row: none can decide about one not yet seen."""
    for place, (action, (name, key, icon)) in zip(
        st.columns(4, gap="small"), ACTIONS.items(), strict=True
    ):
        place.button(
            name,
            icon=icon,
            shortcut=key,
            help=_MEANT[action],
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


def _undo(desk: Desk) -> None:
    """Draw what the reviewer did last, and the button that takes it back."""
    last = desk.last
    if desk.reviewer is None:
        st.caption("Say who you are to decide: every decision is kept with a name.")
    if not last:
        return
    button, told = st.columns([1, 3], gap="small", vertical_alignment="center")
    button.button(
        "Undo",
        icon=":material/undo:",
        shortcut="U",
        key=f"noise.undo {last[0].act}",
        on_click=desk.undo,
        width="stretch",
    )
    rows = counted(len(last), "row")
    told.caption(f"Last you {DONE[last[0].action]} {rows}, {age(last[0].time)}{_replaced(desk)}.")


def _replaced(desk: Desk) -> str:
    """Say of how many rows of the last act undo changes nothing."""
    return f"; {count(desk.replaced)} decided anew since, which stays" if desk.replaced else ""


def review_of(earlier: EarlierReview) -> str:
    """Name the review that kept rows before."""
    return f"the review of run {plain(earlier.run)}" if earlier.run else "an earlier review"


def _history(suspects: Suspects, desk: Desk, suspect: Suspect) -> None:
    if suspects.earlier and suspects.kept_before(suspect.place):
        st.caption(f":material/history: Already kept in {review_of(suspects.earlier)}.")
    for entry in desk.reviews.history(suspect.id)[-TOLD:]:
        st.caption(_told(entry))


def _told(entry: Entry) -> str:
    one = entry.decision
    became = f" as {plain(one.new_label)}" if one.new_label else ""
    said = f"{plain(one.reviewer)} {DONE[one.action]} it{became} {age(one.time)}"
    return f":material/history: {said}" + ("" if entry.stands else ", and took that back") + "."


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
                help="One way to tell that a label looks wrong; 'How are labels judged?' below "
                "explains each.",
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
