"""What lies in a folder, to the last byte: equal before and after what must leave no trace."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

Contents = dict[str, str]


def contents(folder: Path) -> Contents:
    """Return the digest of every file below a folder, and "" for every folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): (
            sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        )
        for path in sorted(folder.rglob("*"))
    }
