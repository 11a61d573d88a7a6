"""What the noise lab can be asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from influence_core.config import Settings

NoiseKind = Literal["uniform", "confused"]


class FlipSettings(Settings):
    """Which labels are made wrong on purpose. Validation and test rows keep theirs."""

    kind: NoiseKind = Field(
        "uniform",
        description="'uniform' draws labels anew, every class alike, so that some stay what they "
        "were; 'confused' draws another class, one that a model confuses the label with.",
    )
    share: float = Field(
        0.1, gt=0, le=1, description="Share of the training rows whose label is drawn."
    )
    seed: int = Field(0, ge=0, description="Seed of the draws.")
