"""Influence between examples through the head's last layer, from that layer's inputs alone.

For a linear layer with bias, the gradient of an example's loss is δhᵀ for the weights and δ for the
bias, with h the layer's input and δ = softmax(logits) − onehot(label). Two gradients multiply to

    gᵢ · g_q = (δᵢ · δ_q) (1 + hᵢ · h_q),

exactly, without either of them being formed. A layer without bias has no gradient for one, and the
1 falls away.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from influence_core.scores.pairwise.head import Head

BLOCK = 2048
"""Rows at once: small enough for their probabilities to stay in the caches."""

_SIGN_AND_MAGNITUDE = np.int32(0x8FFFE000 - 2**32)
"""Bits of a float32 that come from a float16, between which lie copies of the sign."""

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


def error(head: Head, given: Floats, label: int) -> Doubles:
    """Return δ = softmax(logits) − onehot(label) of one example (C,), given its h (W,)."""
    logits = head.logits(given[None, :])[0].astype(np.float64)
    odds: Doubles = np.exp(logits - logits.max())
    odds /= odds.sum()
    odds[label] = 0.0
    odds[label] = -odds.sum()
    return odds


def influence(
    head: Head, inputs: Floats, labels: Labels, query: Floats, query_error: Doubles
) -> Doubles:
    """Return the influence of rows on a query at one checkpoint, per unit of learning rate.

    A step on row i changes the query's loss by −lr · gᵢ · g_q to first order: above 0 the row is a
    proponent, below 0 an opponent of the query's label. Summed over checkpoints times their
    learning rates it is TracIn. Costs one small matrix product a row: rows × width × classes.

    Args:
        head: the head at that checkpoint.
        inputs: h of the rows (n, W), float16 or float32, possibly mapped into memory.
        labels: class indices of the rows (n,).
        query: h of the query (W,).
        query_error: δ of the query (C,), as `error` gives it.

    Returns:
        gᵢ · g_q in nats per unit of learning rate (n,).

    Source: Pruthi et al., arXiv:2002.08484, equation 1 and appendix F, with the bias.
    """
    weights = np.stack([query_error, np.ones_like(query_error)]).astype(np.float32)
    found = np.empty(len(labels))
    for rows, given, odds, own in _blocks(head, inputs, labels):
        toward, wrong = weights @ odds
        aligned = (toward - query_error[labels[rows]] * wrong) / (wrong + own)
        found[rows] = aligned * (head.biased + given @ query.astype(np.float32))
    return found


def joint_influence(
    head: Head, inputs: Floats, labels: Labels, queries: Floats, query_errors: Doubles
) -> Doubles:
    """Return the influence of rows on several queries together, the sum of `influence` over them.

    The queries enter as Σ δ_q h_qᵀ (C, W) and Σ δ_q (C,) alone, so that however many there are,
    they cost what one does: two small matrix products a row.

    Args:
        queries: h of the queries (Q, W).
        query_errors: δ of the queries (Q, C).
        As `influence` otherwise.
    """
    weights = (query_errors.T @ queries).astype(np.float32)
    biases = head.biased * query_errors.sum(axis=0).astype(np.float32)[:, None]
    found = np.empty(len(labels))
    for rows, given, odds, own in _blocks(head, inputs, labels):
        pull = weights @ given.T + biases
        pulled = pull[labels[rows], np.arange(len(given))]
        wrong = odds.sum(axis=0)
        found[rows] = (np.einsum("ij,ij->j", odds, pull) - wrong * pulled) / (wrong + own)
    return found


def self_influence(head: Head, inputs: Floats, labels: Labels) -> Doubles:
    """Return ‖g‖² of rows at one checkpoint: EL2N² (1 + ‖h‖²), shapes as for `influence`."""
    found = np.empty(len(labels))
    for rows, given, odds, own in _blocks(head, inputs, labels):
        wrong = odds.sum(axis=0)
        total = wrong + own
        wrong /= total
        squares = np.einsum("ij,ij->j", odds, odds) / total**2
        found[rows] = (wrong**2 + squares) * (head.biased + np.einsum("ij,ij->i", given, given))
    return found


def extremes(values: Doubles, ids: npt.NDArray[np.object_], count: int) -> list[int]:
    """Return places of the `count` highest values above 0, highest first, ties by id."""
    above = np.flatnonzero(values > 0)
    if len(above) > count:
        least = np.partition(values[above], -count)[-count]
        above = above[values[above] >= least]
    return sorted(above.tolist(), key=lambda place: (-values[place], ids[place]))[:count]


def widened(values: Floats) -> npt.NDArray[np.float32]:
    """Return values as float32, float16 several times as fast as numpy's own conversion.

    The bits of a half move to those of a single, sign and all, and its exponent's bias of 15
    becomes 127 by a product with 2¹¹²: exact, subnormal numbers included, for all that is finite.
    """
    if values.dtype != np.float16:
        return values.astype(np.float32)
    bits = values.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= _SIGN_AND_MAGNITUDE
    singles = bits.view(np.float32)
    singles *= np.float32(2.0**112)
    return singles


def _blocks(
    head: Head, inputs: Floats, labels: Labels
) -> Iterator[tuple[slice, Floats, Floats, Floats]]:
    """Yield blocks of rows, their h (B, W), the odds of the other classes (C, B), and their own.

    In the first, the label's own odds are 0: what a row is wrong by is summed over the others, and
    keeps its digits where the label's probability is nearly 1. Classes come first because sums and
    maxima over the first axis go through the rows in vectors, however few classes there are.
    """
    weight, bias = head.weights[-1], head.biases[-1][:, None]
    for start in range(0, len(labels), BLOCK):
        rows = slice(start, min(start + BLOCK, len(labels)))
        given = widened(inputs[rows])
        odds = weight @ given.T
        odds += bias
        odds -= odds.max(axis=0)
        np.exp(odds, out=odds)
        places = labels[rows], np.arange(len(given))
        own = odds[places]
        odds[places] = 0
        yield rows, given, odds, own
