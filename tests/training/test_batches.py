"""The order in which rows are learnt from."""

from __future__ import annotations

import numpy as np

from influence_core.training.batches import shuffled_batches

ROWS = np.arange(20, 31)


def test_every_epoch_holds_every_row_once_in_an_order_of_its_own() -> None:
    batches = list(shuffled_batches(ROWS, 4, 3, seed=5))
    assert [len(batch) for batch in batches] == [4, 4, 3] * 3
    epochs = [np.concatenate(batches[start : start + 3]) for start in (0, 3, 6)]
    for epoch in epochs:
        assert sorted(epoch) == ROWS.tolist()
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_places_and_what_lies_there_are_shuffled_alike() -> None:
    """A head that is trained beside others goes through its rows as a head alone does."""
    places = np.concatenate(list(shuffled_batches(np.arange(len(ROWS)), 4, 2, seed=1)))
    rows = np.concatenate(list(shuffled_batches(ROWS, 3, 2, seed=1)))
    np.testing.assert_array_equal(ROWS[places], rows)
