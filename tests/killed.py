"""The real command, killed as it puts one piece in place: `python killed.py PIECE run …`.

PIECE is the beginning of a file's or folder's name, and `PIECE:after` kills it just after.
"""

from __future__ import annotations

import os
import signal
import sys

from influence_core.cli import main
from influence_core.store import files


class Deadly:
    """The module `os`, but for a `replace` that kills the process at one name."""

    def __init__(self, piece: str) -> None:
        self._name, _, self._after = piece.partition(":")

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def replace(self, source: object, target: os.PathLike[str]) -> None:
        last = os.path.basename(target).startswith(self._name)
        if last and not self._after:
            os.kill(os.getpid(), signal.SIGKILL)
        os.replace(source, target)  # type: ignore[arg-type]
        if last:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    files.os = Deadly(sys.argv[1])  # type: ignore[assignment]
    main(sys.argv[2:])
