"""Exact nearest rows, however the work is divided."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from influence_core.mapping import neighbours
from influence_core.mapping.neighbours import graph, nearest
from influence_core.progress import Event, Progress
from influence_core.training.untuned import unit


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(90, 7)).astype(np.float16)


def test_they_are_those_of_scikit_learn(features: np.ndarray) -> None:
    rows = unit(features)
    places, distances = graph(rows, 6, Progress())
    oracle = NearestNeighbors(n_neighbors=6, metric="cosine").fit(features.astype(float))
    expected, order = oracle.kneighbors(features.astype(float))
    assert (places == order).all()
    assert np.allclose(distances, expected, atol=1e-6)


def test_blocks_change_nothing(features: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = graph(unit(features), 6, Progress())
    events: list[Event] = []
    monkeypatch.setattr(neighbours, "HELD", 90 * 20)
    divided = graph(unit(features), 6, Progress(events.append, interval=0))
    assert (whole[0] == divided[0]).all()
    assert np.allclose(whole[1], divided[1], atol=1e-6)
    assert [event.done for event in events] == [0, 20, 40, 60, 80, 90, 90]


def test_a_row_is_nearest_to_itself_even_among_equals() -> None:
    rows = unit(np.repeat(np.eye(3), 4, axis=0))
    places, distances = graph(rows, 4, Progress())
    assert (places[:, 0] == np.arange(12)).all()
    assert (places // 4 == np.arange(12)[:, None] // 4).all()
    assert np.allclose(distances, 0, atol=1e-6)


def test_rows_of_zeros_are_far_from_all() -> None:
    rows = unit(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]))
    places, distances = nearest(rows[:1], rows[1:], 2)
    assert distances.tolist() == [[1.0, 1.0]]
    assert sorted(places[0]) == [0, 1]
