"""The draft of the Export page in the address: taken from a link, and written back.

The widgets keep their values under keys of their own, which other pages read. A link that names
none of them leaves them as they are, so that a draft outlives a look at another page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import streamlit as st
from pydantic import TypeAdapter, ValidationError

from influence_core.selection.select import SelectionSettings
from ui import state
from ui.pruning import ENDS, FRACTION, MOST, PROTECTING, STRATEGIES

KEEP, OMIT, START, REVIEWS = "prune.keep", "prune.omit", "prune.start", "prune.reviews"

_MIRRORED = "_draft_as_in_the_address"


def _share(written: Any) -> int | None:
    return int(written) if str(written).isdecimal() and int(written) <= MOST else None


def _one_of(options: dict[str, str]) -> Callable[[Any], Any]:
    return lambda written: written if written in options else None


_CARRIED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "share": (FRACTION, _share),
    "goes": ("prune.prune", _one_of(ENDS)),
    "chosen": ("prune.strategy", _one_of(STRATEGIES)),
    "keep": (KEEP, list),
    "omit": (OMIT, list),
    "start": (START, list),
}
"""Parameters of the address, each with the key of its widget and how it is read."""

_NAMES = (*_CARRIED, "protect", "unreviewed")


def take() -> None:
    """Set the widgets, before they are drawn, to what a link asks for."""
    asked = {name: state.get(name) for name in _NAMES}
    if not any(asked.values()) or asked == st.session_state.get(_MIRRORED):
        return
    for name, (key, read) in _CARRIED.items():
        if (value := read(asked[name])) is not None:
            st.session_state[key] = value
    for name in PROTECTING:
        st.session_state[f"prune.{name}"] = SelectionSettings.model_fields[name].default
    for name, value in _protecting(asked["protect"]):
        st.session_state[f"prune.{name}"] = value
    st.session_state[REVIEWS] = not asked["unreviewed"]
    if asked["start"] and not asked["share"]:
        st.session_state[FRACTION] = 0


def give() -> None:
    """Write what the widgets hold into the address."""
    for name, (key, _) in _CARRIED.items():
        state.put(name, _written(st.session_state.get(key)))
    state.put("protect", list(_changed()))
    state.put("unreviewed", st.session_state.get(REVIEWS) is False)
    st.session_state[_MIRRORED] = {name: state.get(name) for name in _NAMES}


def take_share() -> None:
    """Set the slider of a page that draws no other part of the draft, before it is drawn."""
    asked = state.get("share")
    if asked != st.session_state.get(_MIRRORED, {}).get("share"):
        value = _share(asked)
        if value is not None:
            st.session_state[FRACTION] = value


def give_share() -> None:
    """Write what the slider holds into the address."""
    state.put("share", _written(st.session_state.get(FRACTION)))
    mirrored = st.session_state.get(_MIRRORED, {})
    st.session_state[_MIRRORED] = mirrored | {"share": state.get("share")}


def _written(value: Any) -> Any:
    return list(value) if isinstance(value, list) else None if value is None else str(value)


def _changed() -> Iterator[str]:
    """Yield `name:value` of every protecting setting that is not what it usually is."""
    for name in PROTECTING:
        usual = SelectionSettings.model_fields[name].default
        value = st.session_state.get(f"prune.{name}", usual)
        if value != usual:
            yield f"{name}:{value}"


def _protecting(asked: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield the protecting settings of `name:value`s, without those that make no sense."""
    for name, _, written in (one.partition(":") for one in asked):
        if name not in PROTECTING:
            continue
        field = SelectionSettings.model_fields[name]
        try:
            yield (
                name,
                TypeAdapter(Annotated[field.annotation, field]).validate_python(written),
            )
        except ValidationError:
            continue
