"""A wheel, built by way of the source distribution, works in an empty folder."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from influence_core import __version__

ROOT = Path(__file__).parents[1]
PATIENCE = 40.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution, and the wheel from nothing but that."""
    place = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(place), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(place.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel alone; its requirements are those of this environment."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--disable-pip-version-check", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return target


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """An empty folder to stand in."""
    place = tmp_path / "empty folder"
    place.mkdir()
    return place


def environment(installed: Path, home: Path) -> dict[str, str]:
    """Put the installed wheel before the checkout that this environment knows."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("STREAMLIT_")}
    kept.pop("INFLUENCE_RUNS", None)
    return {**kept, "PYTHONPATH": str(installed), "HOME": str(home)}


def influence(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(installed / "bin" / "influence"), *arguments],
        cwd=folder,
        env=environment(installed, folder),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_dashboard_lies_inside_the_package(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"influence_core", f"influence_scope-{__version__}.dist-info"}
    inside = {name.removeprefix("influence_core/_app/") for name in names}
    expected = {
        path.relative_to(ROOT).as_posix()
        for folder in ("pages", "ui", "assets")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected | {"app.py", ".streamlit/config.toml"} <= inside
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


def test_the_command_works_in_an_empty_folder(installed: Path, elsewhere: Path) -> None:
    assert "dashboard" in influence(installed, elsewhere, "--help").stdout
    assert influence(installed, elsewhere, "--version").stdout.strip() == __version__
    runs = influence(installed, elsewhere, "runs")
    assert (runs.returncode, "influence demo" in runs.stderr) == (0, True)
    assert list(elsewhere.iterdir()) == []


def test_the_installed_package_is_the_one_that_runs(installed: Path, elsewhere: Path) -> None:
    probe = "from influence_core.cli.serve import app_file; print(app_file())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", probe],
        cwd=elsewhere,
        env=environment(installed, elsewhere),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(installed / "influence_core" / "_app" / "app.py")


def test_nothing_is_installed_beside_the_package(installed: Path) -> None:
    assert {path.name for path in installed.iterdir()} == {
        "bin",
        "influence_core",
        f"influence_scope-{__version__}.dist-info",
    }


@contextmanager
def dashboard(installed: Path, folder: Path) -> Iterator[tuple[int, Path]]:
    """Serve the installed dashboard; yield its port and its log."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    log = folder.parent / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [
                *(sys.executable, str(installed / "bin" / "influence")),
                *("app", "--headless", "--port", str(port)),
            ],
            cwd=folder,
            env=environment(installed, folder),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield port, log
    finally:
        server.terminate()
        server.wait(10)


def fetch(url: str, log: Path) -> tuple[int, str]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    pytest.fail(f"nothing answered at {url}: {log.read_text()}")


def test_the_dashboard_serves_and_stops(installed: Path, elsewhere: Path) -> None:
    with dashboard(installed, elsewhere) as (port, log):
        assert fetch(f"http://localhost:{port}/_stcore/health", log) == (200, "ok")
        assert f"http://localhost:{port}" in log.read_text()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("localhost", port))


def test_the_theme_applies_in_any_folder(installed: Path, elsewhere: Path) -> None:
    script = installed / "influence_core" / "_app" / "app.py"
    wanted = re.search(
        r'primaryColor = "(#\w+)"', (ROOT / ".streamlit" / "config.toml").read_text()
    )
    assert wanted
    probe = (
        "import sys; from streamlit import config; config._main_script_path = sys.argv[1]; "
        "print(config.get_option('theme.light.primaryColor'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, str(script)],
        cwd=elsewhere,
        env=environment(installed, elsewhere),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == wanted[1]
