"""Which runs are offered side by side: those that `compare` takes, and no others."""

from __future__ import annotations

import pyarrow as pa
import pytest

from influence_core.comparing.comparable import comparable, judged
from influence_core.comparing.comparison import compare
from influence_core.comparing.sides import of_run
from influence_core.errors import InfluenceError
from influence_core.store.run import Run
from tests.comparing.test_comparison import change
from tests.factory import read


def taken(first: Run, second: Run) -> bool:
    try:
        compare(of_run(first), of_run(second), draws=2)
    except InfluenceError:
        return False
    return True


def column(run: Run, name: str) -> list[str]:
    return read(run.examples_file)[name].to_pylist()


def reprint(run: Run) -> None:
    """Give a run another fingerprint, as other data have."""
    dataset = run.manifest().dataset
    run.update(dataset=dataset.model_copy(update={"fingerprint": "another"}))


CHANGES = {
    "nothing": (lambda run: None, True),
    "ids": (lambda run: change(run, "id", [f"other-{id}" for id in column(run, "id")]), False),
    "labels": (lambda run: change(run, "label", ["new" for _ in column(run, "label")]), False),
    "texts": (lambda run: change(run, "text", [f"{one}!" for one in column(run, "text")]), False),
    "second texts": (
        lambda run: change(run, "text_pair", pa.array(["more"] * len(column(run, "id")))),
        False,
    ),
    "some ids": (
        lambda run: change(
            run, "id", [f"{id}+" if n % 3 else id for n, id in enumerate(column(run, "id"))]
        ),
        True,
    ),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_those_are_offered_that_can_be_compared(
    small_run: Run, other_run: Run, changed: str
) -> None:
    act, expected = CHANGES[changed]
    act(other_run)
    reprint(other_run)
    assert taken(small_run, other_run) is expected
    assert comparable(small_run, other_run) is expected
    assert comparable(other_run, small_run) is expected


def test_a_run_without_predictions_is_not_judged(small_run: Run, other_run: Run) -> None:
    assert judged(small_run)
    other_run.predictions_file.unlink()
    assert not judged(other_run)
    assert not comparable(small_run, other_run)


def test_a_run_that_cannot_be_read_is_not_offered(small_run: Run, other_run: Run) -> None:
    reprint(other_run)
    other_run.examples_file.unlink()
    assert not comparable(small_run, other_run)
