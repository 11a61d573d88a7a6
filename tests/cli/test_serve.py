"""`influence app`."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from influence_core.cli import serve
from tests.cli.conftest import Influence


class TestApp:
    def test_the_server_takes_the_process_over(
        self, influence: Influence, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[list[str]] = []
        monkeypatch.setattr(os, "execv", lambda _, arguments: started.append(arguments))
        port = serve.free_port()
        answer = influence("app", "--port", str(port), "--headless")
        assert f"http://localhost:{port}" in answer.err
        [arguments] = started
        assert arguments[0] == sys.executable
        assert Path(arguments[arguments.index("run") + 1]) == serve.app_file()
        assert arguments[arguments.index("--server.address") + 1] == "localhost"
        assert arguments[arguments.index("--server.headless") + 1] == "true"

    def test_a_taken_port_is_told(self, influence: Influence) -> None:
        with socket.socket() as other:
            other.bind(("localhost", 0))
            other.listen()
            port = other.getsockname()[1]
            assert not serve.is_free(port)
            answer = influence("app", "--port", str(port))
        assert answer.code == 2
        assert f"'port' must be a port that nothing listens on; got {port}." in answer.err
