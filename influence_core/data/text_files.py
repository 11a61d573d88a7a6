"""Opening text files: encodings, byte order marks, and files that are no text at all."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from influence_core.data.findings import failure
from influence_core.errors import DataError

_HEAD_BYTES = 8192

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

_SIGNATURES = {
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save the sheet as CSV",
    b"\x1f\x8b": "compressed with gzip; unpack it",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it",
    b"PAR1": "a Parquet file; name it .parquet",
    b"%PDF": "a PDF document; save its rows as CSV or JSON lines",
}


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """Open a UTF-8 or (by its byte order mark) UTF-16 file, line ends untouched.

    Raises:
        DataError: the file is missing, unreadable, empty, binary, or in another encoding.
    """
    encoding = _encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            yield file
    except UnicodeDecodeError as error:
        raise _undecodable(path, error) from None


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file.

    Raises:
        DataError: it cannot be read, or is empty.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        raise failure("source", f"There is no file {str(path)!r}; check the path.") from None
    except OSError as error:
        raise failure(
            "source", f"File {path.name!r} cannot be read: {error.strerror}; check its permissions."
        ) from None
    if not head:
        raise failure("empty", f"File {path.name!r} is empty; it needs a header and rows.")
    return head


def _encoding(path: Path) -> str:
    head = read_head(path)
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    for signature, what in _SIGNATURES.items():
        if head.startswith(signature):
            raise failure("binary", f"File {path.name!r} is {what}.")
    wide = _wide(head)
    if wide:
        raise failure(
            "encoding",
            f"File {path.name!r} is {wide} without a byte order mark; convert it with "
            f"`iconv -f {wide} -t UTF-8 {path.name!r} > utf8-{path.name}`.",
        )
    if b"\0" in head:
        raise failure(
            "binary",
            f"File {path.name!r} is binary, not text; save it as UTF-8 CSV or JSON lines.",
        )
    return "utf-8"


def _wide(head: bytes) -> str:
    """Name the kind of UTF-16: half the bytes of its Latin letters and commas are zero."""
    first, second = head[0::2].count(0), head[1::2].count(0)
    if min(first, second) or max(first, second) < len(head) / 32:
        return ""
    return "UTF-16BE" if first else "UTF-16LE"


def _undecodable(path: Path, error: UnicodeDecodeError) -> DataError:
    """Name the first line that is not UTF-8, and the way to convert the file."""
    number, line = _first_bad_line(path)
    message = (
        f"File {path.name!r} is not {error.encoding.upper()}: line {number} cannot be decoded."
    )
    if _reads_as_latin(line):
        message += (
            " It reads as Latin-1; convert it with "
            f"`iconv -f WINDOWS-1252 -t UTF-8 {path.name!r} > utf8-{path.name}`."
        )
    else:
        message += " Save it as UTF-8."
    return failure("encoding", message)


def _first_bad_line(path: Path) -> tuple[int, bytes]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number, line
    return number, line


def _reads_as_latin(line: bytes) -> bool:
    """Say whether the bytes are printable as Windows-1252, the Latin-1 of real files."""
    try:
        text = line.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return text.strip().replace("\t", "").isprintable()
