"""Somebody who reviews labels in a process of their own: `python -m tests.reviewer RUN NAME ACTS`.

Every row gets one decision after another, and every tenth act is taken back. With a fourth word
the process is killed amid its last act.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from influence_core.store.review import Reviews
from influence_core.store.review_file import append_act, writing
from influence_core.store.run import Run


def given_labels(run: Run) -> dict[str, str]:
    """Return the label of every training row, by id."""
    examples = run.examples(["id", "label", "split"])
    train = examples[examples["split"] == "train"]
    return dict(zip(train["id"], train["label"], strict=True))


def other_label(run: Run, label: str) -> str:
    """Return a label of a run that is not this one."""
    return next(name for name in run.manifest().dataset.label_names if name != label)


def some(given: dict[str, str], start: int, stop: int) -> dict[str, str]:
    """Return some rows of `given_labels` by their places."""
    return dict(list(given.items())[start:stop])


def review_some(run: Run) -> dict[str, str]:
    """Keep, relabel, drop and skip two training rows each; return all of them."""
    reviews, given = Reviews(run), given_labels(run)
    reviews.decide(some(given, 0, 2), "keep", "Ada")
    moved = some(given, 2, 4)
    new = {id: other_label(run, label) for id, label in moved.items()}
    reviews.decide(moved, "relabel", "Ada", new)
    reviews.decide(some(given, 4, 6), "drop", "Ben")
    reviews.decide(some(given, 6, 8), "skip", "Ben")
    return some(given, 0, 8)


def review(run: Run, name: str, acts: int) -> None:
    """Drop pairs of rows, and undo every tenth act."""
    reviews, given = Reviews(run), given_labels(run)
    for number in range(acts):
        place = number % (len(given) - 1)
        reviews.decide(some(given, place, place + 2), "drop", name)
        if number % 10 == 9:
            reviews.undo(name)


def die(run: Run, name: str) -> None:
    """Begin an act and be killed before it is whole."""
    with writing(run.review_file) as connection:
        append_act(connection, name)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    place, reviewer = Run(Path(sys.argv[1])), sys.argv[2]
    review(place, reviewer, int(sys.argv[3]))
    if len(sys.argv) > 4:
        die(place, reviewer)
