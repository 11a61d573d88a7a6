"""How long work takes, in words."""

from __future__ import annotations

import pytest

from influence_core.progress import duration


@pytest.mark.parametrize(
    ("seconds", "worded"),
    [(None, "–"), (1.54, "1.5 s"), (42, "42 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")],
)
def test_durations(seconds: float | None, worded: str) -> None:
    assert duration(seconds) == worded
