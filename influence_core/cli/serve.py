"""The command that serves the dashboard: `app`."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from influence_core.cli.terminal import errors, plain
from influence_core.errors import ConfigError, InfluenceError, rule
from influence_core.store.run import runs_root

DEFAULT_PORT = 8501
PORTS_TRIED = 20


def app(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port to serve on; a free one from 8501 by default."),
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="Do not open a browser; so where there is none.")
    ] = False,
) -> None:
    """Open the dashboard on this machine.

    It listens on localhost only and reads the runs in ./runs, or in INFLUENCE_RUNS.
    """
    chosen = free_port() if port is None else port
    if port is not None and not is_free(port):
        raise ConfigError(
            rule("port", "be a port that nothing listens on", port)
            + " Leave --port out to take a free one."
        )
    errors().print(f"Dashboard on http://localhost:{chosen}, runs in {plain(runs_root())}.")
    errors().print("Stop it with Ctrl-C.")
    _serve(command(app_file(), chosen, headless or not _has_display()))


def app_file() -> Path:
    """Find the dashboard: inside the installed package, or at the root of a checkout.

    Raises:
        InfluenceError: it is in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "_app" / "app.py", package.parent / "app.py"):
        if candidate.is_file() and (candidate.parent / "ui").is_dir():
            return candidate
    raise InfluenceError(f"The dashboard is missing from {package}; install influence-scope again.")


def command(script: Path, port: int, headless: bool) -> list[str]:
    """Return the command that serves `script`.

    Streamlit reads the theme from `.streamlit/config.toml` beside the script, whatever folder the
    user is in.
    """
    return [
        *(sys.executable, "-P", "-m", "streamlit", "run", str(script)),
        *("--server.address", "localhost", "--server.port", str(port)),
        *("--server.headless", str(headless).lower()),
        *("--browser.gatherUsageStats", "false"),
    ]


def free_port() -> int:
    """Return the first port from 8501 on that nothing listens on."""
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if is_free(port):
            return port
    raise ConfigError(
        f"'port' must be given: those from {DEFAULT_PORT} to {port} are all taken; got nothing."
    )


def is_free(port: int) -> bool:
    """Say whether nothing listens on a port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except OSError:
            return False
        return True


def _has_display() -> bool:
    """Say whether a browser could open: always so on macOS and Windows."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _serve(arguments: list[str]) -> NoReturn:
    """Let the server take this process's place, so that signals reach it and none is orphaned."""
    os.execv(arguments[0], arguments)
