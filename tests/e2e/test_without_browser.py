"""What a machine without a browser is told."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.e2e.conftest import PROJECT, WITHOUT_CHROMIUM


def test_browser_tests_say_how_to_get_a_browser() -> None:
    command = [sys.executable, "-m", "pytest", "tests/e2e/test_pages.py", "-q", "--maxfail=1"]
    ended = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=PROJECT,
        env={**os.environ, "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert "passed" not in ended.stdout
    assert WITHOUT_CHROMIUM in ended.stdout
