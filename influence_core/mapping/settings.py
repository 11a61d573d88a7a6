"""How a map is laid out."""

from __future__ import annotations

from pydantic import Field

from influence_core.config import Settings


class MapSettings(Settings):
    """How UMAP lays examples out in a plane."""

    neighbours: int = Field(
        15,
        ge=2,
        le=200,
        description="Nearest rows that each row is kept close to: few show fine groups, many show "
        "how groups lie to each other.",
    )
    min_distance: float = Field(
        0.1, ge=0, lt=1, description="Least distance of points: small packs groups densely."
    )
    seed: int = Field(0, ge=0, description="Seed of the layout: equal seeds give equal maps.")
    fitted: int = Field(
        100_000,
        ge=10,
        description="Rows that are laid out; where there are more, a random sample of as many is, "
        "and each other row is put between its nearest ones.",
    )
