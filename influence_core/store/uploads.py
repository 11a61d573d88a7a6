"""Files that a user hands over through the browser, kept in a private folder beside the runs."""

from __future__ import annotations

import os
import re
import time
import unicodedata
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from influence_core.access import must_be_writable
from influence_core.errors import DataError, RunError, rule
from influence_core.store.files import atomic, discard
from influence_core.store.run import Run, list_runs, runs_root

FOLDER = ".uploads"
CHUNK = 1 << 20
NAME_LENGTH = 80
SECONDS_KEPT = 86_400.0


def save_upload(
    filename: str, stream: BinaryIO, root: Path | None = None, limit: int | None = None
) -> Path:
    """Store a stream under a safe form of its name and return the file's path.

    The file lies in a folder of its own, so that equal names do not meet. It is readable by the
    owner alone, and either whole or absent.

    Raises:
        DataError: the stream is empty, or longer than `limit` bytes.
        ReadOnly: nothing may be written.
    """
    must_be_writable("upload a file")
    folder = (root or runs_root()) / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / uuid.uuid4().hex[:12] / safe_filename(filename)
    path.parent.mkdir(mode=0o700)
    try:
        with atomic(path) as partial:
            _copy(stream, partial, limit)
    except BaseException:
        path.parent.rmdir()
        raise
    return path


def save_together(
    files: Sequence[tuple[str, BinaryIO]], root: Path | None = None, limit: int | None = None
) -> Path:
    """Store files that belong together, as the epochs of training dynamics, in one folder.

    Returns the folder, or the file itself where there is only one; nothing stays on an error.

    Raises:
        DataError: there is none, two have the same name, or one is empty or longer than `limit`.
        ReadOnly: nothing may be written.
    """
    if not files:
        raise DataError(rule("files", "name one file at least", ()))
    first, *others = files
    path = save_upload(*first, root, limit)
    try:
        for name, stream in others:
            _add(path.parent / safe_filename(name), stream, limit)
    except BaseException:
        discard(path.parent)
        raise
    return path.parent if others else path


def _add(path: Path, stream: BinaryIO, limit: int | None) -> None:
    if path.exists():
        raise DataError(rule("files", "have names of their own", path.name))
    with atomic(path) as partial:
        _copy(stream, partial, limit)


def forget_uploads(root: Path | None = None, before: float | None = None) -> None:
    """Remove uploads that no run names and that are older than a day.

    Args:
        root: folder of runs.
        before: moment in seconds since 1970 instead of a day ago.

    Raises:
        ReadOnly: nothing may be written.
    """
    must_be_writable("remove uploads")
    folder = (root or runs_root()) / FOLDER
    limit = time.time() - SECONDS_KEPT if before is None else before
    try:
        named = " ".join(map(_named, list_runs(root)))
    except RunError:  # What an unreadable run needs is not known.
        return
    for upload in folder.iterdir() if folder.is_dir() else ():
        if upload.name not in named and upload.stat().st_mtime < limit:
            discard(upload)


def safe_filename(filename: str) -> str:
    """Reduce a name from a browser to letters, digits, '.', '_' and '-'; it keeps its suffix.

    >>> safe_filename("../../etc/my data.csv")
    'my_data.csv'
    """
    last = re.split(r"[/\\]", filename)[-1]
    known = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode()
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "_", known).strip("._-")
    stem, suffix = os.path.splitext(cleaned)
    return f"{stem[:NAME_LENGTH] or 'upload'}{suffix[:20]}"


def _named(run: Run) -> str:
    """Return the files that a run reads."""
    settings = run.manifest().settings
    imported = settings.imported.path if settings.imported else ""
    return f"{settings.data.source} {imported}"


def _copy(stream: BinaryIO, path: Path, limit: int | None) -> None:
    size = 0
    with open(path, "xb", opener=_private) as file:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if limit is not None and size > limit:
                raise DataError(rule("file", f"be at most {limit} bytes", f"{size} bytes or more"))
            file.write(chunk)
    if not size:
        raise DataError("The file is empty: choose one with labelled texts or scores in it.")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
