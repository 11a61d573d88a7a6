"""UMAP of features: determined by its seed, and close where features are alike."""

from __future__ import annotations

import numpy as np
import pytest

from influence_core.errors import Cancelled, DataError
from influence_core.mapping import embedding
from influence_core.mapping.embedding import embed
from influence_core.mapping.settings import MapSettings
from influence_core.progress import Event, Progress

GROUPS, EACH = 4, 40


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    """Four groups of rows, far from each other."""
    generator = np.random.default_rng(0)
    centres = 4 * np.repeat(np.eye(GROUPS, 12), EACH, axis=0)
    return (centres + generator.normal(scale=0.3, size=centres.shape)).astype(np.float16)


def own_group(coordinates: np.ndarray) -> float:
    """Return the share of rows whose nearest other row is of their group."""
    apart = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    group = np.arange(len(coordinates)) // EACH
    return float((group[apart.argmin(axis=1)] == group).mean())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "MANY_EPOCHS", 60)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
class TestUmap:
    """These wait for UMAP to be compiled."""

    def test_groups_stay_together_and_seeds_decide(self, features: np.ndarray) -> None:
        events: list[Event] = []
        progress = Progress(events.append, interval=0)
        first = embed(features, MapSettings(neighbours=8), progress)
        again = embed(features, MapSettings(neighbours=8), Progress())
        other = embed(features, MapSettings(neighbours=8, seed=1), Progress())
        assert first.shape == (GROUPS * EACH, 2)
        assert first.dtype == np.float32
        assert np.isfinite(first).all()
        assert own_group(first) == 1
        assert (first == again).all()
        assert (first != other).any()
        epochs = [event.done for event in events if event.stage == "layout"]
        assert epochs[0] == 0
        assert epochs == sorted(epochs)
        assert epochs[-1] == 60

    def test_rows_beyond_the_sample_are_put_to_their_like(self, features: np.ndarray) -> None:
        found = embed(features, MapSettings(neighbours=8, fitted=80), Progress())
        assert np.isfinite(found).all()
        assert own_group(found) == 1
        again = embed(features, MapSettings(neighbours=8, fitted=80), Progress())
        assert (found == again).all()

    def test_it_stops_between_epochs(self, features: np.ndarray) -> None:
        def stop(event: Event) -> None:
            if event.stage == "layout" and event.kind == "advance":
                raise Cancelled("The work was stopped as asked.")

        with pytest.raises(Cancelled):
            embed(features, MapSettings(), Progress(stop, interval=0))

    def test_fewer_rows_than_neighbours(self, features: np.ndarray) -> None:
        found = embed(features[:: EACH // 3], MapSettings(neighbours=200), Progress())
        assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("made", "says"),
    [(np.ones((9, 4)), "be at least 10"), (np.ones((30, 4)), "of all rows are equal")],
)
def test_what_cannot_be_mapped_is_refused(made: np.ndarray, says: str) -> None:
    with pytest.raises(DataError, match=says):
        embed(made, MapSettings(), Progress())
