"""Which runs have answers to the same test rows, found without reading what they answered."""

from __future__ import annotations

from influence_core.errors import InfluenceError
from influence_core.store.database import Parameters, rows
from influence_core.store.run import Run


def judged(run: Run) -> bool:
    """Say whether a run has test rows, and predictions to be judged by them."""
    dataset = run.manifest().dataset
    return bool(dataset and dataset.splits.get("test")) and run.predictions_file.exists()


def comparable(first: Run, second: Run) -> bool:
    """Say whether `compare` takes two runs.

    They share a test row of the same label, and no id of both stands for different texts.
    """
    try:
        if not (judged(first) and judged(second)):
            return False
        here, there = (run.manifest().dataset for run in (first, second))
        if here and there and here.fingerprint == there.fingerprint:
            return True
        alike, differ = _shared(first, second)
    except InfluenceError:
        return False
    return alike > 0 and not differ


def _shared(first: Run, second: Run) -> tuple[int, int]:
    """Count the test rows of both with the same label, and those with different texts."""
    parameters = Parameters()
    one, other = (
        "(SELECT id, label, text, coalesce(text_pair, '') AS pair "
        f"FROM {parameters.parquet(run.examples_file)} WHERE split = 'test')"
        for run in (first, second)
    )
    statement = (
        "SELECT count(*) FILTER (one.label = other.label), "
        "count(*) FILTER (one.text <> other.text OR one.pair <> other.pair) "
        f"FROM {one} AS one JOIN {other} AS other USING (id)"
    )
    ((alike, differ),) = rows(statement, parameters)
    return alike, differ
