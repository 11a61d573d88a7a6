"""What a report tells of pruning: how much can go, by which way, at what cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from influence_core.pruning.cells import Curve
from influence_core.pruning.evidence import Difference
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.figures import Findings, Point
from influence_core.pruning.recommend import Recommendation, WorstClass, recommend
from influence_core.pruning.trust import shortfall
from influence_core.report.about_run import pruning_command
from influence_core.report.wording import count, counted, percent, points, short
from influence_core.scores.registry import ScoreSpec, specs_of
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

_CHOSEN = {
    "easy": "easiest rows by {score}",
    "hard": "hardest rows by {score}",
    "both": "both ends by {score}",
    "softmax": "mostly easy rows by {score}, drawn by softmax",
    "linear": "mostly easy rows by {score}, drawn in proportion",
    "random": "rows at random",
    "stratified": "rows at random in each class",
}
_COMPARED = {"raw": "", "class": ", within each class", "dataset": ", over all classes"}


AGAINST_RANDOM = {
    "better": "is better than dropping as many at random",
    "worse": "is worse than dropping as many at random",
    "undecided": "is not for certain better than dropping as many at random",
}
"""What dropping by a score is, by the verdict on it."""


@dataclass(frozen=True)
class Way:
    """A way of pruning, and what is known of it.

    `fraction` is the largest share that can go, None where no tested one can; `tested` is the share
    that `loss`, `against_random` and `worst` speak of. `further` is the next share that was tested,
    with its loss.
    """

    curve: str
    phrase: str
    scored: bool
    fraction: float | None
    tested: float
    loss: Difference
    against_random: Difference | None
    worst: WorstClass | None
    further: tuple[float, Difference] | None


@dataclass(frozen=True)
class PruningFacts:
    """What one experiment says; `ways` come with the one that lets most rows go first.

    `points` are those of `Findings.curves`; `trained` of `planned` models are there. `doubt` says
    why an estimate is no guide, where it is not.
    """

    name: str
    measured: bool
    seeds: int
    train_rows: int
    test_rows: int
    trained: int
    planned: int
    tolerance: float
    whole: float
    whole_std: float
    points: pd.DataFrame
    ways: tuple[Way, ...]
    command: str
    doubt: str = ""

    @property
    def best(self) -> Way | None:
        """The way that lets most rows go, at the least cost."""
        return self.ways[0] if self.ways else None

    @property
    def how(self) -> str:
        """What to drop, and whether that is better than chance, in one or two sentences."""
        best = self.best
        return "" if best is None else f"Best dropped: {best.phrase}.{_compared(best)}"

    @property
    def sure(self) -> str:
        """How the figures were come by, in one sentence."""
        models = f"{counted(self.trained, 'model')}, {counted(self.seeds, 'seed')} each"
        left = f" of {count(self.planned)} planned" if self.trained < self.planned else ""
        how = "measured on fully trained models" if self.measured else "an estimate with probes"
        return (
            f"{how}: {models}{left}, judged on {counted(self.test_rows, 'test row')} that none of "
            f"them learnt from."
        )

    @property
    def answer(self) -> str:
        """How much can go, in one or two sentences."""
        best = self.best
        if best is None:
            return "Models are still being trained; there is nothing to say yet."
        told = _nothing(best, self.tolerance) if best.fraction is None else _something(best)
        if self.measured:
            return told
        how = "By an estimate that may not hold" if self.doubt else "By estimate"
        return f"{how}, {told[:1].lower()}{told[1:]}"


def about_pruning(run: Run, tolerance: float) -> list[PruningFacts]:
    """Read every pruning experiment of a run that has models, the most reliable first."""
    entries = specs_of(run.manifest())
    found = [_read(one, entries, tolerance) for one in Experiment.of(run)]
    known = [one for one in found if one is not None]
    return sorted(known, key=lambda one: (not one.ways, not one.measured))


def phrase(curve: Curve, entries: Mapping[str, ScoreSpec]) -> str:
    """Word what a way of pruning drops, for readers who do not know its name."""
    score = curve.score or ""
    label = entries[score].label if score in entries else score
    return _CHOSEN[curve.strategy].format(score=label) + _COMPARED.get(curve.normalise or "raw", "")


def change(difference: Difference) -> str:
    """Word a difference in accuracy and its 95% interval, in points: `−1.5 (−2.2 to −0.8)`."""
    return f"{points(difference.mean)} ({interval(difference)})"


def interval(difference: Difference) -> str:
    """Word the 95% interval of a difference, in points."""
    return f"{points(difference.low)} to {points(difference.high)}"


def cost(loss: Difference) -> str:
    """Word what pruning costs: `costs 1.5 points of accuracy (0.8 to 2.2)`."""
    gained = loss.mean > 0
    mean, ends = abs(loss.mean), (loss.low, loss.high) if gained else (-loss.high, -loss.low)
    low, high = (points(end).removeprefix("+") for end in ends)
    verb = "gains" if gained else "costs"
    return f"{verb} {points(mean).removeprefix('+')} points of accuracy ({low} to {high})"


def pays(worst: WorstClass) -> str:
    """Word what happens to the class that loses most."""
    return (
        f"“{short(worst.label, 40)}” pays most: {percent(worst.recall, 0)} of its "
        f"{counted(worst.rows, 'test row')} are right, {percent(worst.recall - worst.change, 0)} "
        "with all rows."
    )


def _read(
    experiment: Experiment, entries: Mapping[str, ScoreSpec], tolerance: float
) -> PruningFacts | None:
    findings, manifest = Findings(experiment), experiment.manifest()
    curves = findings.curves()
    if curves.empty:
        return None
    whole = curves[curves["curve"] == "full"]
    advice = recommend(findings, tolerance)
    ways = [_way(findings, one, entries) for one in advice]
    settings, doubt = manifest.settings, shortfall(experiment, findings)
    return PruningFacts(
        name=experiment.name,
        measured=settings.mode == "finetune",
        seeds=settings.seeds,
        train_rows=manifest.train_rows,
        test_rows=len(findings.truth),
        trained=int(curves["seeds"].sum()),
        planned=len(experiment.cells()),
        tolerance=tolerance,
        whole=float(whole["accuracy"].iloc[0]) if len(whole) else float("nan"),
        whole_std=float(whole["accuracy_std"].iloc[0]) if len(whole) else float("nan"),
        points=curves,
        ways=tuple(sorted(ways, key=lambda one: (-(one.fraction or 0.0), -one.loss.mean))),
        command=pruning_command(experiment.run.name, experiment.name, settings),
        doubt=doubt.words if doubt else "",
    )


def _way(findings: Findings, advice: Recommendation, entries: Mapping[str, ScoreSpec]) -> Way:
    of_curve = [point for point in findings.points if point.curve == advice.curve]
    tested = advice.judged
    scored = advice.curve.score is not None
    point = Point(advice.curve, tested)
    return Way(
        curve=advice.curve.name,
        phrase=phrase(advice.curve, entries),
        scored=scored,
        fraction=advice.fraction,
        tested=tested,
        loss=advice.loss,
        against_random=findings.against_random(point) if scored else None,
        worst=advice.worst,
        further=_further(findings, of_curve, tested),
    )


def _further(
    findings: Findings, of_curve: list[Point], tested: float
) -> tuple[float, Difference] | None:
    for point in of_curve:
        loss = findings.against_whole(point)
        if point.fraction > tested and loss is not None:
            return point.fraction, loss
    return None


def _something(best: Way) -> str:
    told = f"{percent(best.fraction, 0)} of the rows can go: dropping them {cost(best.loss)}."
    if best.further is None:
        return f"{told} More was not tried."
    share, loss = best.further
    return f"{told} {percent(share, 0)} may be too much: that {cost(loss)}."


def _nothing(best: Way, tolerance: float) -> str:
    limit = points(tolerance).removeprefix("+")
    return (
        f"At best, dropping {percent(best.tested, 0)} of the rows {cost(best.loss)}. A loss of "
        f"more than the {limit} points allowed cannot be ruled out, and less was not tried."
    )


def _compared(best: Way) -> str:
    """Say whether the score earns its keep, at the share that `loss` speaks of."""
    against = best.against_random
    if against is None:
        return ""
    told = AGAINST_RANDOM[against.verdict]
    return f" That {told} ({points(against.mean)} points; {interval(against)})."
