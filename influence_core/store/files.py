"""Files that are either whole or absent: written beside their place, then moved into it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

PARTIAL = ".partial-"
"""Prefix of names under which unfinished files and folders lie."""


ROW_GROUP = 25_000
"""Rows that lie together in a table: who asks for one of them has all of them decoded."""


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a place beside `path` for a file or folder, and move it there when the block succeeds.

    On an error the unfinished piece is removed and `path` keeps what it held.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{PARTIAL}{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield partial
        if partial.is_dir():
            _replace_folder(partial, path)
        else:
            _sync(partial)
            os.replace(partial, path)
    finally:
        discard(partial)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Yield `folder`, made anew and empty, and remove it afterwards."""
    discard(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        discard(folder)


def new_array(path: Path, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """Make a `.npy` file that is written through a memory map, its disk space claimed at once.

    A write to a memory map cannot say that the disk is full: it would end the process.
    """
    from numpy.lib.format import open_memmap

    array: np.memmap[Any, Any] = open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def disk_refusal(error: BaseException) -> str | None:
    """Return why the disk takes no more, in the system's words; None for any other error.

    Every library raises a kind of its own for it, but all of them carry these words.
    """
    reasons = map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))
    return next((reason for reason in reasons if reason in str(error)), None)


def discard(path: Path) -> None:
    """Remove a file or folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what a killed process left unfinished below `folder`."""
    for path in list(folder.rglob(f"{PARTIAL}*")):
        discard(path)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON, atomically."""
    with atomic(path) as partial:
        partial.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write `table` as Parquet with zstd compression, atomically; same table, same bytes."""
    import pyarrow.parquet as pq

    with atomic(path) as partial:
        pq.write_table(table, partial, compression="zstd", row_group_size=ROW_GROUP)


def _replace_folder(partial: Path, path: Path) -> None:
    """Put a finished folder in place; the old one steps aside first and goes last."""
    if not path.exists():
        os.replace(partial, path)
        return
    old = path.with_name(f"{PARTIAL}{uuid.uuid4().hex[:8]}-{path.name}-old")
    os.replace(path, old)
    os.replace(partial, path)
    discard(old)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
