"""How often the labels that people looked at were wrong, in all and down the ranking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.store.review import Action, Decision

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

WRONG: dict[Action, bool] = {"keep": False, "relabel": True, "drop": True}
"""Whether a decision says that the label was wrong; to skip says neither."""

_Z = 1.959963984540054
"""97.5% of a normal distribution lie below it: two sides of a 95% interval."""


@dataclass(frozen=True)
class Precision:
    """How many of the reviewed labels were wrong; `low` to `high` holds their share with 95%.

    The interval is Wilson's. It speaks of all labels only where reviewed rows were drawn at random:
    those of the top of a ranking tell of the top.
    """

    reviewed: int
    wrong: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Share of the reviewed labels that were wrong, NaN before the first."""
        return self.wrong / self.reviewed if self.reviewed else float("nan")


def precision(decisions: Iterable[Decision]) -> Precision:
    """Return how many of the labels that were decided about were wrong."""
    said = [WRONG[one.action] for one in decisions if one.action in WRONG]
    low, high = wilson(np.array([sum(said)]), np.array([len(said)]))
    return Precision(len(said), sum(said), float(low[0]), float(high[0]))


def precision_by_rank(table: pd.DataFrame, standing: Mapping[str, Decision]) -> pd.DataFrame:
    """Return the precision down to every reviewed row, the most suspicious first.

    Args:
        table: a noise report's, with columns id and rank.
        standing: the decisions that stand, by id.

    Returns:
        Columns rank, id, reviewed, wrong, share, low, high: of the labels that were reviewed at
        this rank or above, how many were wrong, their share, and its 95% interval.
    """
    seen = {id: WRONG[one.action] for id, one in standing.items() if one.action in WRONG}
    found = table.loc[table["id"].isin(seen), ["rank", "id"]].sort_values("rank")
    found = found.reset_index(drop=True)
    found["reviewed"] = np.arange(1, len(found) + 1)
    found["wrong"] = found["id"].map(seen).astype(np.int64).cumsum()
    found["share"] = found["wrong"] / found["reviewed"]
    found["low"], found["high"] = wilson(found["wrong"].to_numpy(), found["reviewed"].to_numpy())
    return found


def wilson(
    successes: npt.NDArray[np.integer], trials: npt.NDArray[np.integer]
) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's 95% interval of a share; 0 and 1 where nothing was tried.

    (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)

    Source: Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    n = np.maximum(trials, 1).astype(np.float64)
    p = successes / n
    centre, scale = p + _Z**2 / (2 * n), 1 + _Z**2 / n
    half = _Z * np.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    low, high = (centre - half) / scale, (centre + half) / scale
    tried = trials > 0
    return np.where(tried, low.clip(0, 1), 0.0), np.where(tried, high.clip(0, 1), 1.0)
