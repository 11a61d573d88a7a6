"""The map in a real browser: a lasso, its rows, a selection of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from influence_core.mapping.region import Region, box
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from tests.e2e.conftest import Visit
from tests.e2e.test_pages import address
from tests.factory import make_run, read

pytestmark = pytest.mark.browser

CHARTED = 90_000
"""Milliseconds until a page that is loaded anew has its charts, on a busy machine."""

AXES = """() => {
  const {xaxis, yaxis} = document.querySelector(".js-plotly-plot")._fullLayout;
  return {x: xaxis.range, y: yaxis.range};
}"""


@pytest.fixture
def run(runs: Path) -> Run:
    made = make_run(runs, "charted", rows=300)
    yield made
    made.delete()


def charted(page: Page) -> dict[str, float]:
    """Wait for the map and return where points can be drawn around."""
    place = page.locator(".js-plotly-plot .nsewdrag").first
    expect(place).to_be_visible(timeout=CHARTED)
    return place.bounding_box()


def draw_around(visit: Visit, corners: list[tuple[float, float]]) -> None:
    """Drag the mouse around corners, given as shares of the map's width and height."""
    page, area = visit.page, charted(visit.page)
    places = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in corners]
    with visit.rerun():
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in [*places[1:], places[0]]:
            page.mouse.move(*place, steps=6)
        page.mouse.up()


def test_a_lasso_becomes_a_table_and_a_selection(visit: Visit, run: Run) -> None:
    page = visit.open("map?run=charted&score=vog", fresh=True)
    charted(page)
    axes = page.evaluate(AXES)
    draw_around(visit, [(0.5, 0.02), (0.98, 0.02), (0.98, 0.98), (0.5, 0.98)])
    points = read(run.map_file).to_pandas()
    left, right = np.interp([0.5, 0.98], [0, 1], axes["x"])
    low, high = np.interp([0.02, 0.98], [0, 1], axes["y"])
    region = Region(polygons=(box([left, right], [low, high]),))
    inner = points["row"][region.contains(points["x"], points["y"])].tolist()
    assert 0 < len(inner) < 300
    expect(page.get_by_text(f"What are these {len(inner)} rows?")).to_be_visible()

    page.get_by_role("button", name=f"Save {len(inner)} rows as a selection").click()
    with visit.rerun():
        page.get_by_label("Name", exact=True).fill("right-half")
        page.get_by_label("Name", exact=True).press("Enter")
    with visit.rerun():
        page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text(f"holds {len(inner)} rows")).to_be_visible()
    assert Selections(run).rows("right-half").tolist() == inner
    assert (run.selections_folder / "right-half.parquet").exists()

    visit.open("map?run=charted&score=vog&colour=selection:right-half&hardest=yes", fresh=True)
    charted(page)
    expect(page.get_by_text("in right-half", exact=True)).to_be_visible()
    assert address(page)["colour"] == "selection:right-half"


def test_what_was_drawn_around_stays_in_other_colours(visit: Visit, run: Run) -> None:
    page = visit.open("map?run=charted", fresh=True)
    draw_around(visit, [(0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95)])
    picked = page.get_by_text("What are these")
    words = picked.inner_text()
    page.get_by_role("button", name="Mark rows").click()
    with visit.rerun():
        page.get_by_text("Mark the hardest 5%").click()
    page.keyboard.press("Escape")
    expect(page.locator(".js-plotly-plot .shapelayer path")).to_have_count(1, timeout=CHARTED)
    expect(picked).to_have_text(words)
    with visit.rerun():
        page.get_by_role("button", name="Clear", exact=True).click()
    expect(picked).to_have_count(0)
    expect(page.locator(".js-plotly-plot .shapelayer path")).to_have_count(0)
    draw_around(visit, [(0.05, 0.05), (0.5, 0.05), (0.5, 0.95), (0.05, 0.95)])
    expect(page.locator(".js-plotly-plot .selectionlayer path").first).to_be_attached()
    with visit.rerun():
        page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator(".js-plotly-plot .selectionlayer path")).to_have_count(0, timeout=CHARTED)
