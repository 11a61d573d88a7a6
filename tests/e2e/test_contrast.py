"""Texts can be read: enough contrast on every page, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.e2e.conftest import Visit
from tests.ui.everything import pages

pytestmark = pytest.mark.browser

FAINT = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")
"""Finds the texts in view that stand out too little."""

SETTLED = "() => document.getAnimations().every(one => one.playState !== 'running')"


@pytest.fixture(scope="module", params=["light", "dark"])
def coloured(
    request: pytest.FixtureRequest, chromium: BrowserContext, server: str
) -> Iterator[Visit]:
    """A visit in one of the two colour schemes."""
    context = chromium.browser.new_context(
        viewport={"width": 1280, "height": 2_000}, color_scheme=request.param
    )
    visit = Visit(context.new_page(), server)
    visit.listen()
    yield visit
    context.close()


@pytest.mark.parametrize("name", pages())
def test_every_text_stands_out(coloured: Visit, name: str) -> None:
    page = coloured.open(f"{name}?run=small&score=vog")
    page.wait_for_function(SETTLED)
    assert page.evaluate(FAINT) == []


def test_what_is_faint_is_found(coloured: Visit) -> None:
    page = coloured.open("home")
    page.evaluate("document.querySelector('h1').style.opacity = 0.2")
    assert [words.split(":")[0] for words in page.evaluate(FAINT)] == ["Influence Scope"]
