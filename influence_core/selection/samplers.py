"""Samplers: each puts rows in the order in which they are kept.

A subset of any size is a prefix of that order, so that counts are exact and a smaller subset lies
within a larger one drawn from the same seed. Scores are turned into hardness first: the larger, the
harder. Ties are broken by id and random numbers are dealt in the order of ids, so that the order of
the input is of no account.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from influence_core.errors import SelectionError, rule
from influence_core.scores.normalise import id_order

Prune = Literal["easy", "hard", "both"]
Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

LINEAR_CLIP = 0.99
"""Quantile at which linear sampling clips: one outlier would otherwise make all others alike."""

LINEAR_EPSILON = 0.05
"""Weight of the least likely row relative to the most likely one."""


def hardness(scores: npt.ArrayLike, hard: Literal["high", "low"] = "high") -> Floats:
    """Turn scores so that larger means harder; a row without a score counts as the median."""
    values = np.asarray(scores, dtype=np.float64)
    if hard == "low":
        values = -values
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(len(values))
    filled = np.nan_to_num(values, nan=float(np.median(known)), posinf=np.inf, neginf=-np.inf)
    return np.clip(filled, known.min(), known.max())


def cutoff(hardness: Floats, ids: npt.ArrayLike, prune: Prune = "easy") -> Positions:
    """Order by rank: the easy, the hard, or the outermost rows of both ends go first.

    With both ends, the easy end gives one row more where the number dropped is odd.
    """
    by_id = id_order(ids)
    hardest_first = by_id[np.argsort(-hardness[by_id], kind="stable")]
    if prune == "easy":
        return hardest_first
    if prune == "hard":
        return hardest_first[::-1]
    places = np.arange(len(hardest_first))
    return hardest_first[np.argsort(np.abs(2 * places - (len(places) - 1)), kind="stable")]


def softmax(
    hardness: Floats,
    ids: npt.ArrayLike,
    generator: np.random.Generator,
    prune: Prune = "easy",
) -> Positions:
    """Draw without replacement with probability ∝ exp(z), z the z-score of hardness.

    With `prune="hard"` the probability is ∝ exp(−z).
    """
    _check_end(prune)
    spread = hardness.std() if len(hardness) else 0.0
    z = (hardness - hardness.mean()) / spread if spread > 0 else np.zeros(len(hardness))
    return _draw(-z if prune == "hard" else z, ids, generator)


def linear(
    hardness: Floats,
    ids: npt.ArrayLike,
    generator: np.random.Generator,
    prune: Prune = "easy",
    clip: float = LINEAR_CLIP,
    epsilon: float = LINEAR_EPSILON,
) -> Positions:
    """Draw without replacement with probability linear in hardness, between ε and 1.

    Hardness is clipped at its `clip` quantile. With `prune="hard"` easy rows are the likely ones.
    """
    _check_end(prune)
    if not len(hardness):
        return np.zeros(0, np.int64)
    scaled = clipped(hardness, clip)
    share = 1 - scaled if prune == "hard" else scaled
    return _draw(np.log(epsilon + (1 - epsilon) * share), ids, generator)


def clipped(values: Floats, clip: float = LINEAR_CLIP) -> Floats:
    """Map values linearly to [0, 1]: 1 is their `clip` quantile and all above, or all are equal."""
    if not len(values):
        return np.zeros(0)
    cut = np.minimum(values, np.quantile(values, clip))
    low, high = cut.min(), cut.max()
    mapped: Floats = (cut - low) / (high - low) if high > low else np.ones(len(cut))
    return mapped


def random(ids: npt.ArrayLike, generator: np.random.Generator) -> Positions:
    """Order the rows at random."""
    by_id = id_order(ids)
    return by_id[generator.permutation(len(by_id))]


def _check_end(prune: Prune) -> None:
    if prune == "both":
        raise SelectionError(rule("prune", "be 'easy' or 'hard' when rows are drawn", prune))


def _draw(log_weights: Floats, ids: npt.ArrayLike, generator: np.random.Generator) -> Positions:
    """Order rows as drawing one after another by weight would.

    Adding Gumbel noise to log-weights and sorting is that draw exactly, and no weight underflows.
    """
    by_id = id_order(ids)
    keys = log_weights[by_id] + generator.gumbel(size=len(by_id))
    return by_id[np.argsort(-keys, kind="stable")]
