"""A real Chromium against a real server over invented runs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as TooLate

from tests.factory import make_run

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
WITHOUT_CHROMIUM = "There is no Chromium here; get it with `apt-get install chromium`."
WAIT = 30_000
"""Milliseconds a page may take on a machine that is busy with other tests."""

PATIENCE = 10_000
"""Milliseconds until a turn of the address counts as swallowed."""

expect.set_options(timeout=WAIT)

WATCH = """
window.talk = {asked: 0, askedAt: 0, answeredAt: 0};
window.WebSocket = class extends WebSocket {
  constructor(...address) {
    super(...address);
    this.addEventListener("message", () => { talk.answeredAt = performance.now(); });
  }
  send(message) {
    talk.asked += 1;
    talk.askedAt = performance.now();
    super.send(message);
  }
};
"""
"""Notes what the browser asked of the server and when it was answered.

The state that Streamlit shows cannot be counted on for that: a browser that is busy draws the
beginning and the end of a short run at once.
"""

ASKED = "talk.asked"

ENDED = """before => talk.asked > before && talk.answeredAt > talk.askedAt
  && performance.now() - talk.answeredAt > 150
  && document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning"
  && document.querySelector("h1") !== null"""
"""Whether the script has run since the browser had asked that often."""

AT_REST = """() =>
  document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning\""""

TURN = """address => {
  history.pushState({}, "", address);
  window.dispatchEvent(new PopStateEvent("popstate"));
}"""
"""Goes to an address as the browser's back button does, without loading the app anew."""


@dataclass
class Visit:
    """A page of a browser, and everything that went wrong or abroad while it was open."""

    page: Page
    base: str
    troubles: list[str] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)

    def open(self, address: str = "", fresh: bool = False) -> Page:
        """Go to an address of the dashboard and wait until it is drawn; `fresh` loads it anew.

        A turn of the address that falls into a running script may be swallowed, so it waits for
        the script to rest, and where that did not help the page is loaded anew.
        """
        if not fresh and self.page.url.startswith(self.base) and self._turn(address):
            return self.page
        self.page.goto(f"{self.base}/{address}")
        self.page.wait_for_function(ENDED, arg=0)
        return self.page

    def _turn(self, address: str) -> bool:
        try:
            self.page.wait_for_function(AT_REST, timeout=PATIENCE)
            before = self.page.evaluate(ASKED)
            self.page.evaluate(TURN, f"/{address}")
            self.page.wait_for_function(ENDED, arg=before, timeout=PATIENCE)
        except TooLate:
            return False
        return True

    @contextmanager
    def rerun(self) -> Iterator[None]:
        """Do something that makes the script run, and wait until it has."""
        before = self.page.evaluate(ASKED)
        yield
        self.page.wait_for_function(ENDED, arg=before)

    def listen(self) -> None:
        """Collect console errors, exceptions, dialogs and requests to other machines."""
        self.page.add_init_script(WATCH)
        self.page.on("pageerror", lambda error: self.troubles.append(f"exception: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._request)
        self.page.on("console", self._console)

    def forget(self) -> None:
        """Forget what went wrong before."""
        self.troubles.clear()
        self.abroad.clear()

    def _dialog(self, dialog: object) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: object) -> None:
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.abroad.append(request.url)

    def _console(self, message: object) -> None:
        # Streamlit looks for its server below the address of a deep link before it looks above.
        looked_below = "_stcore" in (message.location or {}).get("url", "")
        if message.type == "error" and not looked_below:
            self.troubles.append(f"console: {message.text}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[BrowserContext]:
    """The system's Chromium, headless; pages of one context share its cache, as for a user."""
    if CHROMIUM is None:
        pytest.skip(WITHOUT_CHROMIUM)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(WAIT)
        yield context
        browser.close()


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs of every kind."""
    root = tmp_path_factory.mktemp("e2e") / "runs"
    make_run(root, "bare", scored=False)
    make_run(root, "single", rows=200, scores=("pvi",))
    make_run(root, "hostile", rows=120, hostile=True)
    make_run(root, "wide", rows=3_000, classes=500)
    make_run(root, "small", rows=400, seeds=2)
    failed = make_run(root, "failed", scored=False)
    failed.update(status="failed", error="DataError: There is <b>no</b> text.")
    return root


@pytest.fixture(scope="session")
def server(runs: Path) -> Iterator[str]:
    """The address of a dashboard over the runs."""
    with serving(runs) as address:
        yield address


@pytest.fixture(scope="session")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard over an empty workspace."""
    with serving(tmp_path_factory.mktemp("empty") / "runs") as address:
        yield address


@pytest.fixture(scope="session")
def window(chromium: BrowserContext, server: str) -> Visit:
    """One page for all visits: what a test needs of the view, its address says."""
    visit = Visit(chromium.new_page(), server)
    visit.listen()
    return visit


@pytest.fixture
def visit(window: Visit) -> Iterator[Visit]:
    """A visit that must end without trouble."""
    yield from watching(window)


@pytest.fixture
def empty_visit(chromium: BrowserContext, empty_server: str) -> Iterator[Visit]:
    """A visit to the empty workspace that must end without trouble."""
    visit = Visit(chromium.new_page(), empty_server)
    visit.listen()
    yield from watching(visit)
    visit.page.close()


def watching(visit: Visit) -> Iterator[Visit]:
    """Yield a visit and see that nothing went wrong in it."""
    visit.forget()
    yield visit
    assert visit.troubles == []
    assert visit.abroad == []
    assert visit.page.get_by_test_id("stException").count() == 0


@contextmanager
def serving(runs: Path, app: Path = PROJECT / "app.py") -> Iterator[str]:
    """Run the dashboard, or another app, on a free port."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "streamlit", "run", str(app)),
            *("--server.port", str(port), "--server.headless", "true"),
        ],
        cwd=PROJECT,
        env={**os.environ, "INFLUENCE_RUNS": str(runs)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://localhost:{port}/_stcore/health", process)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(WAIT / 1000)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            assert process.poll() is None, "The server ended before it answered."
            time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer within 30 seconds.")
