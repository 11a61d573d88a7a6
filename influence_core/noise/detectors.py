"""The detectors of wrong labels: the only list of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from influence_core.noise.consensus import suspicion
from influence_core.noise.evidence import Evidence
from influence_core.noise.held_out import Judgement
from influence_core.scores.registry import SCORES

Floats = npt.NDArray[np.float64]
Witness = Literal["training", "early training", "held out", "neighbours"]


@dataclass(frozen=True, kw_only=True)
class Detector:
    """What a detector looks at and what it takes.

    witness: what it looks at; the detectors of one witness share a vote.
    needs: the artefacts that it is read from.
    read: its suspicion (n,) in [0, 1], or None where the run lacks them.
    """

    key: str
    label: str
    summary: str
    witness: Witness
    needs: str
    read: Callable[[Evidence], Floats | None]


def _of_score(key: str, witness: Witness, needs: str) -> Detector:
    spec = SCORES[key]

    def read(evidence: Evidence) -> Floats | None:
        values = evidence.score(key)
        return None if values is None else suspicion(values, spec.suspicious or spec.hard)

    return Detector(
        key=key, label=spec.label, summary=spec.summary, witness=witness, needs=needs, read=read
    )


def _of_judgement(judgement: Judgement | None) -> Floats | None:
    return None if judgement is None else suspicion(judgement.loss)


_DYNAMICS = "training dynamics, or the score itself"
_FEATURES = "features of an encoder that was not tuned on these labels, as a run that trains has"

_DETECTORS = (
    _of_score("aum", "training", _DYNAMICS),
    _of_score("confidence", "training", _DYNAMICS),
    _of_score("el2n", "early training", _DYNAMICS),
    _of_score("pvi", "early training", _DYNAMICS),
    _of_score("label_quality", "held out", "the score label_quality"),
    Detector(
        key="discriminant",
        label="Discriminant",
        summary="How little a linear discriminant that never saw the text believes its label.",
        witness="held out",
        needs=_FEATURES,
        read=lambda evidence: _of_judgement(evidence.discriminant),
    ),
    Detector(
        key="neighbours",
        label="Neighbours",
        summary="How few of the most similar texts have this label.",
        witness="neighbours",
        needs=_FEATURES,
        read=lambda evidence: _of_judgement(evidence.neighbours),
    ),
)

DETECTORS: dict[str, Detector] = {one.key: one for one in _DETECTORS}
"""Every detector by its key, in the order in which they are shown."""

OF_FEATURES = ("discriminant", "neighbours")
"""Detectors that judge features, and so can be told which rows not to learn from."""


def voters(keys: Iterable[str]) -> dict[str, Witness]:
    """Return those of some detectors that have a vote in the consensus, with their witness.

    What is read at one early epoch, when a classifier of many classes has learnt little, has a
    vote only where the whole training is not known.
    """
    found = {key: DETECTORS[key].witness for key in keys}
    if "training" in found.values():
        return {key: witness for key, witness in found.items() if witness != "early training"}
    return found
