"""A read-only demonstration with masked texts, in a real browser: all to be seen, nothing to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from influence_core.access import MASK_TEXTS, READ_ONLY
from influence_core.noise.table import find_noise
from influence_core.store.run import Run
from tests.e2e.conftest import AT_REST, ENDED, PROJECT, Visit, serving, watching
from tests.untouched import Contents, contents

pytestmark = pytest.mark.browser

PAGES = sorted(path.stem for path in (PROJECT / "pages").glob("*.py"))

WRITING = ("Start", "Resume", "Delete", "Keep", "Relabel", "Drop", "Skip", "Undo", "Make it anew")

LOCKED = {"home": "Score new data", "noise?run=hostile": "Judge the labels", "export": "Export"}
"""Buttons that write, and where they are drawn for everybody to see what there would be."""


@pytest.fixture(scope="module")
def shown(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs that are shown, one of them with suspects."""
    root = tmp_path_factory.mktemp("shown") / "runs"
    for name in ("small", "hostile", "bare"):
        shutil.copytree(runs / name, root / name)
    find_noise(Run(root / "small"))
    return root


@pytest.fixture(scope="module")
def before(shown: Path) -> Contents:
    """What lies in the folder before anybody looks."""
    return contents(shown)


@pytest.fixture(scope="module")
def demonstration(chromium: BrowserContext, shown: Path, before: Contents) -> Iterator[Visit]:
    """A window on a dashboard that only shows, and shows no text."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(READ_ONLY, "1")
            patch.setenv(MASK_TEXTS, "1")
            address = stack.enter_context(serving(shown))
        visit = Visit(chromium.new_page(), address)
        visit.listen()
        yield visit
        visit.page.close()


@pytest.fixture(scope="module")
def wire(demonstration: Visit) -> Wire:
    """What is sent to that window."""
    return Wire(demonstration.page)


@pytest.fixture
def visit(demonstration: Visit) -> Iterator[Visit]:
    """A visit that must end without trouble."""
    yield from watching(demonstration)


LATE = 500
"""Milliseconds in which what was sent has arrived."""


@dataclass
class Wire:
    """Everything that a server sends to one page, tables that are drawn on canvases among it."""

    page: Page
    frames: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._take))

    def _take(self, payload: str | bytes) -> None:
        self.frames.append(payload.encode() if isinstance(payload, str) else payload)

    def texts(self, run: Run) -> list[str]:
        """Return the texts of a run that were sent since it was asked last."""
        self.page.wait_for_timeout(LATE)
        sent = b"".join(self.frames)
        self.frames.clear()
        texts = [text.strip() for text in run.examples(["text"])["text"]]
        return [text for text in texts if len(text) > 8 and text.encode() in sent]


@pytest.mark.parametrize("name", PAGES)
def test_every_page_opens_and_offers_nothing_to_begin(
    visit: Visit, wire: Wire, shown: Path, before: Contents, name: str
) -> None:
    address = "" if name == "home" else name
    page = visit.open(f"{address}?run=small&masked=no")
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_text("Read-only demonstration").first).to_be_visible()
    expect(sidebar.get_by_text("Texts masked").first).to_be_visible()
    expect(page.get_by_text(READ_ONLY)).to_have_count(0)
    for label in WRITING:
        button = page.get_by_test_id("stMain").get_by_role("button", name=label, exact=True)
        assert all(one.is_disabled() for one in button.all()), label
    assert wire.texts(Run(shown / "small")) == []
    assert contents(shown) == before


@pytest.mark.parametrize("address", LOCKED)
def test_what_would_write_is_drawn_and_locked(visit: Visit, address: str) -> None:
    page = visit.open(address.replace("home", "?run=small"))
    button = page.get_by_test_id("stMain").get_by_role("button", name=LOCKED[address])
    expect(button.first).to_be_visible()
    assert all(one.is_disabled() for one in button.all())


def test_labels_are_shown_where_texts_are_masked(visit: Visit, shown: Path) -> None:
    page = visit.open("noise?run=small")
    suspect = page.get_by_test_id("stText")
    expect(suspect.first).to_have_text("masked, 5 words")
    labels = Run(shown / "small").manifest().dataset.label_names
    assert set(suspect.all_inner_texts()[1:]) <= set(labels)
    assert len(suspect.all_inner_texts()) == 3


def test_search_is_off(visit: Visit) -> None:
    page = visit.open("examples?run=small&search=jazz&regex=yes")
    search = page.get_by_role("searchbox")
    expect(search).to_be_disabled()
    expect(search).to_have_value("")
    expect(page.get_by_text("training rows in view")).to_have_count(0)


def test_the_run_page_shows_a_run_and_starts_none(visit: Visit) -> None:
    page = visit.open("run?run=bare&view=new")
    expect(page.get_by_text("New runs are switched off")).to_be_visible()
    expect(page.get_by_text("How far is it?")).to_be_visible()
    expect(page.get_by_text("Which data?")).to_have_count(0)


def test_hostile_texts_are_masked_and_hostile_labels_stay(
    visit: Visit, wire: Wire, shown: Path
) -> None:
    page = visit.open("examples?run=hostile&score=vog")
    expect(page.get_by_test_id("stText").first).to_contain_text("masked, ")
    assert wire.texts(Run(shown / "hostile")) == []
    assert (
        "<b>bold</b>" in page.get_by_test_id("stMain").inner_text()
        or page.get_by_text("émoji").count()
    )


def test_who_may_show_texts_can_mask_them_and_reload(
    chromium: BrowserContext, server: str, runs: Path
) -> None:
    visit = Visit(chromium.new_page(), server)
    visit.listen()
    wire, run = Wire(visit.page), Run(runs / "small")
    page = visit.open("examples?run=small", fresh=True)
    assert wire.texts(run)
    switch = page.get_by_role("switch", name="Mask the texts")
    page.wait_for_function(AT_REST)
    page.get_by_text("Mask the texts").click()
    expect(page.get_by_test_id("stText").first).to_contain_text("masked, ")
    page.wait_for_function(AT_REST)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Map").click()
    expect(page.get_by_role("heading", name="Map")).to_be_visible()
    page.wait_for_url("**masked=yes**")
    page.reload()
    page.wait_for_function(ENDED, arg=0)
    expect(switch).to_be_checked()
    visit.open("examples?run=small&end=easiest")
    expect(switch).to_be_checked()
    assert wire.texts(run) == []
    page.close()
