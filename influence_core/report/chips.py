"""The tokens of a text as chips of HTML, each coloured by how much it varies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import log2

from influence_core.report.palette import hardness_colour, mix
from influence_core.report.wording import figure
from influence_core.scores.gradients.by_token import Token

REACH = 4.0
"""How many times the mean, and which part of it, have the ends of the palette."""

_PAPER, _INK = "#ffffff", "#0b0f14"
_PALER = 0.25
"""Share of white in a chip, so that dark letters on it can be read at either end."""

_CHIP = (
    "display:inline-block;padding:0.1em 0.3em;margin:0.12em 0 0.12em {gap};border-radius:4px;"
    "background:{colour};color:{ink};white-space:pre-wrap;overflow-wrap:anywhere;{more}"
)
_SMALL = "font-size:0.8em;"


def token_chips(tokens: Sequence[Token]) -> str:
    """Return tokens in reading order as HTML; all text in it is escaped.

    A token of the text's mean is grey, one of four times as much and more has the colour of the
    hard end, one of a quarter and less that of the easy end; a tooltip tells its value. Tokens that
    the tokenizer added are small.
    """
    chips = map(_chip, tokens, ratios(tokens))
    return f'<div style="line-height:2">{"".join(chips)}</div>'


def legend() -> str:
    """Return chips of the palette's ends and its middle that say what they stand for."""
    marks = ((1 / REACH, "¼ of the mean or less"), (1.0, "the mean"), (REACH, "4 × or more"))
    chips = (_span(name, chip_colour(ratio), "0.3em", more=_SMALL) for ratio, name in marks)
    return f"<div>{''.join(chips)}</div>"


def chip_colour(ratio: float) -> str:
    """Return the ground of a token that has `ratio` times the mean of its text."""
    away = log2(max(ratio, 1e-12)) / log2(REACH)
    return mix(hardness_colour((1 + away) / 2), _PAPER, _PALER)


def ratios(tokens: Iterable[Token]) -> list[float]:
    """Return the values of tokens over their mean; 1 where all are 0."""
    values = [one.value for one in tokens]
    mean = sum(values) / max(len(values), 1)
    return [value / mean if mean > 0 else 1.0 for value in values]


def _chip(token: Token, ratio: float) -> str:
    title = f"{figure(token.value)}: {ratio:.2g} times the mean of this text"
    gap = "0" if token.joined else "0.3em"
    more = _SMALL if token.special else ""
    return _span(token.text, chip_colour(ratio), gap, title, more)


def _span(text: str, colour: str, gap: str, title: str = "", more: str = "") -> str:
    style = _CHIP.format(gap=gap, colour=colour, ink=_INK, more=more)
    return f'<span title="{escape(title)}" style="{style}"><bdi>{escape(text)}</bdi></span>'
