"""A sentence with its slots as HTML: everything is there, in its order, and escaped."""

from __future__ import annotations

import re

from influence_core.nlu.slots import Slot
from influence_core.report.slot_chips import slot_colour, slotted

NAMES = ("artist", "song")


def told(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html)


def test_slots_stand_in_the_text_with_their_names() -> None:
    html = slotted("play otis on otis", [Slot(5, 9, "artist"), Slot(13, 17, "song")], NAMES)
    assert told(html) == "play otisartist on otissong"
    assert slot_colour("artist", NAMES) in html
    assert slot_colour("song", NAMES) in html


def test_a_text_without_slots_is_itself() -> None:
    assert told(slotted("stop", [], ())) == "stop"


def test_markup_stays_text() -> None:
    text = "<b>x</b> & <script>"
    html = slotted(text, [Slot(0, 3, "<i>")], ("<i>",))
    assert "<b>" not in html
    assert "<script" not in html
    assert "<i>" not in html
    assert "&lt;i&gt;" in html


def test_names_have_colours_of_their_own_and_unknown_ones_have_one() -> None:
    assert slot_colour("artist", NAMES) != slot_colour("song", NAMES)
    assert slot_colour("genre", NAMES) == slot_colour("artist", NAMES)
    assert len(slot_colour("n40", [f"n{place}" for place in range(50)])) == 7
