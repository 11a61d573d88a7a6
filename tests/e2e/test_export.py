"""The export in a real browser: choose, keep a selection, write, download, read the file."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from influence_core.selection.curate import CurationSettings, curate
from influence_core.selection.select import SelectionSettings, select
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from influence_core.store.tails import TailSettings, tails
from tests.e2e.conftest import Visit
from tests.e2e.test_pages import address
from tests.factory import make_run

pytestmark = pytest.mark.browser

BY_EL2N = SelectionSettings(score="el2n", fraction=0.3)


@pytest.fixture
def run(runs: Path) -> Run:
    made = make_run(runs, "taken", rows=300)
    yield made
    made.delete()


def downloaded(page: Page, name: str) -> bytes:
    with page.expect_download() as started:
        page.get_by_role("button", name=name).first.click()
    return Path(started.value.path()).read_bytes()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """Return the files of an archive by their names without folders."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {Path(name).name: packed.read(name) for name in packed.namelist()}


def lines(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode("utf-8"), newline="")))


def test_what_is_downloaded_is_what_was_chosen(visit: Visit, run: Run) -> None:
    easy = select(run, BY_EL2N).dropped[:20]
    Selections(run).create("gold", easy)
    page = visit.open("export?run=taken&score=el2n", fresh=True)
    plain = len(select(run, BY_EL2N).kept)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(f"{plain:,}")

    page.get_by_role("combobox", name="Always keep the selections").click()
    with visit.rerun():
        page.get_by_role("option", name="gold (20 rows)").click()
    page.keyboard.press("Escape")
    curated = curate(run, BY_EL2N, CurationSettings(keep_selection=("gold",)))
    assert len(curated.kept) != plain
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(f"{len(curated.kept):,}")
    assert address(page)["keep"] == "gold"

    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_text("Written, and yours to take.")).to_be_visible()
    found = unpacked(downloaded(page, "Download"))
    manifest = json.loads(found.pop("manifest.json"))
    assert {name: hashlib.sha256(content).hexdigest() for name, content in found.items()} == (
        manifest["files"]
    )
    ids = run.examples(["id"])["id"]
    kept, removed = lines(found["kept.csv"]), lines(found["removed.csv"])
    assert {row["id"] for row in kept if row["split"] == "train"} == set(ids[curated.kept])
    assert {row["id"] for row in removed} == set(ids[curated.dropped])
    assert manifest["selections"][0]["name"] == "gold"
    assert sum(manifest["train_after"].values()) == len(curated.kept)
    assert f"{len(curated.kept):,} of" in found["datasheet.md"].decode()


def test_a_written_export_is_looked_into_and_checked(visit: Visit, run: Run) -> None:
    page = visit.open("export?run=taken&score=vog", fresh=True)
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_text("Written, and yours to take.")).to_be_visible()
    page.get_by_text("Contents", exact=True).click()
    folder = run.path / "exports" / "vog-class-easy-30"
    expect(page.get_by_text(str(folder), exact=True)).to_be_visible()
    page.get_by_role("button", name="Check the files").click()
    expect(page.get_by_text("Every file is as it was written.")).to_be_visible()
    (folder / "removed.csv").write_text("other", encoding="utf-8")
    with visit.rerun():
        page.get_by_role("button", name="Check the files").click()
    expect(page.get_by_text("1 file differs from the manifest.")).to_be_visible()


def test_a_link_restores_the_selections(visit: Visit, run: Run) -> None:
    train = np.flatnonzero(run.examples(["split"])["split"] == "train")
    Selections(run).create("gold", train[:5])
    Selections(run).create("bad", train[5:25])
    page = visit.open("export?run=taken&keep=gold&omit=bad", fresh=True)
    expect(page.get_by_text("20 training rows of bad always left out")).to_be_visible()
    slider = page.get_by_role("slider").first
    slider.focus()
    with visit.rerun():
        slider.press("ArrowRight")
    draft = {"keep": "gold", "omit": "bad", "share": "31"}
    assert address(page) | draft == address(page)
    page.reload()
    expect(page.get_by_text("5 training rows of gold always kept")).to_be_visible()
    expect(page.get_by_test_id("stMain").get_by_text("31%", exact=True)).to_be_visible()
    assert address(page) | draft == address(page)
    for name in ("Examples", "Export"):
        with visit.rerun():
            page.locator(".st-key-navigation").get_by_role("link", name=name).click()
    expect(page.get_by_text("5 training rows of gold always kept")).to_be_visible()


def test_the_ends_of_a_score_are_a_file(visit: Visit, run: Run) -> None:
    page = visit.open("export?run=taken&score=pvi", fresh=True)
    # What is below a chart moves when it is drawn, and a click may miss it.
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    page.get_by_text("Only the hardest or the easiest rows").click()
    found = lines(downloaded(page, "Download 200 rows"))
    assert [row["id"] for row in found] == tails(run, TailSettings(score="pvi"))["id"].tolist()


@pytest.mark.parametrize("name", ["wide", "hostile"])
def test_the_page_holds_many_classes_and_hostile_names(visit: Visit, name: str) -> None:
    page = visit.open(f"export?run={name}", fresh=True)
    expect(page.get_by_text("Take it away")).to_be_visible()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
