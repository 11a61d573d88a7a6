"""Distributions in a real browser: a click on a bar or a box narrows the rows on every page."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from influence_core.store import tables
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run
from tests.e2e.charts import CHARTED, chart, click, told
from tests.e2e.conftest import Visit
from tests.e2e.test_pages import address
from tests.factory import read

pytestmark = pytest.mark.browser

PARTS = {"shape": 4, "groups": 2, "sampling": 1, "timing": 3}
"""Charts of every part of the page."""


@pytest.mark.parametrize("part", PARTS)
def test_every_part_draws_its_charts(visit: Visit, part: str) -> None:
    page = visit.open(f"distributions?run=small&score=vog&norm=dataset&part={part}", fresh=True)
    charts = page.get_by_test_id("stPlotlyChart")
    expect(charts).to_have_count(PARTS[part], timeout=CHARTED)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=CHARTED)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_click_on_a_bar_keeps_to_its_rows_on_every_page(visit: Visit, runs: Path) -> None:
    page = visit.open("distributions?run=small&score=vog", fresh=True)
    bars = chart(page)
    bins = told(bars)
    values = read(Run(runs / "small").scores_file)["vog"].to_numpy()
    place = len(bins) // 3
    low, high = bins[place]
    rows = int(((values >= low) & (values < high)).sum())
    assert 0 < rows < 328
    click(visit, bars, place)
    expect(page.get_by_text(f"{rows} of 328 training rows in view")).to_be_visible()
    assert len(told(chart(page))) == len(bins)

    page.locator(".st-key-navigation a").filter(has_text="Examples").click()
    expect(page.get_by_text(f"{rows} training rows by VoG").first).to_be_visible()
    page.go_back()
    expect(page.get_by_text(f"{rows} of 328 training rows in view")).to_be_visible()
    click(visit, chart(page), place)
    expect(page.get_by_text("training rows in view")).to_have_count(0)
    assert "filter" not in address(page)


def test_a_click_on_a_box_keeps_to_its_group(visit: Visit, runs: Path) -> None:
    page = visit.open("distributions?run=small&part=groups&by=source", fresh=True)
    sizes = [rows for _, rows, *_ in told(chart(page), trace=1)]
    click(visit, chart(page), 1, trace=1)
    expect(page.get_by_text(f"{sizes[1]:.0f} of 328 training rows in view")).to_be_visible()
    assert address(page)["filter"].startswith("source=")
    assert len(told(chart(page), trace=1)) == len(sizes)
    with visit.rerun():
        page.get_by_role("button", name="Show all").click()
    expect(page.get_by_text("training rows in view")).to_have_count(0)


def test_a_class_is_chosen_as_the_bar_above_would(visit: Visit, runs: Path) -> None:
    page = visit.open("distributions?run=small&part=groups&score=vog", fresh=True)
    label = page.get_by_test_id("stPlotlyChart").first.locator(".ytick text").first.text_content()
    click(visit, chart(page), 0, trace=1)
    assert address(page)["label"] == label
    found = tables.count(Run(runs / "small"), ExampleQuery(scored_only=True, labels=(label,)))
    expect(page.get_by_text(f"{found} of 328 training rows in view")).to_be_visible()


def test_hostile_groups_can_be_clicked(visit: Visit, runs: Path) -> None:
    page = visit.open("distributions?run=hostile&part=groups", fresh=True)
    expect(page.locator(".ytick", has_text="<b>bold</b>").first).to_be_visible(timeout=CHARTED)
    for place in range(3):
        wanted = told(chart(page), trace=1)[place][1]
        click(visit, chart(page), place, trace=1)
        expect(page.get_by_text(f"{wanted:.0f} of ").first).to_be_visible()
        with visit.rerun():
            page.get_by_role("button", name="Show all").click()


def test_the_tails_are_shown_on_request_and_the_address_says_so(visit: Visit) -> None:
    page = visit.open("distributions?run=small&score=vog&norm=dataset", fresh=True)
    chart(page)
    with visit.rerun():
        page.get_by_text("Show the tails").click()
    expect(page.get_by_text("Orange is hard, blue is easy. All")).to_be_visible()
    assert address(page)["tails"] == "yes"
    with visit.rerun():
        page.get_by_role("radio", name="By group").click()
    expect(page.get_by_text("What are the figures of every class?")).to_be_visible()
    assert address(page)["part"] == "groups"


def test_the_slider_moves_what_is_kept(visit: Visit) -> None:
    page = visit.open("distributions?run=small&score=el2n&part=sampling&tails=yes", fresh=True)
    chart(page)
    slider = page.get_by_role("slider").first
    before = np.array(told(chart(page)))[:, 2].sum()
    slider.focus()
    with visit.rerun():
        slider.press("ArrowRight")
    share = slider.input_value()
    expect(page.get_by_text(f"What does dropping {share}% leave of EL2N?")).to_be_visible()
    assert np.array(told(chart(page)))[:, 2].sum() < before


def test_five_hundred_classes_stay_readable(visit: Visit) -> None:
    page = visit.open("distributions?run=wide&part=groups&order=hardest", fresh=True)
    expect(page.get_by_text("20 of 500 classes")).to_be_visible()
    ticks = chart(page).locator(".ytick text")
    expect(ticks).to_have_count(20)
    boxes = sorted((tick.bounding_box() for tick in ticks.all()), key=lambda box: box["y"])
    overlaps = [first["y"] + first["height"] > second["y"] + 1 for first, second in pairwise(boxes)]
    assert not any(overlaps)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
