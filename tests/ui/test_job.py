"""The head of a run: what its deletion takes away."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from influence_core.store.review import Reviews
from influence_core.store.run import Run
from tests.reviewer import given_labels, review_some, some

SCRIPT = """
from pathlib import Path

from influence_core import jobs
from influence_core.store.run import Run
from ui import job

run = Run(Path({path!r}))
job.head(run, jobs.status(run), "run")
"""


def asked(run: Run) -> str:
    app = AppTest.from_string(SCRIPT.format(path=str(run.path)), default_timeout=60).run()
    assert not app.exception
    return next(one.value for one in app.markdown if one.value.startswith("Delete"))


def test_decisions_that_would_be_deleted_are_counted(small_run: Run) -> None:
    nothing = asked(small_run)
    assert nothing == "Delete **small** with everything computed for it?"
    review_some(small_run)
    assert "for it and **8 decisions** about its labels?" in asked(small_run)
    Reviews(small_run).undo("Ben")
    Reviews(small_run).undo("Ben")
    Reviews(small_run).decide(some(given_labels(small_run), 0, 1), "skip", "Ben")
    Reviews(small_run).undo("Ada")
    Reviews(small_run).undo("Ada")
    assert "**1 decision** about" in asked(small_run)
    Reviews(small_run).undo("Ben")
    assert asked(small_run) == nothing


def test_a_run_with_damaged_reviews_can_be_deleted(small_run: Run) -> None:
    small_run.review_file.write_bytes(b"no database" * 400)
    assert "for it and the decisions about its labels?" in asked(small_run)
