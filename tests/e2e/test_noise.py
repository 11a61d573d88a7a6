"""Labels are reviewed in a real browser: by mouse, by keyboard, many at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from influence_core.noise.table import find_noise
from influence_core.store.review import Reviews
from influence_core.store.run import Run
from tests.e2e.conftest import Visit
from tests.factory import HOSTILE_TEXTS, make_run

pytestmark = pytest.mark.browser

CHARTED = 90_000
"""Milliseconds until a page that is loaded anew has its charts, on a busy machine."""


@pytest.fixture
def run(runs: Path) -> Run:
    run = make_run(runs, "suspicious", rows=200)
    np.save(run.embeddings_file, np.random.default_rng(0).normal(size=(200, 8)).astype("f2"))
    return run


def actions(run: Run) -> dict[str, str]:
    return {one.id: one.action for one in Reviews(run).standing().values()}


def expect_in_focus(page: Page, text: str) -> None:
    expect(page.locator("[class*=st-key-suspect_text] [data-testid=stText]")).to_have_text(text)


def places(page: Page) -> list[tuple[float, float]]:
    """Return where the buttons and what lies below them begin."""
    card = page.locator(".st-key-suspect")
    names = ("Keep", "Relabel", "Drop", "Skip", "Undo")
    found = [card.get_by_role("button", name=name) for name in names]
    boxes = [one.bounding_box() for one in [*found, card.get_by_test_id("stDataFrame").first]]
    return [(box["x"], box["y"]) for box in boxes]


@pytest.fixture
def hostile(runs: Path) -> Run:
    """A judged run of texts and labels that attack whoever shows them."""
    run = make_run(runs, "hostile-labels", rows=120, hostile=True)
    np.save(run.embeddings_file, np.random.default_rng(0).normal(size=(120, 8)).astype("f2"))
    find_noise(run)
    return run


def test_hostile_texts_and_labels_stay_text(visit: Visit, hostile: Run) -> None:
    rows = hostile.examples(["id", "text", "label", "split"]).head(len(HOSTILE_TEXTS))
    shown = rows[rows["split"] == "train"]
    assert len(shown) > len(HOSTILE_TEXTS) // 2
    page = visit.open("noise?run=hostile-labels", fresh=True)
    for row in shown.to_dict("records"):
        visit.open(f"noise?run=hostile-labels&at={row['id']}")
        expect_in_focus(page, row["text"])
        given = page.locator(".st-key-suspect [data-testid=stText]").nth(1)
        expect(given).to_have_text(row["label"])
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        assert not page.locator("[href*='example.invalid']").count()
    first = find_noise(hostile).table["id"].iloc[0]
    visit.open("noise?run=hostile-labels", fresh=True)
    with visit.rerun():
        page.get_by_role("button", name="Relabel").click()
    expect(page.get_by_text("Last you relabelled 1 row")).to_be_visible()
    assert actions(hostile) == {first: "relabel"}
    hostile.delete()


def test_labels_are_reviewed_by_mouse_and_keyboard(visit: Visit, run: Run) -> None:
    table = find_noise(run).table
    ids = table["id"].tolist()
    texts = run.examples(["id", "text"]).set_index("id")["text"].loc[ids].tolist()
    page = visit.open("noise?run=suspicious", fresh=True)
    expect_in_focus(page, texts[0])
    fixed = places(page)
    with visit.rerun():
        page.get_by_role("button", name="Keep").click()
    for place, key in enumerate(("d", "l", "s", "d"), start=1):
        expect_in_focus(page, texts[place])
        assert places(page) == fixed
        with visit.rerun():
            page.keyboard.press(key)
    expect_in_focus(page, texts[5])
    assert places(page) == fixed
    with visit.rerun():
        page.keyboard.press("u")
    expect_in_focus(page, texts[4])
    decided = dict(zip(ids, ("keep", "drop", "relabel", "skip"), strict=False))
    assert actions(run) == decided

    listing = page.locator(".st-key-suspects").get_by_test_id("stDataFrame")
    with visit.rerun():
        listing.click(position={"x": 120, "y": 36 + 2 * 35 + 17})
    expect_in_focus(page, texts[6])
    with visit.rerun():
        page.keyboard.press("k")
    expect_in_focus(page, texts[7])
    decided[ids[6]] = "keep"
    page.get_by_role("button", name="Apply to all shown").click()
    page.get_by_role("button", name="Drop: 10 rows").click()
    expect(page.get_by_text("Last you dropped 10 rows")).to_be_visible()
    decided |= dict.fromkeys([one for one in ids if one not in decided][:10], "drop")
    assert actions(run) == decided

    visit.open("noise?run=suspicious&rows=decided", fresh=True)
    expect(page.get_by_text("14 rows decided")).to_be_visible()
    visit.open("export?run=suspicious")
    applied = page.get_by_text("12 rows: 1 relabelled, 11 dropped")
    expect(applied).to_be_visible(timeout=CHARTED)
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("Written, and yours to take.")).to_be_visible()
    (manifest,) = run.path.glob("exports/*/manifest.json")
    reviews = json.loads(manifest.read_text("utf-8"))["reviews"]
    assert reviews["rows"] == {"keep": 2, "drop": 11, "relabel": 1, "skip": 1}
    run.delete()
