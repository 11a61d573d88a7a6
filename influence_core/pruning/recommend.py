"""How much can go: the largest fraction that stays within what the user tolerates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, takewhile

from influence_core.pruning.cells import Curve
from influence_core.pruning.evidence import Difference
from influence_core.pruning.figures import Findings, Point

FEWEST_TEST_ROWS = 5
"""Test rows from which a class counts as the worst one: the recall of fewer is chance."""


@dataclass(frozen=True)
class WorstClass:
    """The class whose recall falls most, of those with enough test rows."""

    label: str
    rows: int
    recall: float
    change: float

    @property
    def words(self) -> str:
        """What happens to it, in one sentence."""
        return (
            f"Worst class: {self.label}, recall {self.recall:.0%} ({self.change:+.0%}) on "
            f"{self.rows} test rows."
        )


@dataclass(frozen=True)
class Recommendation:
    """What one way of pruning can be trusted with.

    `fraction` is None where no tested fraction is safe. `loss` is the accuracy of the pruned models
    minus that of the unpruned ones; without a safe fraction it is that of the smallest tested one.
    """

    curve: Curve
    tolerance: float
    fraction: float | None
    loss: Difference
    worst: WorstClass | None

    @property
    def words(self) -> str:
        """The recommendation in one sentence."""
        low, high = f"{self.loss.low:+.1%}", f"{self.loss.high:+.1%}"
        interval = f"{self.loss.mean:+.1%} accuracy, between {low} and {high}"
        if self.fraction is None:
            return f"No safe fraction: even the smallest tested may cost more ({interval})."
        return f"Up to {self.fraction:.0%} may go ({interval})."


def recommend(findings: Findings, tolerance: float = 0.01) -> list[Recommendation]:
    """Recommend a fraction for every curve that can be compared with the unpruned models.

    A fraction is safe if it and all smaller tested ones cost at most `tolerance` of accuracy, with
    95% confidence: the lower end of the interval of the difference to the unpruned models is not
    below −`tolerance`.
    """
    pruned = [point for point in findings.points if point.curve is not None]
    advice = [
        _of_curve(curve, list(points), findings, tolerance)
        for curve, points in groupby(pruned, lambda point: point.curve)
        if curve is not None
    ]
    return [one for one in advice if one is not None]


def _of_curve(
    curve: Curve, points: list[Point], findings: Findings, tolerance: float
) -> Recommendation | None:
    judged = [(point, findings.against_whole(point)) for point in points]
    known = [(point, loss) for point, loss in judged if loss is not None]
    if not known:
        return None
    safe = list(takewhile(lambda pair: pair[1].low >= -tolerance, known))
    point, loss = safe[-1] if safe else known[0]
    return Recommendation(
        curve=curve,
        tolerance=tolerance,
        fraction=point.fraction if safe else None,
        loss=loss,
        worst=_worst(findings, point),
    )


def _worst(findings: Findings, point: Point) -> WorstClass | None:
    table = findings.recalls(point)
    judged = table.loc[table["rows"] >= FEWEST_TEST_ROWS]
    if judged.empty:
        return None
    label, rows, recall, _, change = judged.sort_values("change", kind="stable").iloc[0]
    return WorstClass(str(label), int(rows), float(recall), float(change))
