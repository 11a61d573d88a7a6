"""Names in Markdown, read back by another implementation of Markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from influence_core.report.markdown import EMPTY, cell, code
from influence_core.report.wording import excerpt

READER = MarkdownIt("gfm-like", {"linkify": False, "html": True})

HOSTILE = ("<script>x</script>", "![x](http://e.invalid)", "`` ` ``", "`", "a|b", " a ", "", "*a*")


def read_back(markdown: str) -> str:
    """Return the text of the only piece of a line, which must be code."""
    (piece,) = READER.parseInline(markdown)[0].children
    assert piece.type == "code_inline"
    return piece.content


@pytest.mark.parametrize("name", HOSTILE)
@given(more=st.text(max_size=8))
def test_a_name_is_shown_letter_by_letter(name: str, more: str) -> None:
    written = name + more
    assert read_back(code(written)) == (excerpt(written, 120) or EMPTY)


@given(name=st.one_of(st.sampled_from(HOSTILE), st.text("a|`\\ *<>", max_size=8)))
def test_a_name_divides_no_table(name: str) -> None:
    table = f"| name | rows |\n|---|--:|\n| {cell(name)} | 3 |"
    cells = [one for one in READER.parse(table) if one.type == "inline"][2:]
    assert len(cells) == 2
    (piece,) = cells[0].children
    assert piece.type == "code_inline"
    assert cells[1].content == "3"
