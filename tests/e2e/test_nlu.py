"""Stacks in a real browser: every part is drawn, and the address says which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from influence_core.nlu.measure import train_stacks
from influence_core.nlu.settings import StackSettings
from influence_core.store.run import Run
from tests.e2e.charts import CHARTED, chart
from tests.e2e.conftest import Visit
from tests.e2e.test_pages import address
from tests.factory import make_run
from tests.nlu.pretended import pretend, with_intents
from tests.nlu.sentences import scored

pytestmark = pytest.mark.browser

DRAWN = {"figures": 1, "pruning": 1, "data": 4}
"""Charts of every part of the page; that of a comparison is folded away."""


@pytest.fixture
def run(runs: Path) -> Iterator[Run]:
    """A run of hostile labels with an experiment."""
    made = with_intents(make_run(runs, "assistant", rows=300, hostile=True))
    pretend(made)
    yield made
    made.delete()


def test_parts_are_switched_and_a_link_restores_what_was_seen(visit: Visit, run: Run) -> None:
    page = visit.open("nlu?run=assistant", fresh=True)
    for title in ("Figures", "Pruning", "Data"):
        if title != "Figures":
            with visit.rerun():
                page.get_by_role("radio", name=title).click()
        chart(page)
        charts = page.get_by_test_id("stPlotlyChart").locator("visible=true")
        expect(charts).to_have_count(DRAWN[title.lower()], timeout=CHARTED)
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    with visit.rerun():
        page.get_by_role("radio", name="Pruning").click()
    with visit.rerun():
        page.get_by_role("radio", name="DCER").click()
    assert address(page)["part"] == "pruning"
    assert address(page)["rate"] == "dcer"
    page.reload()
    expect(page.get_by_role("radio", name="DCER")).to_be_checked(timeout=CHARTED)
    expect(page.get_by_text("does best: DCER")).to_be_visible()
    assert chart(page).locator(".ytitle").text_content() == "DCER"


@pytest.fixture
def talking(runs: Path) -> Iterator[Run]:
    """A run of invented sentences with an experiment that kept its stack."""
    made = scored(runs, "talking")
    train_stacks(made, StackSettings(techniques=(), seeds=1, epochs=25, min_rows=5))
    yield made
    made.delete()


def test_a_sentence_is_followed_to_its_slots(visit: Visit, talking: Run) -> None:
    page = visit.open("nlu?run=talking&part=try", fresh=True)
    with visit.rerun():
        page.get_by_label("Say something to the assistant").fill(
            "switch on the lamp in the kitchen"
        )
        page.keyboard.press("Enter")
    for told in ("home", "light_on"):
        expect(page.get_by_role("heading", name=told, exact=True)).to_be_visible()
    slot = page.get_by_test_id("stHtml").locator("span", has_text="kitchen").first
    expect(slot).to_contain_text("room")
    expect(page.get_by_role("tab", name="room: kitchen")).to_be_visible()
    expect(page.get_by_text("% sure of its least certain token")).to_be_visible()
    assert address(page)["sentence"] == "switch on the lamp in the kitchen"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.reload()
    expect(page.get_by_role("heading", name="light_on", exact=True)).to_be_visible()
