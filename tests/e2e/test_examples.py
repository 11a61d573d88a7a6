"""The Examples page in a real browser: both ends, ticks, tokens, neighbours, influence, regex."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as TooLate

from influence_core.noise.near import nearest
from influence_core.scores.pairwise.explain import explain
from influence_core.store import tables
from influence_core.store.query import ExampleQuery
from influence_core.store.rows import find_rows, texts
from influence_core.store.run import Run
from influence_core.store.selections import Selections
from tests.e2e.conftest import Visit
from tests.e2e.test_pages import address, text_of
from tests.factory import make_run
from tests.trained import train

pytestmark = pytest.mark.browser

BOX, BESIDE, HEAD, LINE = 16, 200, 36, 35
"""Pixels of a table: where its boxes and its texts are, its heading, and a row of it."""

NARROW = 30
"""Pixels of a row of a table in the detail."""


@pytest.fixture(scope="module")
def tuned(runs: Path, tiny_encoder: Path) -> Run:
    made = train(runs, tiny_encoder, "finetune", ("vog", "tracin"), name="tuned")
    yield made
    made.delete()


@pytest.fixture
def run(runs: Path) -> Run:
    made = make_run(runs, "browsed", rows=400)
    yield made
    made.delete()


def rows_of(run: Run, **query: object) -> list[int]:
    wanted = {"score": "vog", "order": "hardest", "scored_only": True} | query
    return find_rows(run, ExampleQuery(**wanted), 0, 1000)


def table(page: Page, place: int = 0) -> Locator:
    found = page.get_by_test_id("stDataFrame").nth(place)
    expect(found.locator("canvas").first).to_be_visible()
    return found


def at(row: int, across: int = BESIDE) -> dict[str, int]:
    return {"x": across, "y": HEAD + LINE * row + LINE // 2}


def click_until(page: Page, found: Locator, place: dict[str, int], part: str) -> None:
    """Click on a table until the address has a part: one not yet painted swallows a click."""
    for _ in range(5):
        found.click(position=place)
        try:
            page.wait_for_url(f"**{part}*", timeout=8_000)
        except TooLate:
            continue
        return
    raise AssertionError(f"The address never had {part}.")


def shown(page: Page) -> Locator:
    """Return the text of the example whose detail is drawn."""
    return page.get_by_test_id("stText").first


def test_a_row_of_either_end_is_read(visit: Visit, run: Run) -> None:
    page = visit.open("examples?run=browsed&score=vog")
    with visit.rerun():
        page.get_by_role("radio", name="Side by side").click()
    assert address(page)["show"] == "sides"
    page = visit.open("examples?run=browsed&score=vog&show=sides", fresh=True)
    expect(page.get_by_test_id("stDataFrame")).to_have_count(4)
    for place, order in ((0, "hardest"), (1, "easiest")):
        [said] = texts(run, rows_of(run, order=order)[4:5])
        click_until(page, table(page, place), at(4), f"id={said.id}")
        expect(shown(page)).to_have_text(said.text)
    with visit.rerun():
        page.get_by_label("Next page").nth(1).click()
    assert (address(page).get("page"), address(page)["low"]) == (None, "2")


def test_ticked_rows_become_a_selection_that_narrows_the_view(visit: Visit, run: Run) -> None:
    page = visit.open("examples?run=browsed&score=vog")
    hardest = rows_of(run)
    for row in (1, 3):
        with visit.rerun():
            table(page).click(position=at(row, BOX))
        expect(shown(page)).to_have_text(texts(run, [hardest[row]])[0].text)
    table(page).hover()
    expect(table(page).get_by_test_id("stElementToolbar")).to_be_hidden()
    with visit.rerun():
        table(page).click(position=at(5))
    [said] = texts(run, hardest[5:6])
    expect(shown(page)).to_have_text(said.text)
    with visit.rerun():
        page.get_by_label("Next page").click()
    with visit.rerun():
        table(page).click(position=at(0, BOX))
    page.get_by_role("button", name="Save 3 rows as a selection").click()
    with visit.rerun():
        page.get_by_label("Name", exact=True).fill("odd-ones")
        page.get_by_label("Name", exact=True).press("Enter")
    with visit.rerun():
        page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("Selection odd-ones holds 3 rows now.")).to_be_visible()
    expected = sorted([hardest[1], hardest[3], hardest[25]])
    assert Selections(run).rows("odd-ones").tolist() == expected
    page.keyboard.press("Escape")
    with visit.rerun():
        page.get_by_role("button", name="Untick").click()
    expect(page.get_by_role("button", name="Save all 328 as a selection")).to_be_visible()
    page.get_by_role("button", name="Selections", exact=False).last.click()
    with visit.rerun():
        page.get_by_role("button", name="See only these rows").click()
    expect(page.get_by_text("3 of 328 training rows in view")).to_be_visible()
    assert address(page)["selection"] == "odd-ones"
    expect(shown(page)).to_have_text(texts(run, [hardest[1]])[0].text)


def test_words_of_a_tuned_run_are_coloured_by_their_variance(visit: Visit, tuned: Run) -> None:
    [said] = texts(tuned, [rows_of(tuned)[2]])
    page = visit.open(f"examples?run=tuned&score=vog&id={said.id}")
    with visit.rerun():
        page.get_by_role("tab", name="Tokens").click()
    assert address(page)["tab"] == "Tokens"
    chips = page.locator("span[title*='times the mean']")
    expect(chips).to_have_text(["[CLS]", *said.text.split(), "[SEP]"])
    grounds = chips.evaluate_all("spans => spans.map(one => one.style.backgroundColor)")
    assert len(set(grounds)) > 1
    assert all(one.startswith("rgb(") for one in grounds)


def test_neighbours_and_influence_lead_to_other_rows(visit: Visit, tuned: Run) -> None:
    key = texts(tuned, rows_of(tuned)[:1])[0].id
    page = visit.open(f"examples?run=tuned&score=vog&id={key}&tab=Neighbours")
    expect(page.get_by_text("nearest training row")).to_be_visible()
    near = nearest(tuned, key).rows[1]
    with visit.rerun():
        table(page, 1).click(position={"x": 60, "y": NARROW * 2 + NARROW // 2})
    assert address(page)["id"] == near.id
    expect(shown(page)).to_have_text(near.text)

    with visit.rerun():
        page.get_by_role("tab", name="Influence").click()
    pulled = explain(tuned, row=near.id, count=5).proponents[0]
    expect(page.get_by_text("Which rows pulled the model towards")).to_be_visible()
    with visit.rerun():
        table(page, 1).click(position={"x": 60, "y": NARROW + NARROW // 2})
    assert address(page)["id"] == pulled.id
    expect(shown(page)).to_have_text(pulled.text)


def test_a_typed_text_is_answered(visit: Visit, tuned: Run) -> None:
    page = visit.open("examples?run=tuned&score=vog")
    page.get_by_text("What would the model say of a text of yours").click()
    box = page.get_by_label("Your text")
    box.fill("rain snow forecast")
    with visit.rerun():
        box.press("Enter")
    found = explain(tuned, text="rain snow forecast", count=5)
    sure = f"The model says, {100 * found.confidence:.0f}% sure"
    expect(page.get_by_text(sure, exact=True).last).to_be_visible()
    expect(page.get_by_test_id("stText").last).to_have_text(found.predicted)
    assert address(page)["ask"] == "rain snow forecast"


def test_a_regular_expression_and_a_column_s_order_outlive_a_reload(visit: Visit, run: Run) -> None:
    query = {"search": "^(turn|switch).*[05]$", "regex": True}
    order = {"order": "column", "column": "frequency", "descending": True}
    found = rows_of(run, **query, **order)
    assert 0 < len(found) < 328
    page = visit.open("examples?run=browsed&score=vog&regex=yes")
    search = page.get_by_label("Text matches")
    search.fill(str(query["search"]))
    with visit.rerun():
        search.press("Enter")
    narrowed = page.get_by_text(f"{len(found)} of 328 training rows in view")
    expect(narrowed).to_be_visible()
    page.reload()
    expect(narrowed).to_be_visible()
    expect(page.get_by_label("Text matches")).to_have_value(str(query["search"]))
    view = "search=%5E%28turn%7Cswitch%29.%2A%5B05%5D%24&regex=yes&sort=frequency&falling=yes"
    page = visit.open(f"examples?run=browsed&score=vog&{view}", fresh=True)
    expect(page.get_by_text(f"{len(found)} training rows by frequency, highest")).to_be_visible()
    expect(shown(page)).to_have_text(text_of(run, texts(run, found[:1])[0].id))
    assert tables.count(run, ExampleQuery(scored_only=True, **query)) == len(found)
