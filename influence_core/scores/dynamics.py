"""The scores that are read from training dynamics: each a few lines on arrays.

Arrays run over training rows (n,); a stream yields one array a snapshot, in training order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log

import numpy as np
import numpy.typing as npt

from influence_core.training.dynamics import Snapshot

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

_EPOCH_SLACK = 1e-6


def snapshot_at(snapshots: Sequence[Snapshot], epoch: int | None) -> Snapshot:
    """Return the snapshot at the end of `epoch`; the last one for None or a shorter training."""
    if epoch is None:
        return snapshots[-1]
    due = [snapshot for snapshot in snapshots if snapshot.epoch >= epoch - _EPOCH_SLACK]
    return due[0] if due else snapshots[-1]


def epoch_ends(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Return the snapshots at ends of epochs."""
    return [one for one in snapshots if abs(one.epoch - round(one.epoch)) < _EPOCH_SLACK]


def forgetting(correct: Iterable[Bools]) -> tuple[Floats, Bools]:
    """Count forgetting events, and mark what was never learnt.

    forgetting = Σ over looks of [correct before and incorrect now], starting from incorrect: the
    first look can forget nothing. High is hard, neither end suspicious. A row that was never
    correct counts 0 events and is marked instead: it ranks hardest.

    A look is a snapshot, or an epoch's batch that the row was in, before the model learnt from it:
    that is the definition of the paper.

    Args:
        correct: whether the model was right (n,), look after look.

    Returns:
        Number of events (n,), in [0, looks / 2]; never learnt (n,).

    Cost: O(n) a look, on top of the snapshot's forward pass; batches are seen in training anyway.

    Source: Toneva et al., arXiv:1812.05159.
    """
    before: Bools | None = None
    for now in correct:
        if before is None:
            before, events, learnt = np.zeros_like(now), np.zeros(len(now)), np.zeros_like(now)
        events += before & ~now
        learnt |= now
        before = now
    return events, ~learnt


def pvi(loss: npt.NDArray[np.floating], null: Floats) -> Floats:
    """Compute pointwise V-information.

    PVI = log₂ p(y | text) − log₂ p(y | ∅), with log₂ p(y | text) = −loss / ln 2. Low is hard and
    suspicious; below 0 the text speaks against its label.

    Args:
        loss: −ln p(y | text) in nats (n,).
        null: log₂ p(y | ∅) in bits (n,), of a model that is told nothing of the text.

    Returns:
        PVI in bits (n,), in (−∞, −log₂ p(y | ∅)].

    Cost: O(n), on top of one snapshot's forward pass; none for a null that is a share of labels.

    Source: Ethayarajh et al., arXiv:2110.08420.
    """
    return -loss.astype(np.float64) / log(2) - null


def log_prior(labels: Integers) -> Floats:
    """Compute log₂ of the share of each row's label: what a null model of no input converges to.

    Args:
        labels: class indices (n,).

    Returns:
        log₂ p(y | ∅) in bits (n,), at most 0.
    """
    counts = np.bincount(labels).astype(np.float64)
    prior: Floats = np.log2(counts[labels] / len(labels))
    return prior


def log_prior_elsewhere(labels: Integers, fold: Integers) -> Floats:
    """Compute log₂ of the share of each row's label among the rows of the other folds.

    Args:
        labels: class indices (n,).
        fold: the fold that each row was held out in (n,), from 0.

    Returns:
        log₂ p(y | ∅) in bits (n,), at most 0; missing (NaN) where no other fold has the label, as
        a model of them could not have learnt it.
    """
    shape = int(labels.max()) + 1, int(fold.max()) + 1
    counts = np.bincount(np.ravel_multi_index((labels, fold), shape), minlength=shape[0] * shape[1])
    here = counts.reshape(shape)
    elsewhere = here.sum(axis=1, keepdims=True) - here
    share = elsewhere[labels, fold] / elsewhere.sum(axis=0)[fold]
    prior: Floats = np.log2(share, out=np.full(len(labels), np.nan), where=share > 0)
    return prior


def mean_over(columns: Iterable[npt.NDArray[np.generic]]) -> Floats:
    """Compute AUM, the mean margin over snapshots, or confidence, the mean of p(y | text).

    AUM = mean of logit_y − max over others of logit. Of both, low is hard and suspicious.

    Args:
        columns: `margin` or `p_true` (n,), snapshot after snapshot.

    Returns:
        AUM in logits (n,), unbounded; confidence as a probability (n,), in [0, 1].

    Cost: O(n) a snapshot, on top of its forward pass.

    Source: Pleiss et al., arXiv:2001.10528 (AUM); Swayamdipta et al., arXiv:2009.10795
    (confidence).
    """
    return _moments(columns)[0]


def deviation_over(columns: Iterable[npt.NDArray[np.generic]]) -> Floats:
    """Compute variability, the population standard deviation of p(y | text) over snapshots.

    High is hard, or ambiguous; neither end is suspicious.

    Args:
        columns: `p_true` (n,), snapshot after snapshot.

    Returns:
        Variability as a probability (n,), in [0, 0.5].

    Cost: O(n) a snapshot, on top of its forward pass.

    Source: Swayamdipta et al., arXiv:2009.10795.
    """
    return np.sqrt(_moments(columns)[1])


def sum_over(columns: Iterable[npt.NDArray[np.generic]]) -> Floats:
    """Compute correctness, the number of snapshots at which argmax = y.

    Low is hard and suspicious.

    Args:
        columns: `correct` (n,), snapshot after snapshot.

    Returns:
        Number of epochs, whose ends the snapshots are (n,), in [0, snapshots].

    Cost: O(n) a snapshot, on top of its forward pass.

    Source: Swayamdipta et al., arXiv:2009.10795.
    """
    mean, _, count = _moments(columns)
    return np.round(mean * count)


def _moments(columns: Iterable[npt.NDArray[np.generic]]) -> tuple[Floats, Floats, int]:
    """Return mean and population variance over snapshots (Welford), and their number."""
    mean, squares = np.zeros(1), np.zeros(1)
    count = 0
    for column in columns:
        count += 1
        values = column.astype(np.float64)
        change = values - mean
        mean = mean + change / count
        squares = squares + change * (values - mean)
    return mean, squares / count, count
