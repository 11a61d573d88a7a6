"""What goes: the strategy, named selections that go before it, and decisions of reviewers."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from influence_core.selection.curate import CurationSettings
from influence_core.selection.select import SelectionSettings
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from influence_core.store.selections import NamedSelection
from ui import carried, pruning, selecting, shell
from ui.carried import KEEP, OMIT, REVIEWS, START
from ui.pruning import FRACTION
from ui.reviewing import changes
from ui.shell import Lens
from ui.wording import counted

_STARTED = "export_started_from"


@dataclass(frozen=True)
class Draft:
    """A curated set as it is asked for; `reviews` is the version of decisions to apply, if any."""

    settings: SelectionSettings
    curation: CurationSettings
    reviews: int | None


def draft(view: Lens) -> Draft:
    """Draw everything that decides which rows go."""
    st.subheader("What goes?", anchor=False)
    carried.take()
    settings = pruning.settings(view)
    asked = Draft(settings, _selections(view.run), _reviews(view.run))
    carried.give()
    return asked


def _selections(run: Run) -> CurationSettings:
    """Draw which named selections go before the strategy, pinned to what they hold now."""
    known = {one.name: one for one in selecting.listed(run)}
    for key in (KEEP, OMIT, START):
        st.session_state[key] = [one for one in st.session_state.get(key) or [] if one in known]
    if not known:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Some rows to keep at any rate, or to leave out? Put them in a selection.")
            shell.link("examples", "Pick rows", ":material/bookmark_add:", run=run.name)
        return CurationSettings()
    keep, drop, only = st.columns(3)
    with keep:
        kept = _several(
            "Always keep the selections", KEEP, known, "Their rows stay, whatever their score."
        )
    with drop:
        dropped = _several("Leave out the selections", OMIT, known, "Their rows go.")
    with only:
        only_these = _several(
            "Start from only the selections",
            START,
            known,
            "Rows outside these selections go, but for those that are always kept. All of theirs "
            "stay, unless you move the slider.",
            "All training rows",
        )
    return CurationSettings(keep_selection=kept, drop_selection=dropped, only_selection=only_these)


def _several(
    label: str, key: str, known: dict[str, NamedSelection], help: str, empty: str = "No selection"
) -> tuple[str, ...]:
    """Draw a choice of selections and return them, each with its version."""
    names = st.multiselect(
        label,
        list(known),
        format_func=lambda name: f"{name} ({counted(known[name].rows, 'row')})",
        key=key,
        persist_state="session",
        placeholder=empty,
        help=help,
        on_change=_start if key == START else None,
    )
    return tuple(f"{name}@{known[name].version}" for name in names)


def _start() -> None:
    """Keep all of what one starts from, and go back to the share before when one does not."""
    if not st.session_state.get(START):
        st.session_state[FRACTION] = st.session_state.pop(_STARTED, None) or _usual()
    elif _STARTED not in st.session_state:
        st.session_state[_STARTED] = st.session_state.get(FRACTION, _usual())
        st.session_state[FRACTION] = 0


def _usual() -> int:
    return round(100 * SelectionSettings.model_fields["fraction"].default)


def _reviews(run: Run) -> int | None:
    """Draw the switch that applies what reviewers decided; return up to which version."""
    reviews = Reviews(run)
    version = reviews.version()
    told = changes(reviews.standing(version).values())
    if not told:
        return None
    applied = st.toggle(
        f"Apply what reviewers decided ({told})",
        value=True,
        key=REVIEWS,
        persist_state="session",
        help="Relabelled rows carry their new label. Dropped rows leave beside those that go "
        "otherwise, even out of a selection that is always kept. Two columns tell what was "
        "decided and what the label was.",
    )
    return version if applied else None
