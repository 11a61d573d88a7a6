"""What the experiment on noisy data tries: shares of wrong labels, and ways of pruning them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from influence_core.config import Mode, Settings
from influence_core.noise.settings import FlipSettings, NoiseKind
from influence_core.pruning.cells import curves
from influence_core.pruning.settings import CurveName, Equal, ExperimentSettings, Fraction, Seeds

DrawnShare = Annotated[float, Field(gt=0, le=1)]

JUDGED = ("vog", "tracin", "pvi", "el2n", "aum")
"""Scores whose top is compared with the wrong labels."""


class NoisySettings(Settings):
    """Everything that decides what the experiment on noisy data computes."""

    shares: tuple[DrawnShare, ...] = Field(
        (0.05, 0.1, 0.15, 0.2, 0.25, 0.3),
        min_length=1,
        description="Shares of the training rows whose label is drawn anew.",
    )
    kind: NoiseKind = Field(
        "uniform",
        description="'uniform' draws labels as the paper does, every class alike, so that some "
        "stay what they were; 'confused' draws a class that a model confuses the label with.",
    )
    curves: tuple[CurveName, ...] = Field(
        ("vog-class-easy", "tracin-class-hard", "pvi-class-hard", "random"),
        min_length=1,
        description="What is pruned, as score-norm-end: 'vog-class-easy' drops the easy end of "
        "VoG compared within classes; 'random' and 'stratified' read no score.",
    )
    fractions: tuple[Fraction, ...] = Field(
        (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
        min_length=1,
        description="Shares of the training rows that go.",
    )
    seeds: Seeds = 3
    seed: int = Field(
        0, ge=0, description="Seed of the labels that are drawn, and first seed of the models."
    )
    mode: Mode = Field(
        "probe",
        description="How the scores are computed and the models trained: 'finetune' measures with "
        "the whole classifier; 'probe' estimates with heads on frozen features.",
    )
    equal: Equal = "steps"
    epochs: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="Epochs of every training over the whole data; as many as the run by default, "
        "and for a probe's pruned models as many as make 1,000 steps.",
    )

    def flips(self, share: float) -> FlipSettings:
        """Return how the labels of a share of the training rows are drawn."""
        return FlipSettings(kind=self.kind, share=share, seed=self.seed)

    @property
    def pruning(self) -> ExperimentSettings:
        """The pruning experiment that is done on each noisy copy of the data."""
        common = self.model_dump(exclude={"shares", "kind"})
        settings = ExperimentSettings(**common)
        scores = dict.fromkeys(curve.score for curve in curves(settings) if curve.score)
        return settings.model_copy(update={"scores": tuple(scores)})

    @property
    def scores(self) -> tuple[str, ...]:
        """The scores that are computed on each noisy copy of the data."""
        return tuple(dict.fromkeys((*JUDGED, *self.pruning.scores)))
