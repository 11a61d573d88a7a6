"""Chips of tokens: harmless whatever the text, readable at every colour, hard where they vary."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest

from influence_core.report.chips import chip_colour, legend, ratios, token_chips
from influence_core.report.palette import EASY, HARD, hardness_colour, mix
from influence_core.scores.gradients.by_token import Token
from tests.factory import HOSTILE_TEXTS

INK = "#0b0f14"
READABLE = 4.5
"""Contrast of small letters that WCAG asks for at level AA."""


class Reader(HTMLParser):
    """Collects what a browser would make of the chips: their tags, words, titles and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.chips: list[dict[str, str | None]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "span":
            self.chips.append(dict(attrs))
            assert set(self.chips[-1]) == {"title", "style"}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def luminance(colour: str) -> float:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.25, 0.5, 0.8, 1.0, 1.3, 2.0, 3.0, 4.0, 50.0])
def test_letters_can_be_read_on_every_ground(ratio: float) -> None:
    assert (luminance(chip_colour(ratio)) + 0.05) / (luminance(INK) + 0.05) >= READABLE


def test_hard_is_what_varies_most_and_the_mean_lies_between() -> None:
    assert chip_colour(4.0) == chip_colour(99.0) == mix(HARD, "#ffffff", 0.25)
    assert chip_colour(0.25) == chip_colour(0.0) == mix(EASY, "#ffffff", 0.25)
    assert chip_colour(1.0) == mix(hardness_colour(0.5), "#ffffff", 0.25)
    shown = Reader(token_chips([Token("a", 9.0), Token("b", 0.5), Token("c", 0.5)]))
    assert chip_colour(2.7) in shown.chips[0]["style"]
    assert shown.chips[0]["title"] == "9: 2.7 times the mean of this text"


def test_texts_stay_texts() -> None:
    shown = Reader(token_chips([Token(text, 1.0) for text in HOSTILE_TEXTS]))
    assert shown.tags == {"div", "span", "bdi"}
    assert "".join(shown.words) == "".join(HOSTILE_TEXTS)
    assert len(shown.chips) == len(HOSTILE_TEXTS)


def test_word_pieces_stand_together_and_added_tokens_are_small() -> None:
    tokens = [Token("[CLS]", 1.0, special=True), Token("un", 1.0), Token("seen", 1.0, joined=True)]
    special, first, second = (chip["style"] for chip in Reader(token_chips(tokens)).chips)
    assert "margin:0.12em 0 0.12em 0.3em" in first
    assert "margin:0.12em 0 0.12em 0;" in second
    assert "font-size" in special
    assert "font-size" not in first


def test_no_variance_and_no_token_do_no_harm() -> None:
    assert ratios([Token("a", 0.0), Token("b", 0.0)]) == [1.0, 1.0]
    assert Reader(token_chips([])).chips == []


def test_the_legend_says_in_words_what_its_colours_are() -> None:
    shown = Reader(legend())
    assert shown.words == ["¼ of the mean or less", "the mean", "4 × or more"]
    for ratio, chip in zip((0.25, 1.0, 4.0), shown.chips, strict=True):
        assert chip_colour(ratio) in chip["style"]
