"""Names that come with a dataset, in Markdown: as code spans, in which nothing means anything."""

from __future__ import annotations

import re

from influence_core.report.wording import excerpt

LONGEST = 120
"""Letters of a name that are shown."""

EMPTY = "(empty)"
"""What stands for a name without a letter."""

LONGEST_LINE = 10_000
"""Letters of a line that are shown."""


def code(text: object) -> str:
    """Return a name that comes with the data as a code span: Markdown shows it letter by letter.

    >>> code("<b>`hi`</b>")
    '``<b>`hi`</b>``'
    """
    shown = excerpt(text, LONGEST) or EMPTY
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: object) -> str:
    """Return the same for a cell of a table, whose columns a bar would divide.

    >>> cell("a|b")
    '`a\\\\|b`'
    """
    return code(text).replace("|", "\\|")


def line(text: object) -> str:
    """Return a text on one line of its own, to be indented as a block of code."""
    return excerpt(text, LONGEST_LINE)
