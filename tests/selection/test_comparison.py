"""Two selections beside one another."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.selection.comparison import compare
from influence_core.selection.overlap import Overlap
from influence_core.selection.select import SelectionSettings
from influence_core.store.run import Run

EASY = SelectionSettings(fraction=0.4)
HARD = SelectionSettings(fraction=0.25, prune="hard")
COUNTS = ("rows", "both", "only_first", "only_second")


def counts(one: Overlap) -> list[int]:
    return [getattr(one, name) for name in COUNTS]


def test_kept_and_dropped_make_up_all_rows(small_run: Run) -> None:
    found = compare(small_run, EASY, HARD)
    kept, dropped = found.kept, found.dropped
    both, first, second = kept.both, kept.only_first, kept.only_second
    assert (dropped.only_first, dropped.only_second) == (second, first)
    assert both + first + second + dropped.both == kept.rows == dropped.rows
    assert both + first == len(found.first.kept)
    assert kept.jaccard == pytest.approx(both / (both + first + second))


def test_classes_make_up_the_whole(small_run: Run) -> None:
    found = compare(small_run, EASY, HARD)
    assert list(found.classes) == list(small_run.manifest().dataset.label_names)
    summed = np.sum([counts(one) for one in found.classes.values()], axis=0)
    assert summed.tolist() == counts(found.kept)


def test_the_order_of_the_two_only_turns_the_answer(small_run: Run) -> None:
    one, other = compare(small_run, EASY, HARD).kept, compare(small_run, HARD, EASY).kept
    assert (one.only_first, one.jaccard) == (other.only_second, other.jaccard)
    assert one.chance.mean == pytest.approx(other.chance.mean)


def test_equal_selections_are_one(small_run: Run) -> None:
    kept = compare(small_run, EASY, EASY).kept
    assert (kept.jaccard, kept.only_first, kept.only_second) == (1.0, 0, 0)
    assert kept.chance.mean < 1
