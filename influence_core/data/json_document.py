"""Walking through one large JSON document, of which a window is in memory at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

_LONGEST = 2**20
"""Characters that an element may take up."""

_CHUNK = 2**16
"""Characters read at once at least."""

_BLANK = re.compile(r"[ \t\r\n]*")

_TOKEN = re.compile(r'"(?:[^"\\\n]++|\\.)*+(?:"|(?=\n))|[{}\[\],:]|[^\s{}\[\],:"]+|"', re.DOTALL)
"""A string, a sign of structure, a number or word, or the beginning of a string.

A string whose quote was forgotten ends with its line, so that it does not swallow the others.
"""

_OPEN = '"'

_DEPTH = {"{": 1, "[": 1, "}": -1, "]": -1}

_DECODER = json.JSONDecoder()


class BrokenDocument(ValueError):
    """The structure of a document breaks, so that nothing beyond can be read."""


@dataclass(frozen=True)
class Element:
    """An element of an array: the line it begins on, its text, and its value or what is wrong."""

    line: int
    text: str
    value: Any
    error: str = ""


class Document:
    """A JSON document, read from its beginning to its end.

    `members` and `elements` enter the object or array that comes next. The value of each member
    must be taken, by `members`, `elements` or `skip`, before the next one. All raise
    `BrokenDocument` where the structure breaks; `line` is how far they came.
    """

    def __init__(self, file: IO[str]) -> None:
        self.line = 1
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False

    def members(self) -> Iterator[str]:
        """Yield the names of an object's members, as they are spelt."""
        self._take("{")
        while self._next() != "}":
            name = self._token().strip('"')
            self._take(":")
            yield name
            self._pass_comma("}")
        self._take("}")

    def elements(self) -> Iterator[Element]:
        """Yield the elements of an array; one that is broken does not hide the others."""
        self._take("[")
        while self._next() != "]":
            yield self._element()
            self._pass_comma("]")
        self._take("]")

    def skip(self) -> None:
        """Pass over a value, however large it is."""
        depth = _DEPTH.get(self._token(), 0)
        while depth > 0:
            depth += _DEPTH.get(self._token(), 0)

    def _element(self) -> Element:
        found = self._next()
        if found in "},:":
            raise BrokenDocument(f"there is {found!r} where a value should be")
        while True:
            value, end, error = self._decoded()
            if end is not None and (end < len(self._text) or self._ended):
                line, start = self.line, self._at
                self._advance(end)
                return Element(line, self._text[start:end], value, error)
            self._read()

    def _decoded(self) -> tuple[Any, int | None, str]:
        """Return the value at hand, its end as far as that is in the window, and its error."""
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except RecursionError:
            return None, self._end(), "it is nested too deeply"
        except json.JSONDecodeError as error:
            return None, self._end(), error.msg
        except ValueError as error:
            return None, self._end(), str(error)
        if type(value) in (int, float) and end != self._end():
            return None, self._end(), "it is no number"
        return value, end, ""

    def _end(self) -> int | None:
        """Return where the brackets of the value at hand are closed."""
        depth = 0
        for token in _TOKEN.finditer(self._text, self._at):
            if token[0] == _OPEN:
                return None
            depth += _DEPTH.get(token[0], 0)
            if depth <= 0:
                return token.end()
        return None

    def _token(self) -> str:
        self._next()
        while True:
            found = _TOKEN.match(self._text, self._at)
            whole = found and (found.end() < len(self._text) or self._ended)
            if found and whole and found[0] != _OPEN:
                self._advance(found.end())
                return found[0]
            self._read()

    def _take(self, sign: str) -> None:
        found = self._next()
        if found != sign:
            raise BrokenDocument(f"there is {found!r} where {sign!r} should be")
        self._advance(self._at + 1)

    def _pass_comma(self, closing: str) -> None:
        if self._next() != closing:
            self._take(",")

    def _next(self) -> str:
        """Return the character that comes next, blanks passed over."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self._advance(blank.end() if blank else self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            self._read()

    def _advance(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _read(self) -> None:
        """Let the window begin at what comes next, and read on: as much again, at least."""
        kept = self._text[self._at :]
        if self._ended:
            raise BrokenDocument("the file ends too early, it is cut off")
        if len(kept) > _LONGEST:
            raise BrokenDocument(f"a value is longer than {_LONGEST:,} characters, or never ends")
        more = self._file.read(max(_CHUNK, len(kept)))
        self._text, self._at, self._ended = kept + more, 0, not more
