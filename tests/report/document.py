"""An HTML document taken apart: its words, its elements, and what it would load."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(("meta", "br", "img", "link", "input", "hr"))
DRAWN = frozenset(("svg", "line", "rect", "path", "circle", "text"))
FRAME = frozenset(("html", "head", "meta", "title", "style", "body", "header", "main", "footer"))
PROSE = frozenset(("section", "h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd", "pre", "code"))
TABLES = frozenset(("div", "table", "caption", "thead", "tbody", "tr", "th", "td"))
INLINE = frozenset(("span", "strong", "bdi", "figure", "figcaption"))
WRITTEN = FRAME | PROSE | TABLES | INLINE


@dataclass
class Document(HTMLParser):
    """The parsed document; `words` holds its text, `cells` that of each cell of a table."""

    words: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    styles: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles += data
            return
        self.words.append(data)
        if "td" in self.open or "th" in self.open:
            self.cells[-1] += data

    @property
    def said(self) -> str:
        """All text, its spaces made one."""
        return re.sub(r"\s+", " ", " ".join(self.words))

    @property
    def tags(self) -> set[str]:
        """Names of all elements."""
        return {tag for tag, _ in self.elements}

    @property
    def addresses(self) -> list[str]:
        """Everything that a browser might load or go to."""
        names = ("src", "href", "srcset", "action", "data", "poster", "xlink:href", "background")
        found = [one[name] for _, one in self.elements for name in names if one.get(name)]
        return found + re.findall(r"url\(([^)]*)\)|@import", self.styles)


def parsed(html: str) -> Document:
    """Parse a document whose elements must all be closed in their order."""
    document = Document()
    document.feed(html)
    document.close()
    assert document.open == []
    return document
