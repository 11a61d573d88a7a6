"""Numbers and foreign text as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ui import wording


@pytest.mark.parametrize(
    ("value", "worded"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (0.12345, "0.123"),
        (-2.5, "-2.50"),
        (1.234e-7, "1.23e-07"),
        (0.000123456, "0.000123"),
        (157.23, "157"),
        (12345.6, "12,346"),
        (1e9, "1.00e+09"),
    ],
)
def test_figures_keep_about_three_digits(value: float | None, worded: str) -> None:
    assert wording.figure(value) == worded


@pytest.mark.parametrize(
    ("before", "worded"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=3, minutes=50), "3 hours ago"),
        (timedelta(days=40), "1 month ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_ages(before: timedelta, worded: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert wording.age((now - before).isoformat(), now) == worded


@pytest.mark.parametrize(
    ("text", "worded"),
    [
        ("*bold*", r"\*bold\*"),
        ("two\nlines", "two lines"),
        ("http://example.invalid", "http\\:\u2060\\/\\/example\\.invalid"),
        ("www.example.invalid", "www\u2060\\.example\\.invalid"),
        ("me@example.invalid", "me\u2060\\@example\\.invalid"),
        ("مرحبا", "\u2068مرحبا\u2069"),
        ("\u202eturned", "\u2068\u202eturned\u2069"),
    ],
)
def test_foreign_text_stays_text(text: str, worded: str) -> None:
    assert wording.plain(text) == worded


def test_counts_and_shares() -> None:
    assert wording.counted(1, "row") == "1 row"
    assert wording.counted(12_345, "row") == "12,345 rows"
    assert wording.counted(2, "class", "classes") == "2 classes"
    assert wording.percent(0.1234) == "12.3%"
    assert wording.percent(None) == "–"


@pytest.mark.parametrize(
    "text", ["![x](http://a.invalid/p.png)", "<script>", "**b** `c` $d$", ":red[x]", "a_b\n# c"]
)
def test_plain_leaves_markdown_no_active_character(text: str) -> None:
    escaped = wording.plain(text)
    assert "\n" not in escaped
    active = set("\\`*_{}[]()#!|<>~$:&")
    unescaped = [
        letter
        for place, letter in enumerate(escaped)
        if letter in active - {"\\"} and escaped[place - 1] != "\\"
    ]
    assert unescaped == []


def test_short_keeps_to_one_line() -> None:
    assert wording.short("a\n b", 10) == "a b"
    assert wording.short("x" * 20, 10) == "x" * 9 + "…"
