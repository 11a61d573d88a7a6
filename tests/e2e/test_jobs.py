"""A real run in the background: started in the browser, cancelled there, and resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from influence_core import jobs
from influence_core.store.run import Run
from tests.e2e.conftest import Visit
from tests.requests import write_requests

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STARTED = 90_000
"""Milliseconds until a new process has loaded torch on a busy machine."""


def test_job_is_started_cancelled_and_resumed(
    visit: Visit, runs: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    source = write_requests(tmp_path / "asked.csv")
    page = visit.open("run?view=new&way=name", fresh=True)
    _type(visit, "Path or dataset id", str(source))
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    _type(visit, "Encoder", str(tiny_encoder))
    _type(visit, "Epochs", "150")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("How far is it?")).to_be_visible()

    run = Run(runs / "asked-label")
    done = page.get_by_test_id("stMain").get_by_text("check_circle").first
    expect(done).to_be_visible(timeout=STARTED)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=STARTED)
    assert jobs.status(run).state == "cancelled"

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("How good is the model?")).to_be_visible(timeout=STARTED)
    assert jobs.status(run).state == "finished"
    assert set(run.manifest().scores) <= set(run.scores().columns)


def _type(visit: Visit, label: str, text: str) -> None:
    """Fill a field and leave it, as Streamlit takes it over only then."""
    place = visit.page.get_by_label(label, exact=True)
    place.fill(text)
    with visit.rerun():
        place.press("Enter")
