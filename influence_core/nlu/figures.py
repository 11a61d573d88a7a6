"""What an experiment with stacks found, as tables: overall, by domain, and of the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from influence_core.nlu.entropy import domain_entropies
from influence_core.nlu.experiment import Outcome, StackExperiment
from influence_core.nlu.material import Material, material_of
from influence_core.nlu.metrics import COUNTS, ERRORS, by_group, rates, row_counts
from influence_core.nlu.settings import Technique
from influence_core.nlu.slots import Interpretation
from influence_core.pruning.efficiency import relative_change, sigma

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Point = tuple[Technique | None, float]

WHOLE: Point = (None, 0.0)


class StackFindings:
    """What the trained stacks of an experiment say; missing ones are left out.

    Every change is between stacks with equal seeds: they began with the same weights.
    """

    def __init__(self, experiment: StackExperiment) -> None:
        self.experiment = experiment
        self._outcomes: dict[Point, dict[int, Outcome]] = defaultdict(dict)
        for outcome in experiment.outcomes():
            cell = outcome.cell
            self._outcomes[cell.technique, cell.fraction][cell.seed] = outcome

    @cached_property
    def material(self) -> Material:
        """What the stacks were trained on."""
        settings = self.experiment.manifest().settings
        return material_of(self.experiment.run, settings, self.experiment.private_folder)

    @cached_property
    def truth(self) -> list[Interpretation]:
        """What is meant by the test rows."""
        return [self.material.truth[row] for row in self.material.test_rows]

    @cached_property
    def domains(self) -> list[str]:
        """True domain of each test row."""
        return [one.domain for one in self.truth]

    @property
    def points(self) -> list[Point]:
        """Techniques and fractions of which at least one stack is there, in the grid's order."""
        return list(self._outcomes)

    @property
    def pruned(self) -> list[Point]:
        """Those of them that are not of all rows."""
        return [point for point in self.points if point != WHOLE]

    def outcomes(self, point: Point) -> list[Outcome]:
        """Return what the stacks of a point left, in the order of their seeds."""
        return [outcome for _, outcome in sorted(self._outcomes[point].items())]

    def paired(self, first: Point, second: Point = WHOLE) -> tuple[list[int], list[int]]:
        """Return which stacks of a point, and which of another, have equal seeds, pair by pair."""
        ours, theirs = (sorted(self._outcomes[one]) for one in (first, second))
        seeds = [seed for seed in ours if seed in theirs]
        return [ours.index(seed) for seed in seeds], [theirs.index(seed) for seed in seeds]

    def counts(self, point: Point) -> Integers:
        """Return what is wrong of each test row by the stacks of a point (S, rows, `COUNTS`)."""
        if point not in self._counted:
            texts = [one.text for one in self.truth]
            told = [row_counts(self.truth, one.understood(texts)) for one in self.outcomes(point)]
            self._counted[point] = np.stack(told)
        return self._counted[point]

    def stacks(self) -> pd.DataFrame:
        """Return a row for each stack: technique, fraction, seed, rows, seconds and its rates."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "technique": point[0],
                    "fraction": point[1],
                    "seed": one.cell.seed,
                    "rows": sum(one.rows.values()),
                    "seconds": one.seconds,
                    **{name: float(rate) for name, rate in rates(counts.sum(axis=0)).items()},
                }
                for point in self.points
                for one, counts in zip(self.outcomes(point), self.counts(point), strict=True)
            ]
        )

    def whole(self) -> pd.DataFrame:
        """Return rows and rates of the stacks of all rows, overall (no domain) and by domain.

        Rates are those of the sums over seeds.
        """
        return self.whole_by("domain", self.domains)

    def whole_by(self, name: str, groups: Sequence[str]) -> pd.DataFrame:
        """Return the same by other groups of the test rows (T,), under that name."""
        counts = self.counts(WHOLE)
        table = by_group(np.concatenate(counts), [*groups] * len(counts), name)
        sums = [name for name in COUNTS if name in table]
        table[sums] = table[sums] / len(counts)
        return table

    def changes(self) -> pd.DataFrame:
        """Return how the error rates change with pruning, one row a technique and fraction.

        Columns: technique, fraction, seeds, and for each error rate its relative change against the
        stacks of all rows, mean over seeds, `<rate>_std` its population standard deviation, and
        `<rate>_sigma`, its data-score efficiency.
        """
        import pandas as pd

        return pd.DataFrame([self.change(point) for point in self.pruned])

    def changes_by_domain(self, points: Iterable[Point] | None = None) -> pd.DataFrame:
        """Return the same by domain: technique, fraction, domain, rows, share and error rates.

        `share` is the relative change of the domain's share of the training rows, `rows` those of
        the test. A rate without errors before has no relative change, nor has the share of a domain
        that only test rows have.
        """
        told = self.changes_by("domain", self.domains, self.material.domain_names, points)
        if told.empty:
            return told
        named = zip(told["technique"], told["fraction"], told["domain"], strict=True)
        shares = [self._share_change((one, part), domain) for one, part, domain in named]
        return told.assign(share=shares)

    def changes_by(
        self,
        name: str,
        groups: Sequence[str],
        order: Sequence[str],
        points: Iterable[Point] | None = None,
    ) -> pd.DataFrame:
        """Return changes by groups of the test rows (T,), under that name and in an order.

        `points` are those that are told, all that are pruned by default. There is no σ: a group
        loses another share of its rows than is pruned of all.
        """
        import pandas as pd

        members, lines = np.array(groups), []
        for point in self.pruned if points is None else points:
            for group in order:
                inside = members == group
                change = self.change(point, inside)
                lines.append({**change, name: group, "rows": int(inside.sum())})
        table = pd.DataFrame(lines)
        return table.drop(columns=[f"{rate}_sigma" for rate in ERRORS], errors="ignore")

    def shares(self) -> pd.DataFrame:
        """Return the share of each domain in the training rows: technique, fraction, domain, share.

        The first rows, without a technique, are of all rows.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "technique": point[0],
                    "fraction": point[1],
                    "domain": domain,
                    "share": self._share(point, domain),
                }
                for point in self.points
                for domain in self.material.domain_names
            ]
        )

    def entropies(self) -> pd.DataFrame:
        """Return rows, intents and both entropies of every domain's training rows."""
        return domain_entropies([self.material.truth[row] for row in self.material.train_rows])

    def confusion(self, point: Point = WHOLE) -> pd.DataFrame:
        """Return how many rows of a domain (index) are taken for which (columns), mean a stack."""
        import pandas as pd

        names = self.material.domain_names
        place = {name: number for number, name in enumerate(names)}
        counted = np.zeros((len(names), len(names)))
        for one in self.outcomes(point):
            for true, told in zip(self.domains, one.domains, strict=True):
                counted[place[true], place[told]] += 1
        return pd.DataFrame(counted / len(self.outcomes(point)), index=names, columns=names)

    def change(
        self, point: Point, inside: npt.NDArray[np.bool_] | None = None
    ) -> dict[str, object]:
        """Return a line of `changes`, on the test rows `inside` (T,), or on all of them."""
        mine, base = self.paired(point)
        after, before = self._rates(point, mine, inside), self._rates(WHOLE, base, inside)
        line: dict[str, object] = {
            "technique": point[0],
            "fraction": point[1],
            "seeds": len(mine),
        }
        for name in ERRORS:
            change = relative_change(after[name], before[name])
            mean = float(change.mean()) if len(change) else float("nan")
            line[name] = mean
            line[f"{name}_std"] = float(change.std()) if len(change) else float("nan")
            line[f"{name}_sigma"] = float(sigma(mean, point[1]))
        return line

    @cached_property
    def _counted(self) -> dict[Point, Integers]:
        return {}

    def _rates(
        self, point: Point, places: list[int], inside: npt.NDArray[np.bool_] | None
    ) -> dict[str, Floats]:
        counts = self.counts(point)[places]
        return rates((counts if inside is None else counts[:, inside]).sum(axis=1))

    def _share_change(self, point: Point, domain: str) -> float:
        before = self._share(WHOLE, domain)
        return self._share(point, domain) / before - 1 if before else float("nan")

    def _share(self, point: Point, domain: str) -> float:
        """Return the share of a domain in the rows that stacks of a point learnt from, a mean."""
        told = [one.rows[domain] / sum(one.rows.values()) for one in self.outcomes(point)]
        return float(np.mean(told))
