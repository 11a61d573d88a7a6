"""What a report shows, and what it leaves out."""

from __future__ import annotations

from pydantic import Field

from influence_core.config import Settings


class ReportSettings(Settings):
    """What a report shows, and what it leaves out."""

    score: str | None = Field(
        None, description="Score that says what is hard; the run's first by default."
    )
    tolerance: float = Field(
        0.01, ge=0, le=1, description="Accuracy that may be lost by pruning, as 0.01."
    )
    examples: int = Field(5, ge=1, le=50, description="Texts shown of each kind.")
    mask_texts: bool = Field(
        False, description="Leave out every text of the dataset; labels and ids stay."
    )
