"""The rows in view: chosen once, kept on every page and in the address."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from influence_core.store import tables
from influence_core.store.query import ExampleQuery, OneOf
from influence_core.store.run import Run
from influence_core.store.selections import Selections

APP = Path(__file__).parents[2] / "app.py"


def visit(page: str, **view: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=200)
    app.switch_page(f"pages/{page}.py")
    for name, value in view.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def in_view(app: AppTest) -> str:
    return next((one.value for one in app.caption if "in view" in one.value), "")


def test_class_search_and_filter_add_up(small_run: Run) -> None:
    label = small_run.examples(["label"])["label"].iloc[0]
    app = visit("examples", run="small", label=label, search="jazz", filter=["source=human"])
    query = ExampleQuery(
        scored_only=True,
        labels=(label,),
        search="jazz",
        filters=(OneOf(column="source", values=("human",)),),
    )
    assert f"{tables.count(small_run, query)} of 328 training rows" in in_view(app)


def test_they_stay_on_the_next_page_and_can_be_taken_away(small_run: Run) -> None:
    label = small_run.examples(["label"])["label"].iloc[0]
    app = visit("examples", run="small", label=label)
    app.switch_page("pages/pruning.py").run()
    assert app.query_params["label"] == label
    app.switch_page("pages/examples.py").run()
    assert "in view" in in_view(app)
    next(one for one in app.button if one.label == "Show all").click().run()
    assert in_view(app) == ""
    assert app.session_state["label"] == ""


def test_a_selection_narrows(small_run: Run) -> None:
    train = tables.page(small_run, ExampleQuery(scored_only=True), 1, 7)["row"]
    Selections(small_run).create("seven", train)
    assert "7 of 328" in in_view(visit("examples", run="small", selection="seven"))
    gone = visit("examples", run="small", selection="gone")
    assert in_view(gone) == ""
    assert gone.session_state["selection"] == ""


def test_a_regular_expression_searches(small_run: Run) -> None:
    pattern = "^(turn on|switch off)"
    found = tables.count(small_run, ExampleQuery(scored_only=True, search=pattern, regex=True))
    assert 0 < found < 328
    app = visit("examples", run="small", search=pattern, regex="yes")
    assert f"{found} of 328" in in_view(app)


def test_a_broken_regular_expression_is_said_and_passed_over(small_run: Run) -> None:
    app = visit("examples", run="small", search="(", regex="yes")
    assert any("RE2" in one.value for one in app.caption)
    assert any("328 training rows" in one.value for one in app.caption)


@pytest.mark.parametrize(
    "written", ["gone=1", "%", "source", "vog=:", "vog=a:b", "=", "row=1e999:"]
)
def test_senseless_filters_of_an_address_do_no_harm(small_run: Run, written: str) -> None:
    visit("examples", run="small", filter=[written], label="gone", search="*" * 5000)
