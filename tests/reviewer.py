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


def review(run: Run, name: str, acts: int) -> None:
    """Drop pairs of rows, and undo every tenth act."""
    reviews = Reviews(run)
    examples = run.examples(["id", "label", "split"])
    train = examples[examples["split"] == "train"]
    for number in range(acts):
        pair = train.iloc[[number % len(train), (number + 1) % len(train)]]
        reviews.decide(dict(zip(pair["id"], pair["label"], strict=True)), "drop", name)
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
