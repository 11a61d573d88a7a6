"""Words that only documents need; those of pages are tested with the pages."""

from __future__ import annotations

import pytest

from influence_core.report.wording import between, excerpt, points, sentence


@pytest.mark.parametrize(
    ("share", "worded"),
    [(0.004, "+0.4"), (-0.0154, "−1.5"), (0.0, "0.0"), (-0.0004, "0.0"), (0.0006, "+0.1")],
)
def test_points_have_their_sign(share: float, worded: str) -> None:
    assert points(share) == worded


def test_intervals_name_their_unit_once() -> None:
    assert between(0.021, 0.04) == "2.1–4.0%"
    assert between(0.561, 0.79, 0) == "56–79%"


def test_sentences_keep_the_case_of_names() -> None:
    assert sentence("easiest rows by VoG") == "Easiest rows by VoG"
    assert sentence("") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  two\nlines\t", "two lines"),
        ("a\x00b\x1bc", "a�b�c"),
        ("\u202eevil", "�evil"),
        ("👩‍👩‍👧 and 🇫🇮", "👩‍👩‍👧 and 🇫🇮"),
        ("شغّل الضوء", "شغّل الضوء"),
        ("x" * 300, "x" * 239 + "…"),
    ],
)
def test_excerpts_keep_text_and_no_harm(text: str, shown: str) -> None:
    assert excerpt(text) == shown
