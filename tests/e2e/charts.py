"""Clicks on marks of a plotly chart, found by what they stand for."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visit

CHARTED = 90_000
"""Milliseconds until a page that is loaded anew has its charts, on a busy machine."""

_PLACE = """(chart, [trace, index]) => {
  const plot = chart.querySelector(".js-plotly-plot");
  const drawn = plot._fullData[trace];
  const {[drawn.xaxis.replace("x", "xaxis")]: across, [drawn.yaxis.replace("y", "yaxis")]: up}
    = plot._fullLayout;
  const at = (axis, value) => axis._offset + axis.d2p(value);
  const bar = drawn.type === "bar";
  const lying = drawn.orientation === "h";
  const base = drawn.base ? drawn.base[index] : 0;
  const x = bar && lying ? base + drawn.x[index] / 2 : drawn.x[index];
  const y = bar && !lying ? drawn.y[index] / 2 : drawn.y[index];
  const frame = plot.getBoundingClientRect();
  return {x: frame.x + at(across, x), y: frame.y + at(up, y)};
}"""
"""Where a mark of a trace lies in the window; the middle of a bar."""

_DATA = """(chart, trace) => {
  const told = chart.querySelector(".js-plotly-plot")._fullData[trace].customdata;
  return Array.from(told, one => typeof one === "number" ? [one] : Array.from(one));
}"""


def chart(page: Page, number: int = 0) -> Locator:
    """Wait for a chart of a page and return it."""
    found = page.get_by_test_id("stPlotlyChart").nth(number)
    expect(found.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=CHARTED)
    found.scroll_into_view_if_needed()
    return found


def told(place: Locator, trace: int = 0) -> list[list[float]]:
    """Return the `customdata` of every mark of a trace."""
    return place.evaluate(_DATA, trace)


def click(visit: Visit, place: Locator, index: int, trace: int = 0) -> None:
    """Click a mark of a trace and wait until the page is drawn anew."""
    at = place.evaluate(_PLACE, [trace, index])
    visit.page.mouse.move(at["x"] - 3, at["y"])
    visit.page.mouse.move(at["x"], at["y"], steps=4)
    visit.page.wait_for_timeout(150)
    with visit.rerun():
        visit.page.mouse.click(at["x"], at["y"])
