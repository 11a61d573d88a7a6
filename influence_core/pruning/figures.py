"""What an experiment found, as tables: of its models, its curves, its classes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.pruning.cells import Curve
from influence_core.pruning.efficiency import relative_change, sigma
from influence_core.pruning.evidence import Difference, compare
from influence_core.pruning.experiment import Experiment, Outcome
from influence_core.store.state import dataset_of
from influence_core.training.outlook import read_examples

if TYPE_CHECKING:
    import pandas as pd

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

RANDOM = Curve("random")
SEED_OF_DRAWS = 0


@dataclass(frozen=True)
class Point:
    """All models of one curve at one fraction; those of the whole data have no curve."""

    curve: Curve | None
    fraction: float


class Findings:
    """What the trained cells of an experiment say about pruning; missing ones are left out.

    Every comparison is of models with equal seeds: they began with the same weights.
    """

    def __init__(self, experiment: Experiment) -> None:
        names = dataset_of(experiment.run).label_names
        examples = read_examples(experiment.run, names)
        test = examples.splits == "test"
        self.label_names = names
        self.truth: Integers = examples.labels[test]
        self._equal = experiment.manifest().settings.equal
        self._outcomes: dict[Point, dict[int, Outcome]] = defaultdict(dict)
        for outcome in experiment.outcomes():
            cell = outcome.cell
            self._outcomes[Point(cell.curve, cell.fraction)][cell.seed] = outcome

    @property
    def points(self) -> list[Point]:
        """Points of which at least one model is there, in the order of the grid."""
        return list(self._outcomes)

    @cached_property
    def whole(self) -> Point:
        """The point of the unpruned models."""
        return Point(None, 0.0)

    def cells(self) -> pd.DataFrame:
        """Return a row for each trained model.

        Columns: curve, strategy, score, normalise, fraction, seed, rows, steps, seconds, accuracy,
        macro_f1 (over the classes among the test rows) and error (1 − accuracy).
        """
        import pandas as pd

        outcomes = [one for by_seed in self._outcomes.values() for one in by_seed.values()]
        return pd.DataFrame([self._row(outcome) for outcome in outcomes])

    def curves(self) -> pd.DataFrame:
        """Return a row for each point, its models averaged.

        Columns: curve, strategy, score, normalise, fraction, seeds, rows; mean and `_std` (sample
        standard deviation over seeds, NaN for one) of accuracy, macro_f1, error and seconds;
        error_change (relative to the unpruned models of the same seeds) and sigma, each with its
        `_std`; rows_saved, and seconds_saved of training one model, both against the mean of the
        unpruned ones. With equal steps nothing but the rows is saved: seconds_saved is 0.
        """
        import pandas as pd

        table = pd.DataFrame([self._point(point) for point in self.points])
        return table if table.empty else self._with_savings(table)

    def comparisons(self) -> pd.DataFrame:
        """Return a row for each point and what it is compared with: 'random' or 'full'.

        Columns: curve, fraction, against; mean, low and high of the difference in accuracy (see
        `Difference`, 95%), verdict, seeds, and mcnemar (the p-value, NaN for several seeds).
        """
        import pandas as pd

        compared = {"random": self.against_random, "full": self.against_whole}
        rows = [
            _said(point, against, difference)
            for point, (against, compare_with) in product(self.points, compared.items())
            if _named(point.curve)["curve"] not in (against, "full")
            and (difference := compare_with(point)) is not None
        ]
        return pd.DataFrame(rows)

    def recalls(self, point: Point) -> pd.DataFrame:
        """Return a row for each class among the test rows: label, rows, recall, whole, change.

        `recall` is averaged over the models of the point, `whole` over the unpruned ones.
        """
        import pandas as pd

        classes, support = np.unique(self.truth, return_counts=True)
        here, whole = (self._recall(self.correct(one), classes) for one in (point, self.whole))
        names = [self.label_names[index] for index in classes]
        return pd.DataFrame(
            {
                "label": names,
                "rows": support,
                "recall": here,
                "whole": whole,
                "change": here - whole,
            }
        )

    def seeds(self, point: Point) -> tuple[int, ...]:
        """Return the seeds of the models of a point, ascending."""
        return tuple(sorted(self._outcomes.get(point, {})))

    def predicted(self, point: Point, seeds: Iterable[int] | None = None) -> Integers:
        """Return the class index that each model says of each test row (S, T)."""
        by_seed = self._outcomes.get(point, {})
        wanted = list(by_seed) if seeds is None else list(seeds)
        said = [by_seed[seed].predicted for seed in wanted]
        return np.stack(said) if said else np.zeros((0, len(self.truth)), np.int64)

    def correct(self, point: Point, seeds: Iterable[int] | None = None) -> Flags:
        """Return whether each model is right about each test row (S, T)."""
        right: Flags = self.predicted(point, seeds) == self.truth
        return right

    def compare(self, point: Point, other: Point) -> Difference | None:
        """Compare the models of two points; None where they share no seed."""
        seeds = sorted(set(self._outcomes.get(point, {})) & set(self._outcomes.get(other, {})))
        if not seeds:
            return None
        generator = np.random.default_rng(SEED_OF_DRAWS)
        return compare(self.correct(point, seeds), self.correct(other, seeds), generator)

    def against_random(self, point: Point) -> Difference | None:
        """Compare with models of as many rows drawn at random."""
        return self.compare(point, Point(RANDOM, point.fraction))

    def against_whole(self, point: Point) -> Difference | None:
        """Compare with the unpruned models."""
        return self.compare(point, self.whole)

    def _with_savings(self, table: pd.DataFrame) -> pd.DataFrame:
        whole = table.loc[table["curve"] == "full", ["rows", "seconds"]].mean()
        saved = whole["seconds"] - table["seconds"]
        return table.assign(
            rows_saved=whole["rows"] - table["rows"],
            seconds_saved=saved if self._equal == "epochs" else 0.0,
        )

    def _row(self, outcome: Outcome) -> dict[str, object]:
        from sklearn.metrics import f1_score

        accuracy = float((outcome.predicted == self.truth).mean())
        macro_f1 = f1_score(
            self.truth,
            outcome.predicted,
            labels=np.unique(self.truth),
            average="macro",
            zero_division=0,
        )
        return {
            **_named(outcome.cell.curve),
            "fraction": outcome.cell.fraction,
            "seed": outcome.cell.seed,
            "rows": outcome.rows,
            "steps": outcome.steps,
            "seconds": outcome.seconds,
            "accuracy": accuracy,
            "macro_f1": float(macro_f1),
            "error": 1 - accuracy,
        }

    def _point(self, point: Point) -> dict[str, object]:
        import pandas as pd

        rows = pd.DataFrame([self._row(one) for one in self._outcomes[point].values()])
        change = self._change(point)
        figures: dict[str, object] = {
            **_named(point.curve),
            "fraction": point.fraction,
            "seeds": len(rows),
            "rows": int(rows["rows"].iloc[0]),
        }
        for name in ("accuracy", "macro_f1", "error", "seconds"):
            figures |= _mean(name, rows[name].to_numpy())
        efficiency = sigma(change, point.fraction) if point.curve else np.full(len(change), np.nan)
        return figures | _mean("error_change", change) | _mean("sigma", efficiency)

    def _change(self, point: Point) -> npt.NDArray[np.float64]:
        """Return the relative change of the error of each model that has an unpruned twin."""
        seeds = sorted(set(self._outcomes[point]) & set(self._outcomes.get(self.whole, {})))
        errors, whole = (1 - self.correct(one, seeds).mean(axis=1) for one in (point, self.whole))
        return relative_change(errors, whole)

    def _recall(self, correct: Flags, classes: Integers) -> npt.NDArray[np.float64]:
        right = correct.mean(axis=0) if len(correct) else np.full(len(self.truth), np.nan)
        return np.array([right[self.truth == index].mean() for index in classes])


def _named(curve: Curve | None) -> dict[str, object]:
    return {
        "curve": curve.name if curve else "full",
        "strategy": curve.strategy if curve else None,
        "score": curve.score if curve else None,
        "normalise": curve.normalise if curve else None,
    }


def _said(point: Point, against: str, difference: Difference) -> dict[str, object]:
    return {
        "curve": _named(point.curve)["curve"],
        "fraction": point.fraction,
        "against": against,
        "mean": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "verdict": difference.verdict,
        "seeds": difference.seeds,
        "mcnemar": difference.mcnemar,
    }


def _mean(name: str, values: npt.NDArray[np.float64]) -> dict[str, float]:
    many = len(values) > 1
    return {
        name: float(values.mean()) if len(values) else float("nan"),
        f"{name}_std": float(values.std(ddof=1)) if many else float("nan"),
    }
