"""The main act of every page, in a real browser."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from influence_core.scores.registry import SCORES
from influence_core.store import tables
from influence_core.store.query import ExampleQuery
from influence_core.store.run import Run
from tests.e2e.conftest import PROJECT, Visit
from tests.factory import HOSTILE_LABELS, make_run

pytestmark = pytest.mark.browser

PAGES = sorted(path.stem for path in (PROJECT / "pages").glob("*.py"))


def address(page: Page) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(page.url).query).items()}


def hardest(run: Run, score: str = "vog") -> list[str]:
    query = ExampleQuery(score=score, order="hardest", scored_only=True)
    return tables.page(run, query, 1, 25)["id"].tolist()


def text_of(run: Run, key: str) -> str:
    return str(tables.example(run, key).values["text"])


def test_deep_link_as_first_visit_of_a_fresh_server(visit: Visit) -> None:
    page = visit.open("examples?run=small&score=pvi", fresh=True)
    expect(page.get_by_role("heading", name="Examples")).to_be_visible()
    expect(page.get_by_text("training rows by PVI")).to_be_visible()
    pages = list((PROJECT / "pages").glob("*.py"))
    expect(page.locator(".st-key-navigation a")).to_have_count(len(pages))


def test_home_shows_figures_of_runs_and_leads_on(visit: Visit, runs: Path) -> None:
    page = visit.open("?run=small")
    if page.get_by_text("Show all").count():
        with visit.rerun():
            page.get_by_text("Show all").click()
    accuracy = Run(runs / "wide").manifest().metrics["test"]["accuracy"]
    expect(page.get_by_text(f"{100 * accuracy:.1f}%").first).to_be_visible()
    expect(page.get_by_text("3,000").first).to_be_visible()
    page.get_by_role("link", name="Open").and_(page.locator("[href*='run=wide']")).click()
    expect(page.get_by_role("heading", name="Distributions")).to_be_visible()
    expect(page.get_by_role("combobox", name="Run")).to_have_value("wide")


def test_new_data_is_scored_from_home(visit: Visit) -> None:
    page = visit.open("?run=small")
    page.get_by_role("button", name="Score new data").click()
    expect(page.get_by_text("Which data?")).to_be_visible()


def test_empty_workspace_says_what_to_do(empty_visit: Visit) -> None:
    page = empty_visit.open()
    expect(page.get_by_text("Score your own data")).to_be_visible()
    expect(page.get_by_role("button", name="Score the built-in data")).to_be_visible()
    page.get_by_role("link", name="Upload or name a source").click()
    expect(page.get_by_text("Which data?")).to_be_visible()
    empty_visit.open("distributions")
    expect(page.get_by_text("There is no run yet.")).to_be_visible()


def test_examples_page_search_and_detail(visit: Visit, runs: Path) -> None:
    run = Run(runs / "small")
    page = visit.open("examples?run=small&score=vog")
    first = hardest(run)[0]
    expect(page.get_by_test_id("stText").first).to_have_text(text_of(run, first))
    expect(page.get_by_text("How sure was the model")).to_be_visible()
    with visit.rerun():
        page.get_by_role("radio", name="Easiest first").click()
    assert address(page)["end"] == "easiest"
    search = page.get_by_label("Text contains")
    search.fill("jazz")
    with visit.rerun():
        search.press("Enter")
    found = tables.count(run, ExampleQuery(search="jazz", scored_only=True))
    expect(page.get_by_text(f"{found} training rows by VoG")).to_be_visible()
    with visit.rerun():
        page.get_by_label("Next page").click()
    assert address(page)["page"] == "2"
    visit.open(page.url.removeprefix(f"{visit.base}/"), fresh=True)
    assert address(page) | {"search": "jazz", "page": "2", "end": "easiest"} == address(page)
    expect(page.get_by_text(f"{found} training rows by VoG, easiest first")).to_be_visible()


def test_deep_link_to_an_example_outlives_paging(visit: Visit, runs: Path) -> None:
    run = Run(runs / "small")
    key = hardest(run)[7]
    page = visit.open(f"examples?run=small&score=vog&id={key}")
    expect(page.get_by_test_id("stText").first).to_have_text(text_of(run, key))
    assert address(page)["id"] == key


def test_click_on_a_text_shows_its_detail(visit: Visit, runs: Path) -> None:
    run = Run(runs / "small")
    page = visit.open("examples?run=small&score=vog&end=hardest")
    table = page.get_by_test_id("stDataFrame").first
    expect(table.locator("canvas").first).to_be_visible()
    with visit.rerun():
        table.click(position={"x": 120, "y": 36 + 2 * 35 + 17})
    third = hardest(run)[2]
    expect(page.get_by_test_id("stText").first).to_have_text(text_of(run, third))
    assert address(page)["id"] == third


def test_filter_of_the_address_is_in_force(visit: Visit, runs: Path) -> None:
    page = visit.open("examples?run=small&filter=source%3Dsynthetic")
    query = ExampleQuery(
        scored_only=True, filters=(tables.OneOf(column="source", values=("synthetic",)),)
    )
    found = tables.count(Run(runs / "small"), query)
    expect(page.get_by_text("source is synthetic")).to_be_visible()
    expect(page.get_by_text(f"{found} training rows").first).to_be_visible()
    with visit.rerun():
        page.locator(".st-key-navigation").get_by_role("link", name="Pruning").click()
    assert address(page)["filter"] == "source=synthetic"
    with visit.rerun():
        page.go_back()
    expect(page.get_by_text("source is synthetic")).to_be_visible()
    with visit.rerun():
        page.get_by_role("button", name="Show all").click()
    assert "filter" not in address(page)


def test_hostile_texts_stay_text(visit: Visit, runs: Path) -> None:
    run = Run(runs / "hostile")
    page = visit.open("examples?run=hostile&end=hardest")
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    for row in (0, 1, 13):
        page = visit.open(f"examples?run=hostile&id=u{row:08d}")
        expect(page.get_by_test_id("stText").first).to_have_text(text_of(run, f"u{row:08d}"))
    visit.open("distributions?run=hostile&part=groups")
    expect(page.locator(".ytick", has_text="<b>bold</b>").first).to_be_visible()


@pytest.mark.parametrize("page_name", PAGES)
def test_hostile_labels_load_nothing(visit: Visit, page_name: str) -> None:
    view = urlencode({"run": "hostile", "label": HOSTILE_LABELS[-1]})
    page = visit.open(f"{page_name.replace('home', '')}?{view}")
    expect(page.locator("h1")).to_be_visible()
    assert not page.locator("[src*='example.invalid'], [href^='http://example.invalid']").count()


@pytest.mark.parametrize("page_name", ["distributions", "examples", "export", "pruning"])
def test_runs_without_scores_are_told(visit: Visit, page_name: str) -> None:
    page = visit.open(f"{page_name}?run=bare")
    expect(page.get_by_text("Run bare has no scores yet.")).to_be_visible()
    page.get_by_role("link", name="See how far it is").click()
    expect(page.get_by_text("How far is it?")).to_be_visible()


def test_run_with_one_score_works_on_every_page(visit: Visit) -> None:
    for name in ("pruning", "distributions", "examples", "export"):
        page = visit.open(f"{name}?run=single&score=vog")
        assert address(page)["score"] == "pvi"
    expect(page.get_by_text(f"{SCORES['pvi'].label} within its class decides")).to_be_visible()


def test_failed_run_says_why_and_offers_to_resume(visit: Visit) -> None:
    page = visit.open("run?run=failed")
    expect(page.get_by_text("DataError: There is <b>no</b> text.")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_deleted_run_leaves_the_page(visit: Visit, runs: Path) -> None:
    make_run(runs, "unwanted", rows=60)
    page = visit.open("run?run=unwanted&view=progress")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", name="unwanted")).to_have_count(0)
    assert not (runs / "unwanted").exists()


def test_upload_is_checked_and_columns_are_guessed(visit: Visit, tmp_path: Path) -> None:
    rows = [f"say word {number},{'ab'[number % 2]},<img src=x>" for number in range(60)]
    source = tmp_path / "mine.csv"
    source.write_text("\n".join(["utterance,intent,note", *rows, "   ,a,"]), encoding="utf-8")
    page = visit.open("run?view=new", fresh=True)
    page.set_input_files('input[type="file"]', source)
    expect(page.get_by_text("How should it be scored?")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("empty text")).to_be_visible()
    name = page.get_by_role("textbox", name="Name of the run")
    expect(name).to_have_value("mine-intent")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()


def test_unreadable_upload_cannot_be_started(visit: Visit, tmp_path: Path) -> None:
    source = tmp_path / "header.csv"
    source.write_text("text,label\n", encoding="utf-8")
    page = visit.open("run?view=new", fresh=True)
    page.set_input_files('input[type="file"]', source)
    expect(page.get_by_text("stops the run")).to_be_visible(timeout=20_000)
    assert page.get_by_text("How should it be scored?").count() == 0


def test_run_deleted_while_open_gives_way_to_the_newest(visit: Visit, runs: Path) -> None:
    make_run(runs, "doomed", rows=100)
    fresh = make_run(runs, "fresh", rows=100)
    page = visit.open("examples?run=doomed")
    Run(runs / "doomed").delete()
    with visit.rerun():
        page.get_by_role("radio", name="Easiest first").click()
    expect(page.get_by_text("There is no run named doomed")).to_be_visible()
    expect(page.get_by_text("This is fresh, the newest.")).to_be_visible()
    assert address(page)["run"] == "fresh"
    page.locator(".st-key-navigation a").filter(has_text="Export").click()
    expect(page.get_by_text("What does every class lose?")).to_be_visible()
    expect(page.get_by_text("There is no run named doomed")).to_have_count(0)
    fresh.delete()


def test_unknown_run_and_example_are_told_kindly(visit: Visit) -> None:
    page = visit.open("distributions?run=nothere")
    expect(page.get_by_text("There is no run named nothere").first).to_be_visible()
    visit.open("examples?run=small&id=nobody")
    expect(page.get_by_text("The example of this link is not in the run.")).to_be_visible()


def test_the_way_back_leads_through_the_pages(visit: Visit) -> None:
    page = visit.open("examples?run=small", fresh=True)
    seen = [page.get_by_role("heading", level=1).text_content()]
    for name in ("Pruning", "Noise", "Map"):
        with visit.rerun():
            page.locator(".st-key-navigation").get_by_role("link", name=name).click()
        seen.append(page.get_by_role("heading", level=1).text_content())
    for title in reversed(seen[:-1]):
        with visit.rerun():
            page.go_back()
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    assert address(page)["run"] == "small"
