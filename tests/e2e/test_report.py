"""The report in a real browser: made on its page, and read offline, on paper, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from influence_core.report.page import write_report
from influence_core.report.settings import ReportSettings
from tests.e2e.conftest import Visit
from tests.report.evidence import make_evidence

pytestmark = pytest.mark.browser

PAGE = re.compile(rb"/Type\s*/Page[^s]")
SHEET = re.compile(rb"MediaBox \[0 0 (\S+) (\S+)\]")
A4 = [595, 842]
"""Its sides in points."""

BRIGHTNESS = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run whose texts and labels attack whoever shows them."""
    root = tmp_path_factory.mktemp("reported")
    run = make_evidence(root, "hostile", rows=160, hostile=True)
    return write_report(run, root / "told.html", ReportSettings(examples=50))


def browser_of(context: BrowserContext) -> Browser:
    assert context.browser is not None
    return context.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_offline(chromium: BrowserContext, report: Path, scheme: str) -> None:
    context = browser_of(chromium).new_context(
        offline=True, color_scheme=scheme, viewport={"width": 1280, "height": 800}
    )
    page = context.new_page()
    troubles: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("Training data report: hostile")
    expect(page.get_by_text("<script>alert('x')</script>").first).to_be_visible()
    light = page.evaluate(BRIGHTNESS)
    assert light == [255, 255, 255] if scheme == "light" else max(light) < 60
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert asked == [report.as_uri()]
    assert troubles == []
    context.close()


def test_it_prints_on_a_few_light_pages(chromium: BrowserContext, report: Path) -> None:
    context = browser_of(chromium).new_context(offline=True, color_scheme="dark")
    page = context.new_page()
    page.goto(report.as_uri())
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert 3 <= len(PAGE.findall(printed)) <= 14
    found = SHEET.search(printed)
    assert found is not None
    assert [round(float(side)) for side in found.groups()] == A4
    page.emulate_media(media="print")
    assert page.evaluate(BRIGHTNESS) == [255, 255, 255]
    context.close()


def test_it_is_made_and_previewed_on_its_page(visit: Visit) -> None:
    page = visit.open("report?run=hostile")
    with visit.rerun():
        page.get_by_role("button", name="Make the report").click()
    frame = page.frame_locator("iframe[title='Preview of the report']")
    expect(frame.get_by_role("heading", level=1)).to_have_text("Training data report: hostile")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the file").click()
    assert download.value.suggested_filename == "hostile-report.html"
    told = Path(download.value.path()).read_text(encoding="utf-8")
    assert told.startswith("<!DOCTYPE html>")
    with visit.rerun():
        page.get_by_text("Leave out all texts").click()
    expect(page.get_by_role("button", name="Download the file")).to_have_count(0)
    expect(page).to_have_url(re.compile("mask=yes"))
