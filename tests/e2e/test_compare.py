"""Two runs side by side in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from influence_core.store.run import Run
from tests.e2e.conftest import Visit
from tests.e2e.test_pages import address
from tests.factory import make_run

pytestmark = pytest.mark.browser


@pytest.fixture
def run(runs: Path) -> Iterator[Run]:
    """A run, and beside it its twin."""
    made = make_run(runs, "compared", rows=300)
    twin = Run(shutil.copytree(made.path, runs / "twin"))
    twin.update(name="twin")
    yield made
    twin.delete()
    made.delete()


def test_two_runs_are_compared_and_the_link_says_which(visit: Visit, run: Run) -> None:
    page = visit.open("compare?run=compared&second=twin", fresh=True)
    expect(page.get_by_text("That is undecided")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("The first is certainly better at")).to_be_visible()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    with visit.rerun():
        page.get_by_role("radio", name="Precision").click()
    assert address(page)["measured"] == "precision"
    assert address(page)["second"] == "twin"
    page.reload()
    expect(page.get_by_text("That is undecided")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("radio", name="Precision")).to_be_checked()
    expect(page.get_by_text("Which rows do they judge most differently?")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
