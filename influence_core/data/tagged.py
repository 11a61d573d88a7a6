"""Reading CoNLL and BIO files: a token and its tag a line, comments above an utterance."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from influence_core.data.batches import Batch, Collector
from influence_core.data.findings import failure, listed
from influence_core.data.spans import SLOTS, TAG, joined, located, slots_of
from influence_core.data.text_files import open_text

_LONGEST = 2**18
"""Characters an utterance may take up in its file; a file without blank lines is no such file."""

_SLOT_BYTES = 300
"""Memory that a slot takes until its batch is closed."""

_MOST_KEYS = 200
"""Different comments a file may have: each becomes a column."""

_COMMENT = re.compile(r"#(?:\s+([^\W\d][\w.-]*)\s*[:=]|([^\W\d][\w.-]*)\s*[:=](?=\s|$))(.*)")
"""`# key: value` or `# key = value`; `#this:that` is a token."""

_NO_LABELS = {"text", "text_input", "slots", "slots_input", "id", "sent_id"}
"""Columns that say nothing of what an utterance means."""


def read_tagged(path: Path) -> Iterator[Batch]:
    """Read a file of tagged tokens in batches; utterances that cannot be read are rejected.

    The token is the first column, or the second where the first counts the tokens; the tag is the
    last. Columns of the result are the `text`, the comments by their keys, and the `slots`. The
    text is that of the comment `text` where the tokens lie in it (else `text_input` keeps it), or
    the tokens with blanks between.

    Raises:
        DataError: the file cannot be read, or nothing in it could be a label.
    """
    size = max(path.stat().st_size, 1)
    with open_text(path) as file:
        collector, reader, names = Collector(), _Reader(), dict.fromkeys(["text"])
        for row, block in enumerate(_blocks(file), start=1):
            _sort(collector, reader, row, block)
            if collector.full:
                share = min(1.0, file.buffer.tell() / size)  # type: ignore[attr-defined]
                yield _batch(path, collector, names, share)
        yield _batch(path, collector, names, 1.0)


@dataclass
class _Block:
    """Lines between blank ones, their ends cut off; what is too long is not kept."""

    first: int
    lines: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, line: str) -> None:
        """Take in a line."""
        self.length += len(line) + 1
        if self.length < _LONGEST:
            self.lines.append(line)

    @property
    def speaks(self) -> bool:
        """Say whether there is more than remarks."""
        return self.length >= _LONGEST or not all(map(_is_remark, self.lines))


class _Reader:
    """Makes records of blocks; the first one tells in which column the tokens are."""

    def __init__(self) -> None:
        self._place: int | None = None

    def record(self, block: _Block) -> dict[str, Any]:
        """Return the columns of an utterance.

        Raises:
            ValueError: it cannot be read.
        """
        if block.length >= _LONGEST:
            raise ValueError(
                f"the utterance from line {block.first} is longer than {_LONGEST:,} characters"
            )
        comments, start = _comments(block)
        rows = [_fields(line) for line in block.lines[start:]]
        if not rows:
            raise ValueError(f"no tokens follow the comments from line {block.first}")
        tokens = self._tokens(rows, block.first + start)
        said = comments.pop("text", "")
        places = located(said, tokens) if said else None
        text = said
        if places is None:
            text, places = joined(tokens)
            comments.update({"text_input": said} if said else {})
        return {"text": text, **comments, "slots": slots_of([row[-1] for row in rows], places)}

    def _tokens(self, rows: list[list[str]], first: int) -> list[str]:
        """Return the tokens of rows that are as they should be."""
        place = _counted(rows) if self._place is None else self._place
        for number, row in enumerate(rows, start=first):
            _check(row, number, place, len(rows[0]))
        self._place = place
        return [row[place] for row in rows]


def _blocks(file: IO[str]) -> Iterator[_Block]:
    """Yield what lies between blank lines, remarks alone left out."""
    block = _Block(1)
    for number, line in enumerate(_lines(file), start=1):
        line = line.rstrip()
        if line and not line.startswith("-DOCSTART-"):
            block.add(line)
        else:
            if block.speaks:
                yield block
            block = _Block(number + 1)
    if block.speaks:
        yield block


def _lines(file: IO[str]) -> Iterator[str]:
    """Yield lines, each cut at the length from which its utterance is left out anyway."""
    while line := file.readline(_LONGEST):
        rest = line
        while len(rest) == _LONGEST and not rest.endswith("\n"):
            rest = file.readline(_LONGEST)
        yield line


def _sort(collector: Collector, reader: _Reader, row: int, block: _Block) -> None:
    """Keep an utterance, or reject it with the reason."""
    size = sum(map(sys.getsizeof, block.lines))
    try:
        record = reader.record(block)
        collector.keep(row, record, size + _SLOT_BYTES * len(record["slots"]))
    except ValueError as error:
        collector.reject(row, "broken_tags", str(error), "\n".join(block.lines), size)


def _batch(path: Path, collector: Collector, names: dict[str, None], share: float) -> Batch:
    """Return the batch as a table of all columns that were met so far, which `names` holds.

    Raises:
        DataError: nothing could be a label, or there are too many columns.
    """
    records = collector.records
    names.update(dict.fromkeys(name for record in records for name in record))
    if records and not names.keys() - _NO_LABELS:
        raise failure(
            "columns",
            f"File {path.name!r} does not say what its utterances mean, so there is no label: "
            "write the intent, the domain or both above each utterance, as `# intent: PlayMusic` "
            "and `# domain: media`.",
        )
    if len(names) > _MOST_KEYS:
        raise failure(
            "columns",
            f"File {path.name!r} has {len(names):,} different comments ({listed([*names])}); "
            f"each would be a column, and {_MOST_KEYS} is the most there can be.",
        )
    columns = {
        name: pa.array(
            [record.get(name) for record in records], SLOTS if name == "slots" else pa.string()
        )
        for name in names
    }
    return collector.hand_on(pa.table(columns), share)


def _comments(block: _Block) -> tuple[dict[str, str], int]:
    """Return the comments at the head of a block, and where its tokens begin.

    Raises:
        ValueError: a key comes twice.
    """
    comments: dict[str, str] = {}
    for place, line in enumerate(block.lines):
        found = _COMMENT.match(line)
        if not line.startswith("#") or _is_token(line, found):
            return comments, place
        if found is None:
            continue
        key = _column(found[1] or found[2])
        if key in comments:
            raise ValueError(f"line {block.first + place} gives {key!r} a second time")
        comments[key] = found[3].strip()
    return comments, len(block.lines)


def _column(key: str) -> str:
    """Return the column of a comment: `slots` is that of the tags."""
    known = key.lower()
    return {"text": known, "slots": "slots_input"}.get(known, key)


def _is_remark(line: str) -> bool:
    return line.startswith("#") and not _COMMENT.match(line) and not _is_token(line, None)


def _is_token(line: str, comment: re.Match[str] | None) -> bool:
    """Say of a line that begins with `#` whether that is a token: its tag is last."""
    if comment and "\t" not in line:
        return False
    fields = _fields(line)
    return len(fields) > 1 and bool(TAG.fullmatch(fields[-1]))


def _fields(line: str) -> list[str]:
    """Divide a line at tabs where it has some, else at blanks."""
    if "\t" not in line:
        return [piece for piece in line.split(" ") if piece]
    fields = line.split("\t")
    return [piece.strip(" ") for piece in fields] if " " in line else fields


def _counted(rows: list[list[str]]) -> int:
    """Return the column of the tokens: the second where the first counts them."""
    counted = all(
        len(row) > 2 and row[0] == str(number) for number, row in enumerate(rows, start=1)
    )
    return int(counted)


def _check(row: list[str], number: int, place: int, width: int) -> None:
    """See that a row has a token and a tag.

    Raises:
        ValueError: it does not, or has another number of columns than the first of its utterance.
    """
    tag = row[-1]
    if tag != "O" and not TAG.fullmatch(tag):
        if row[0].startswith("#"):
            raise ValueError(
                f"line {number} is a comment amid tokens; put a blank line above an utterance"
            )
        raise ValueError(f"line {number} ends in {tag[:80]!r}, not in a tag: O, B-name or I-name")
    if len(row) != width:
        raise ValueError(f"line {number} has {len(row)} columns, the first of it has {width}")
    if len(row) < place + 2 or not row[place].strip():
        raise ValueError(f"line {number} has no token")
