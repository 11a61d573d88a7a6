"""Two coordinates for every row: UMAP of the encoder's features."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from influence_core.errors import DataError, rule
from influence_core.mapping.neighbours import block_rows, graph, nearest
from influence_core.mapping.settings import MapSettings
from influence_core.progress import Progress
from influence_core.training.untuned import unit

Features = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float32]

LEAST_ROWS = 10
"""Rows below which there is nothing to lay out."""

SMALL, EPOCHS, MANY_EPOCHS = 10_000, 200, 500
"""Up to so many rows UMAP takes its many epochs, beyond them the fewer: its own defaults."""

PLACING = 5
"""Laid out rows between which each other row is put."""


def embed(features: Features, settings: MapSettings, progress: Progress) -> Floats:
    """Lay rows out in a plane, such that rows with similar features lie close to each other.

    UMAP on the exact nearest neighbours by cosine, started from the two principal components. Where
    there are more than `settings.fitted` rows, a random sample of as many is laid out; each other
    row is put at the mean of its 5 nearest sampled rows, weighted by the inverse of the distance.
    Distances between groups, and how dense they are, say little.

    Args:
        features: pooled features (n, D), which may be a memory map.
        settings: neighbours, distances, and the seed: equal seeds give equal maps.
        progress: told of rows and epochs.

    Returns:
        Coordinates (n, 2), float32.

    Cost: n² · D multiplications for the neighbours, then 200 to 500 epochs over n · neighbours
    edges in one thread.

    Raises:
        DataError: there are too few rows, or they are all alike.

    Source: McInnes, Healy, Melville: UMAP. 2018. arXiv:1802.03426.
    """
    if len(features) < LEAST_ROWS:
        raise DataError(rule("rows", f"be at least {LEAST_ROWS} to make a map", len(features)))
    if len(features) <= settings.fitted:
        return _laid_out(unit(np.asarray(features)), settings, progress)
    generator = np.random.default_rng(settings.seed)
    sample = np.sort(generator.choice(len(features), settings.fitted, replace=False))
    known = unit(features[sample])
    return _placed(features, sample, known, _laid_out(known, settings, progress), progress)


def _laid_out(rows: Floats, settings: MapSettings, progress: Progress) -> Floats:
    if not np.ptp(rows, axis=0).any():
        raise DataError("The features of all rows are equal: there is no map of them.")
    find_curve, simplices, optimise = _umap()
    k = min(settings.neighbours, len(rows) - 1)
    places, distances = graph(rows, k, progress)
    # UMAP speaks the older of numpy's two random interfaces.
    random = np.random.RandomState(settings.seed)
    links = simplices(rows, k, random, "cosine", knn_indices=places, knn_dists=distances)[0]
    a, b = find_curve(1.0, settings.min_distance)
    epochs = MANY_EPOCHS if len(rows) <= SMALL else EPOCHS
    progress.begin("layout", epochs, "epochs")
    coordinates: Floats = optimise(
        data=rows,
        graph=links,
        n_components=2,
        initial_alpha=1.0,
        a=a,
        b=b,
        gamma=1.0,
        negative_sample_rate=5,
        n_epochs=epochs,
        init="pca",
        random_state=random,
        metric="cosine",
        metric_kwds={},
        densmap=False,
        densmap_kwds={},
        output_dens=False,
        tqdm_kwds=_told_to(progress),
    )[0]
    progress.end()
    return coordinates


def _placed(
    features: Features, sample: npt.NDArray[np.int64], known: Floats, at: Floats, progress: Progress
) -> Floats:
    """Put the rows outside the sample between their nearest rows in it."""
    coordinates = np.empty((len(features), 2), np.float32)
    coordinates[sample] = at
    others = np.setdiff1d(np.arange(len(features)), sample, assume_unique=True)
    size = block_rows(len(known))
    progress.begin("placing", len(others))
    for start in range(0, len(others), size):
        rows = others[start : start + size]
        places, distances = nearest(unit(features[rows]), known, min(PLACING, len(known)))
        weights = 1 / np.maximum(distances, np.finfo(np.float32).eps)
        weights /= weights.sum(axis=1, keepdims=True)
        coordinates[rows] = np.einsum("mk,mkc->mc", weights, at[places])
        progress.advance(len(rows))
    progress.end()
    return coordinates


class _Count:
    """A file that takes what tqdm writes, UMAP's only word about how far it is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def write(self, text: str) -> None:
        """Take the number of epochs done."""
        if text.strip().isdecimal():
            self._progress.advance(int(text) - self._progress.done)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


def _told_to(progress: Progress) -> dict[str, object]:
    # With `miniters` no thread of tqdm's own writes: `Cancelled` must be raised in this one.
    return {"file": _Count(progress), "disable": False, "bar_format": "{n}", "miniters": 1}


def _umap() -> tuple[Any, Any, Any]:
    with warnings.catch_warnings():
        # UMAP regrets on import that TensorFlow, which it needs for other things, is missing.
        warnings.simplefilter("ignore", ImportWarning)
        from umap.umap_ import find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding
    return find_ab_params, fuzzy_simplicial_set, simplicial_set_embedding
