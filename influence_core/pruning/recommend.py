"""How much can go: the largest fraction that stays within what the user tolerates."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, takewhile

from influence_core.pruning.cells import Curve
from influence_core.pruning.evidence import Difference
from influence_core.pruning.figures import Findings, Point

FEWEST_TEST_ROWS = 5
"""Test rows from which a class counts as the worst one: the recall of fewer is chance."""


def in_points(difference: float, digits: int = 1) -> str:
    """Word a difference of shares in percentage points.

    >>> in_points(-0.052), in_points(0.05, 0)
    ('-5.2 points', '+5 points')
    """
    return f"{signed(difference, digits)} points"


def signed(difference: float, digits: int = 1) -> str:
    """Word a difference of shares in percentage points, without the word.

    >>> signed(-0.052), signed(-0.0001)
    ('-5.2', '+0.0')
    """
    return f"{100 * difference:+z.{digits}f}"


@dataclass(frozen=True)
class WorstClass:
    """The class whose recall falls most, of those with enough test rows."""

    label: str
    rows: int
    recall: float
    change: float

    @property
    def loses(self) -> bool:
        """Whether its recall falls at all, in whole points."""
        return round(100 * self.change) < 0

    @property
    def words(self) -> str:
        """What happens to it."""
        if not self.loses:
            return f"no class with {FEWEST_TEST_ROWS} test rows or more loses a point of recall"
        rows = "1 test row" if self.rows == 1 else f"{self.rows} test rows"
        return (
            f"worst class {self.label}, recall {self.recall:.0%} ({in_points(self.change, 0)}) on "
            f"{rows}"
        )


@dataclass(frozen=True)
class Recommendation:
    """What one way of pruning can be trusted with.

    `fraction` is None where no tested fraction is safe. `judged` is that fraction, or else the
    smallest tested one: `loss` is the accuracy of the models pruned by so much minus that of the
    unpruned ones, and `worst` what it does to the classes.
    """

    curve: Curve
    tolerance: float
    fraction: float | None
    judged: float
    loss: Difference
    worst: WorstClass | None

    @property
    def words(self) -> str:
        """The recommendation in one sentence."""
        low, high = (f"{100 * end:+.1f}" for end in (self.loss.low, self.loss.high))
        interval = f"accuracy {in_points(self.loss.mean)}, between {low} and {high}"
        if self.fraction is None:
            return (
                f"No safe fraction: even {self.judged:.0%}, the smallest tested, may cost more "
                f"({interval})."
            )
        return f"Up to {self.fraction:.0%} may go ({interval})."

    @property
    def remark(self) -> str:
        """What to know of the interval: what it leaves out, or what would narrow it; or nothing."""
        if self.loss.seeds == 1:
            return "One seed: the interval is over other test rows only, not over other seeds."
        if self.fraction is not None or self.loss.mean < -self.tolerance:
            return ""
        narrower = "seeds" if self.loss.by_seed.low < self.loss.by_row.low else "test rows"
        return f"The mean is within what you allow, its interval is not: more {narrower} narrow it."


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
        judged=point.fraction,
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
