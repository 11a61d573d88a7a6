"""What is being looked at, kept in the address so that a link or a reload restores it.

Every parameter is a key of the session and of the address. Widgets take the key as theirs; a
parameter belongs to all pages or to some. The address wins whenever it changed from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

Kind = Literal["text", "number", "many", "switch"]

_WRITTEN = "_address_as_written"
_ENTERED = "_address_just_entered"
_PAGE = "_page_of_the_address"
_LINKED = "_parameters_of_last_link"
_DEFAULTS: dict[Kind, Any] = {"text": None, "number": 1, "many": [], "switch": False}


@dataclass(frozen=True)
class Parameter:
    """One piece of the view: its name in the address, its kind, and the pages it belongs to.

    What `stays` outlives links that do not name it.
    """

    name: str
    kind: Kind = "text"
    page: str | tuple[str, ...] | None = None
    stays: bool = False

    def belongs(self, page: str) -> bool:
        """Say whether it is part of the view of a page; without pages it is of all."""
        pages = (self.page,) if isinstance(self.page, str) else self.page
        return pages is None or page in pages

    def read(self, values: list[str]) -> Any:
        """Return the value that the address asks for, or None where it makes no sense."""
        last = values[-1] if values else ""
        if self.kind == "many":
            return values
        if self.kind == "switch":
            return last == "yes"
        if self.kind == "number":
            return int(last) if last.isdecimal() and len(last) < 9 and int(last) > 0 else 1
        return last or None

    def write(self, value: Any) -> list[str]:
        """Return what stands for `value` in the address; nothing for the default."""
        if value in (None, "", []) or value == _DEFAULTS[self.kind]:
            return []
        if self.kind == "many":
            return [str(item) for item in value]
        if self.kind == "switch":
            return ["yes"]
        return [str(value)]


PARAMETERS = (
    Parameter("masked", "switch", stays=True),
    Parameter("run"),
    Parameter("score"),
    Parameter("norm"),
    Parameter("label"),
    Parameter("search"),
    Parameter("regex", "switch"),
    Parameter("selection"),
    Parameter("filter", "many"),
    Parameter("walk", page=("classes", "examples", "noise", "pruning", "export", "report")),
    Parameter("view", page="run"),
    Parameter("way", page="run"),
    Parameter("like", page="run"),
    Parameter("versus", page="run"),
    Parameter("part", page=("distributions", "classes", "noise", "nlu")),
    Parameter("by", page=("distributions", "classes")),
    Parameter("keeping", page="classes"),
    Parameter("order", page="distributions"),
    Parameter("groups", "many", page="distributions"),
    Parameter("tails", "switch", page="distributions"),
    Parameter("end", page="examples"),
    Parameter("page", "number", page="examples"),
    Parameter("id", page="examples"),
    Parameter("show", page="examples"),
    Parameter("sort", page="examples"),
    Parameter("falling", "switch", page="examples"),
    Parameter("low", "number", page="examples"),
    Parameter("tab", page="examples"),
    Parameter("ask", page="examples"),
    Parameter("layout", page="map"),
    Parameter("colour", page="map"),
    Parameter("front", "many", page="map"),
    Parameter("hardest", "switch", page="map"),
    Parameter("drop", page="map"),
    Parameter("point", page="map"),
    Parameter("compare", page="export"),
    Parameter("share", page=("distributions", "classes", "export")),
    Parameter("goes", page="export"),
    Parameter("chosen", page="export"),
    Parameter("keep", "many", page="export"),
    Parameter("omit", "many", page="export"),
    Parameter("start", "many", page="export"),
    Parameter("protect", "many", page="export"),
    Parameter("unreviewed", "switch", page="export"),
    Parameter("experiment", page="pruning"),
    Parameter("against", page="pruning"),
    Parameter("measure", page="pruning"),
    Parameter("curves", "many", page="pruning"),
    Parameter("rows", page="noise"),
    Parameter("judge", page="noise"),
    Parameter("least", page="noise"),
    Parameter("kept", "switch", page="noise"),
    Parameter("at", page="noise"),
    Parameter("noisy", page="noise"),
    Parameter("stack", page="nlu"),
    Parameter("rate", page="nlu"),
    Parameter("seen", page="nlu"),
    Parameter("pruned", page="nlu"),
    Parameter("gone", page="nlu"),
    Parameter("sure", page="nlu"),
    Parameter("these", page="nlu"),
    Parameter("those", page="nlu"),
    Parameter("sentence", page="nlu"),
    Parameter("first", page="compare"),
    Parameter("second", page="compare"),
    Parameter("measured", page="compare"),
    Parameter("mask", "switch", page="report"),
)
"""Every parameter of the address."""


def restore(page: str) -> None:
    """Take over what the address of `page` asks for, if someone else than `remember` wrote it.

    What other pages were asked for stays, unless the address is of another run.
    """
    asked = _asked()
    changed = asked != st.session_state.get(_WRITTEN)
    if changed or page != st.session_state.get(_PAGE):
        st.session_state[_PAGE] = page
        st.session_state[_ENTERED] = True
    if not (changed and asked):
        return
    same = asked.get("run", []) == [get("run")]
    for parameter in PARAMETERS:
        kept = parameter.stays or (same and not parameter.belongs(page))
        if kept and parameter.name not in asked:
            continue
        value = parameter.read(asked.get(parameter.name, []))
        if value != st.session_state.get(parameter.name):
            st.session_state[parameter.name] = value
    st.session_state[_WRITTEN] = asked
    st.session_state[_LINKED] = set(asked)


def remember(page: str) -> None:
    """Write the view of `page` into the address.

    An address that was just entered is not completed by what goes without saying: every writing
    is a step of the browser's history, and one here would lead whoever goes back forth again.
    """
    asked, wanted = _asked(), view(page)
    if st.session_state.pop(_ENTERED, False) and asked.items() <= wanted.items():
        wanted = asked
    if wanted != asked:
        st.query_params.from_dict(wanted)
    st.session_state[_WRITTEN] = wanted


def view(page: str) -> dict[str, list[str]]:
    """Return the address of a page as it would be drawn now."""
    values = {
        parameter.name: st.session_state.get(parameter.name)
        for parameter in PARAMETERS
        if parameter.belongs(page)
    }
    return link(**values)


def get(name: str) -> Any:
    """Return a parameter's value."""
    value = st.session_state.get(name)
    return default(name) if value is None else value


def default(name: str) -> Any:
    """Return what a parameter is where nobody asked for anything."""
    return _DEFAULTS[next(parameter.kind for parameter in PARAMETERS if parameter.name == name)]


def linked(name: str) -> bool:
    """Say whether the last link that led here named the parameter."""
    return name in st.session_state.get(_LINKED, ())


def put(name: str, value: Any) -> None:
    """Set a parameter before its widget is drawn."""
    st.session_state[name] = value


def settle(name: str, options: list[Any], default: Any = None) -> Any:
    """Keep a parameter among `options`, falling back to `default` or the first of them.

    What stands for none of them is "": a picker takes None for not having been asked yet.
    """
    if get(name) not in options:
        put(name, default if default in options else next(iter(options), None))
    return get(name)


def link(**values: Any) -> dict[str, list[str]]:
    """Return the address of a view for `st.page_link` and `st.switch_page`."""
    known = {parameter.name: parameter for parameter in PARAMETERS}
    staying = {name: get(name) for name, parameter in known.items() if parameter.stays}
    written = {name: known[name].write(value) for name, value in (staying | values).items()}
    return {name: value for name, value in written.items() if value}


def _asked() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}
