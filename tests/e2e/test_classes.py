"""Classes in a real browser: dots and bars narrow the rows, a slider previews what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from influence_core.store.run import Run
from tests.e2e.charts import CHARTED, chart, click, told
from tests.e2e.conftest import Visit
from tests.e2e.test_pages import address
from tests.factory import read

pytestmark = pytest.mark.browser

PARTS = {"hardness": 1, "balance": 1, "kept": 2, "recall": 1}
"""Charts of every part of the page."""


@pytest.mark.parametrize("run", ["wide", "hostile"])
@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_drawn_whatever_the_classes(visit: Visit, part: str, run: str) -> None:
    page = visit.open(f"classes?run={run}&norm=dataset&part={part}", fresh=True)
    charts = page.get_by_test_id("stPlotlyChart")
    expect(charts).to_have_count(PARTS[part], timeout=CHARTED)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=CHARTED)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_click_on_a_dot_keeps_to_its_class_on_every_page(visit: Visit, runs: Path) -> None:
    page = visit.open("classes?run=small&score=vog&norm=dataset", fresh=True)
    dots = chart(page)
    _, rows, _ = told(dots)[2]
    click(visit, dots, 2)
    expect(page.get_by_text(f"{rows:.0f} of 328 training rows in view")).to_be_visible()
    labels = read(Run(runs / "small").examples_file).to_pandas().query("split == 'train'")["label"]
    assert (labels == address(page)["label"]).sum() == rows
    assert len(told(chart(page))) == 6

    page.locator(".st-key-navigation a").filter(has_text="Examples").click()
    expect(page.get_by_text(f"{rows:.0f} training rows by VoG").first).to_be_visible()
    with visit.rerun():
        page.go_back()
    click(visit, chart(page), 2)
    expect(page.get_by_text("training rows in view")).to_have_count(0)
    assert "label" not in address(page)


def test_of_five_hundred_classes_the_corner_is_marked_and_listed(visit: Visit) -> None:
    page = visit.open("classes?run=wide&score=el2n&norm=dataset", fresh=True)
    corner = chart(page)
    expect(corner.get_by_text("hard and rare")).to_be_visible()
    expect(page.get_by_text("Hard and rare:")).to_be_visible()
    assert len(told(corner)) == 500
    listed = page.get_by_test_id("stDataFrame")
    expect(listed.locator("canvas").first).to_be_visible(timeout=CHARTED)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_bar_of_the_sizes_can_be_clicked(visit: Visit) -> None:
    page = visit.open("classes?run=small&part=balance&by=source", fresh=True)
    click(visit, chart(page), 0)
    assert address(page)["filter"].startswith("source=")
    expect(page.get_by_text("of 328 training rows in view")).to_be_visible()
    with visit.rerun():
        page.get_by_role("button", name="Show all").click()


def test_the_slider_previews_what_classes_keep_and_export_takes_it_over(visit: Visit) -> None:
    page = visit.open("classes?run=small&score=vog&norm=dataset&part=kept", fresh=True)
    shares = np.array([kept for _, _, kept in told(chart(page), trace=1)])
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(3):
        with visit.rerun():
            slider.press("PageUp")
    fewer = np.array([kept for _, _, kept in told(chart(page), trace=1)])
    assert (fewer <= shares).all()
    assert fewer.sum() < shares.sum()
    share = slider.input_value()
    page.get_by_role("link", name=f"Export what is left after {share}%").click()
    expect(page.get_by_role("heading", name="Export", exact=True)).to_be_visible()
    expect(page.get_by_role("slider").first).to_have_value(share)
    assert address(page)["compare"] == "dataset"
