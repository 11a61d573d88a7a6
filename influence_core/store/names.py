"""Names: of runs, made out of what there is, and of files, as people write them."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterator
from itertools import count
from pathlib import Path

_LONGEST = 48
"""Letters of a name, which leaves room for a number behind it."""


def run_names(*words: str) -> Iterator[str]:
    """Yield names that a run may have, made of any words: the plain one, then numbered ones.

    >>> names = run_names("my data", "intent?")
    >>> next(names), next(names)
    ('my-data-intent', 'my-data-intent-2')
    """
    joined = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(words))
    base = joined.strip("-._")[:_LONGEST] or "run"
    yield base
    yield from (f"{base}-{number}" for number in count(2))


def free_name(taken: Container[str], *words: str) -> str:
    """Return the first of `run_names` that is not taken."""
    return next(name for name in run_names(*words) if name not in taken)


def placed(name: str | Path) -> Path:
    """Return the path that somebody wrote, `~` for a home; that of nobody stands for itself.

    >>> placed("~nobody-of-that-name/data.csv")
    PosixPath('~nobody-of-that-name/data.csv')
    """
    return Path(os.path.expanduser(name))


def named(source: str) -> list[str]:
    """Return the files and folders that a source names: itself, or several with commas between.

    >>> named("train.csv, test.csv")
    ['train.csv', 'test.csv']
    """
    whole = source.strip()
    if os.path.exists(placed(whole)):
        return [whole]
    return [name.strip() for name in source.split(",") if name.strip()]
