"""Suspicion: detectors made comparable, weighed against one another, and put in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from influence_core.scores.registry import End

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def suspicion(values: npt.ArrayLike, suspicious: End = "high") -> Floats:
    """Return the share of the rows that are less suspicious (n,), in [0, 1]; ties count half.

    0.99 says that a row is among the most suspicious 1%. Any two detectors can be compared so,
    whatever their units. Missing values stay missing.
    """
    from scipy.stats import rankdata

    keys = np.asarray(values, np.float64) * (1 if suspicious == "high" else -1)
    known = ~np.isnan(keys)
    share = np.full(len(keys), np.nan)
    share[known] = (rankdata(keys[known]) - 0.5) / max(int(known.sum()), 1)
    return share


def consensus(suspicions: Mapping[str, Floats], witnesses: Mapping[str, str]) -> Floats:
    """Weigh detectors against one another: the mean over witnesses of the mean of each one's.

    Detectors that look at the same thing, as AUM and confidence do, share the vote of one witness,
    so that many of them do not outvote another. What is missing of a row has no vote on it.

    Args:
        suspicions: suspicion by detector (n,).
        witnesses: the witness of every detector that has a vote.

    Returns:
        Suspicion (n,) in [0, 1]; missing where every detector is.
    """
    return _mean(_by_witness(suspicions, witnesses))


def unanimous(
    suspicions: Mapping[str, Floats], witnesses: Mapping[str, str], share: float
) -> Flags:
    """Say which rows every witness counts among its most suspicious `share` of them (n,)."""
    loud: Flags = np.min(_by_witness(suspicions, witnesses), axis=0) >= 1 - share
    return loud


def _by_witness(suspicions: Mapping[str, Floats], witnesses: Mapping[str, str]) -> list[Floats]:
    groups: dict[str, list[Floats]] = {}
    for key, witness in witnesses.items():
        groups.setdefault(witness, []).append(suspicions[key])
    return [_mean(group) for group in groups.values()]


def _mean(parts: Sequence[Floats]) -> Floats:
    """Return the mean of what is known of each row."""
    stacked = np.stack(parts)
    known = ~np.isnan(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    mean: Floats = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return mean
