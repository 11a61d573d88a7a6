"""A text with its slots as HTML, each in the colour of its name."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from influence_core.nlu.slots import Slot
from influence_core.report.palette import CURVES, mix

_PAPER, _INK = "#ffffff", "#0b0f14"
_PALER = 0.62
"""Share of white in the ground of a slot, so that dark letters can be read on it."""

_TEXT = "line-height:2.3;font-size:1.1rem;white-space:pre-wrap;overflow-wrap:anywhere"
_SLOT = "padding:0.2em 0.4em;border-radius:4px;background:{colour};color:{ink}"
_NAME = "font-size:0.72em;margin-inline-start:0.5em;opacity:0.75"


def slotted(text: str, slots: Sequence[Slot], names: Sequence[str]) -> str:
    """Return a text as HTML in which its slots stand out, with their names; all text is escaped.

    Args:
        slots: in the order of the text, without overlaps.
        names: all that slots may be called: the place of a name among them decides its colour.
    """
    pieces, end = [], 0
    for slot in slots:
        pieces.append(escape(text[end : slot.start]))
        pieces.append(
            _marked(text[slot.start : slot.end], slot.name, slot_colour(slot.name, names))
        )
        end = slot.end
    pieces.append(escape(text[end:]))
    return f'<div dir="auto" style="{_TEXT}">{"".join(pieces)}</div>'


def slot_colour(name: str, names: Sequence[str]) -> str:
    """Return the ground of the slots of a name; those that nobody knows have the first one."""
    place = names.index(name) if name in names else 0
    return mix(CURVES[place % len(CURVES)], _PAPER, _PALER)


def _marked(value: str, name: str, colour: str) -> str:
    style = _SLOT.format(colour=colour, ink=_INK)
    told = f'<span style="{_NAME}"><bdi>{escape(name)}</bdi></span>'
    return f'<span style="{style}">{escape(value)}{told}</span>'
