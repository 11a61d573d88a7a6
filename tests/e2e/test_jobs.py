"""Real work in the background: started in the browser, cancelled there, and resumed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from influence_core import jobs
from influence_core.config import RunSettings
from influence_core.pruning.experiment import Experiment
from influence_core.store.journal import JobRecord
from influence_core.store.run import Run, create_run
from tests.e2e.conftest import Visit
from tests.exchange.files import IDS, write_csv, write_texts
from tests.factory import make_run
from tests.requests import write_requests

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STARTED = 240_000
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


def test_second_run_waits_for_the_first_and_then_runs(
    visit: Visit, runs: Path, tiny_encoder: Path, tmp_path: Path, holding: Run
) -> None:
    source = write_requests(tmp_path / "later.csv")
    page = visit.open("run?view=new&way=name", fresh=True)
    expect(page.get_by_text("1 job running")).to_be_visible()
    _type(visit, "Path or dataset id", str(source))
    _type(visit, "Encoder", str(tiny_encoder))
    _type(visit, "Epochs", "2")
    page.get_by_role("button", name="Queue", exact=True).click()
    expect(page.get_by_text("Waits for 1 job: holding.")).to_be_visible(timeout=STARTED)
    run = Run(runs / "later-label")
    assert jobs.status(run).state == "queued"

    visit.open("", fresh=True)
    expect(page.get_by_text("Waiting").first).to_be_visible()
    page = visit.open("run?view=progress&run=later-label", fresh=True)
    expect(page.get_by_role("button", name="Start now")).to_be_visible()
    holding.update(status="complete")
    expect(page.get_by_text("How good is the model?")).to_be_visible(timeout=STARTED)
    expect(page.get_by_text("Waits for")).to_have_count(0)
    assert jobs.status(run).state == "finished"


@pytest.fixture
def holding(runs: Path) -> Iterator[Run]:
    """A run at which this very process seems to work, so that others wait for it."""
    run = create_run("holding", RunSettings(), runs)
    run.update(status="running")
    JobRecord.of(os.getpid()).write(run)
    yield run
    run.delete()


def test_scores_are_loaded_from_a_file(visit: Visit, runs: Path, tmp_path: Path) -> None:
    texts = write_texts(tmp_path)
    values = [0.5, 0.25, 1.0, 0.125, 0.0, 0.75]
    scores = write_csv(tmp_path / "scores.csv", {"id": IDS, "el2n": values})
    page = visit.open("run?view=new&way=load", fresh=True)
    page.locator('input[type="file"]').first.set_input_files(texts)
    expect(page.get_by_text("Which column is which?")).to_be_visible()
    upload = page.locator('input[type="file"]').last
    broken = write_csv(tmp_path / "broken.csv", {"id": IDS, "el2n": ["high"] * 6})
    upload.set_input_files(broken)
    expect(page.get_by_text("1 stops the run")).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_disabled()

    page = visit.open("run?view=new&way=load", fresh=True)
    page.locator('input[type="file"]').first.set_input_files(texts)
    expect(page.get_by_text("Which column is which?")).to_be_visible()
    page.locator('input[type="file"]').last.set_input_files(scores)
    expect(page.get_by_text("With scores")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("No model was trained here")).to_be_visible(timeout=STARTED)
    run = Run(runs / "texts-label")
    assert run.scores(["el2n"])["el2n"].tolist() == values
    page.get_by_test_id("stMain").get_by_role("link", name="Examples").click()
    expect(page.get_by_text("Computed elsewhere and imported")).to_be_visible()


def _type(visit: Visit, label: str, text: str) -> None:
    """Fill a field and leave it, as Streamlit takes it over only then."""
    place = visit.page.get_by_label(label, exact=True)
    place.fill(text)
    with visit.rerun():
        place.press("Enter")


def test_pruning_is_planned_started_cancelled_and_resumed(visit: Visit, runs: Path) -> None:
    run = make_run(runs, "prunable", rows=400)
    features = np.random.default_rng(0).normal(size=(400, 16)).astype(np.float16)
    np.save(run.embeddings_file, features)
    page = visit.open("pruning?run=prunable", fresh=True)
    expect(page.get_by_text("39 models")).to_be_visible()
    with visit.rerun():
        page.get_by_role("button", name="All scores").click()
    expect(page.get_by_text("354 models")).to_be_visible()
    _type(visit, "Fractions", "0.2, 0.5, 0.8")
    expect(page.get_by_text("120 models")).to_be_visible()
    _type(visit, "Epochs", "300")
    _type(visit, "Name of the experiment", "tried")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", name="tried")).to_be_visible(timeout=STARTED)
    experiment = Experiment(Experiment.folder(run) / "tried")

    chart = page.locator(".js-plotly-plot .main-svg").first
    expect(chart).to_be_visible(timeout=STARTED)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=STARTED)
    assert jobs.status(experiment).state == "cancelled"
    assert 0 < len(experiment.missing()) < 120
    expect(page.get_by_text("How much is safe?")).to_be_visible()
    expect(page.get_by_text("Estimated with probe")).to_be_visible()

    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=STARTED)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=STARTED)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", name="tried")).to_have_count(0)
    assert not experiment.path.exists()
