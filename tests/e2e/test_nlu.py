"""Stacks in a real browser: every part is drawn, and the address says which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from influence_core.store.run import Run
from tests.e2e.charts import CHARTED, chart
from tests.e2e.conftest import Visit
from tests.e2e.test_pages import address
from tests.factory import make_run
from tests.nlu.pretended import pretend, with_intents

pytestmark = pytest.mark.browser

DRAWN = {"figures": 1, "pruning": 1, "data": 3}
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
