"""EL2N early against late and forgetting by cadence, against scipy and a loop over rows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from influence_core.errors import RunError
from influence_core.scores.timing import by_cadence, early_and_late, watched
from influence_core.store.query import ExampleQuery, OneOf
from influence_core.store.run import Run
from tests.factory import make_run, read, snapshot_files

TRAIN = ExampleQuery(scored_only=True)


def seen(run: Run, column: str) -> np.ndarray:
    """Return a column of every snapshot (snapshots, rows); two snapshots are an epoch."""
    return np.stack([read(path)[column].to_numpy() for path in snapshot_files(run)])


def events(column: list[bool]) -> int:
    return sum(before and not now for before, now in pairwise(column))


def test_early_and_late_are_the_snapshots_of_their_epochs(small_run: Run) -> None:
    found = early_and_late(small_run, TRAIN, 2)
    el2n = seen(small_run, "el2n")
    early, late = el2n[3].astype(float), el2n[7].astype(float)
    assert (found.early, found.late, found.rows) == (2.0, 4.0, len(early))
    assert found.flat_early == pytest.approx((early < 0.1).mean())
    assert found.flat_late == pytest.approx((late < 0.1).mean())
    assert found.likeness.spearman == pytest.approx(spearmanr(early, late).statistic)
    tenth = round(len(early) / 10)
    hardest = [set(np.argsort(-values, kind="stable")[:tenth]) for values in (early, late)]
    expected = len(hardest[0] & hardest[1]) / len(hardest[0] | hardest[1])
    assert found.likeness.similarity == pytest.approx(expected)


def test_bins_and_cells_hold_every_row_once(small_run: Run) -> None:
    found = early_and_late(small_run, TRAIN, 1)
    el2n = seen(small_run, "el2n")
    edges = [*found.bins["left"], found.bins["right"].iloc[-1]]
    for name, values in (("early", el2n[1]), ("late", el2n[7])):
        assert found.bins[name].tolist() == np.histogram(values, edges)[0].tolist()
    by_x = found.cells.groupby("x")["rows"].sum()
    filled = found.bins[found.bins["early"] > 0]
    assert by_x.tolist() == filled["early"].tolist()
    assert found.cells["rows"].min() > 0


def test_a_training_that_ended_early_is_compared_with_its_beginning(small_run: Run) -> None:
    found = early_and_late(small_run, TRAIN, 9)
    assert (found.early, found.late) == (1.0, 4.0)


def test_the_query_chooses_the_rows(small_run: Run) -> None:
    query = TRAIN.model_copy(update={"filters": (OneOf(column="source", values=("human",)),)})
    examples = read(small_run.examples_file).to_pandas()
    train = examples[examples["split"] == "train"]
    chosen = (train["source"] == "human").to_numpy()
    found = early_and_late(small_run, query, 2)
    assert found.rows == chosen.sum()
    assert found.flat_late == pytest.approx((seen(small_run, "el2n")[7][chosen] < 0.1).mean())
    cadence = by_cadence(small_run, query)[0]
    assert cadence.events.sum() == (chosen & seen(small_run, "correct").any(axis=0)).sum()


def test_forgetting_is_counted_at_every_cadence(small_run: Run) -> None:
    correct = seen(small_run, "correct")
    looks = {
        "every snapshot": correct,
        "every epoch": correct[1::2],
        "every 2nd epoch": correct[3::4],
    }
    found = by_cadence(small_run, TRAIN)
    assert [one.name for one in found] == list(looks)
    for one, seen_then in zip(found, looks.values(), strict=True):
        counted = np.array([events(list(row)) for row in seen_then.T])
        learnt = seen_then.any(axis=0)
        assert one.looks == len(seen_then)
        assert one.events.tolist() == np.bincount(counted[learnt]).tolist()
        assert one.zero == pytest.approx((counted[learnt] == 0).mean())
        assert one.never == pytest.approx((~learnt).mean())
        assert one.mean == pytest.approx(counted.mean())


def test_cadences_are_ranked_against_the_finest(small_run: Run) -> None:
    correct = seen(small_run, "correct")
    ranked = []
    for looks in (correct, correct[1::2]):
        counted = np.array([events(list(row)) for row in looks.T], dtype=float)
        ranked.append(np.where(looks.any(axis=0), counted, 99.0))
    found = by_cadence(small_run, TRAIN)
    assert found[0].spearman == pytest.approx(1)
    assert found[1].spearman == pytest.approx(spearmanr(*ranked).statistic)


def test_a_coarser_look_misses_events(small_run: Run) -> None:
    means = [one.mean for one in by_cadence(small_run, TRAIN)]
    assert means == sorted(means, reverse=True)


def test_snapshots_of_epochs_alone_are_one_cadence_less(runs_root: Path) -> None:
    run = make_run(runs_root, rows=80)
    for path in snapshot_files(run)[::2]:
        path.unlink()
    assert [one.name for one in by_cadence(run, TRAIN)] == ["every snapshot", "every 2nd epoch"]
    for path in snapshot_files(run)[1:]:
        path.unlink()
    assert not watched(run)
    assert by_cadence(run, TRAIN) == []


def test_no_rows_are_compared_without_harm(small_run: Run) -> None:
    nothing = TRAIN.model_copy(update={"search": "§§"})
    assert early_and_late(small_run, nothing, 2).rows == 0
    assert by_cadence(small_run, nothing) == []


def test_without_dynamics_it_says_so(small_run: Run) -> None:
    for path in snapshot_files(small_run):
        path.unlink()
    assert not watched(small_run)
    with pytest.raises(RunError, match="no training dynamics"):
        early_and_late(small_run, TRAIN, 2)
