"""The address and the session: what a link restores, and what it leaves alone."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

SCRIPT = """
import streamlit as st
from ui import carried, state
page = st.session_state.get("on", "examples")
state.restore(page)
if page == "export":
    carried.take()
    carried.give()
state.remember(page)
"""


def visit(on: str, app: AppTest | None = None, **view: str) -> AppTest:
    app = app or AppTest.from_string(SCRIPT)
    app.session_state["on"] = on
    app.query_params.clear()
    for name, value in view.items():
        app.query_params[name] = value
    return app.run()


def value(app: AppTest, name: str) -> object:
    try:
        return app.session_state[name]
    except KeyError:
        return None


def test_a_link_leaves_other_pages_as_they_were() -> None:
    app = visit("export", run="one", compare="dataset")
    app = visit("map", app, run="one", colour="label")
    assert value(app, "compare") == "dataset"
    assert value(app, "colour") == "label"


def test_a_link_sets_what_its_own_page_is_not_asked_for() -> None:
    app = visit("examples", run="one", label="lights", end="easiest", page="3")
    app = visit("examples", app, run="one", end="hardest")
    assert value(app, "label") is None
    assert value(app, "page") == 1


def test_a_link_to_another_run_forgets_the_rest() -> None:
    app = visit("examples", run="one", id="u1")
    app = visit("map", app, run="two")
    assert value(app, "id") is None


def test_an_address_just_entered_is_left_alone_until_something_changes() -> None:
    app = visit("examples", run="one")
    app.session_state["end"] = "easiest"
    app.session_state["on"] = "examples"
    assert "end" not in app.query_params
    app.run()
    assert app.query_params["end"] == "easiest"


def test_the_way_back_takes_a_draft_back() -> None:
    app = visit("export", run="one", share="30", omit="bad")
    assert value(app, "prune.omit") == ["bad"]
    app = visit("export", app, run="one", share="45")
    assert value(app, "prune.omit") == []
    assert value(app, "prune.fraction") == 45


def test_a_draft_outlives_a_look_at_another_page() -> None:
    app = visit("export", run="one", share="30", omit="bad")
    app = visit("map", app, run="one")
    app = visit("export", app, run="one")
    assert value(app, "prune.omit") == ["bad"]
    assert value(app, "prune.fraction") == 30


def test_a_selection_alone_drops_nothing_unless_a_share_is_named() -> None:
    app = visit("export", run="one", share="30")
    app = visit("export", app, run="one", start="bad", share="30")
    assert value(app, "prune.fraction") == 30
    app = visit("export", app, run="one", start="bad")
    assert value(app, "prune.fraction") == 0
