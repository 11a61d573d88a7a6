"""What a report tells of experiments on noisy data: how well wrong labels are found there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from influence_core.noisy import figures
from influence_core.noisy.experiment import NoisyExperiment
from influence_core.report.about_run import noisy_command
from influence_core.report.wording import percent
from influence_core.scores.registry import SCORES
from influence_core.store.run import Run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class NoisyShare:
    """A share of labels made wrong: what each finder found of them, and what accuracy was left.

    `found` is the share of the wrong labels among as many most suspicious rows, by the finder's
    name; by chance it would be `wrong`. `accuracy` is None until models were trained.
    """

    wrong: float
    found: dict[str, float]
    accuracy: float | None


@dataclass(frozen=True)
class NoisyFacts:
    """What one experiment on noisy data says, the least noisy copy first."""

    name: str
    kind: str
    seeds: int
    measured: bool
    shares: tuple[NoisyShare, ...]
    command: str

    @property
    def finders(self) -> list[str]:
        """Names of scores and of the consensus, the best on the least noisy copy first."""
        first = self.shares[0].found
        return sorted(first, key=lambda name: -first[name])

    @property
    def answer(self) -> str:
        """What was found of the wrong labels, in one sentence."""
        one = self.shares[len(self.shares) // 2]
        best = max(one.found, key=lambda name: one.found[name])
        return (
            f"With {percent(one.wrong)} of the labels made wrong on purpose, "
            f"{percent(one.found[best], 0)} of them are among as many rows that look most "
            f"suspicious to {best}; by chance it would be {percent(one.wrong, 0)}."
        )


def about_noisy(run: Run) -> list[NoisyFacts]:
    """Read every experiment on noisy data of a run in which wrong labels were looked for."""
    found = [_read(one) for one in NoisyExperiment.of(run)]
    return [one for one in found if one is not None]


def _read(experiment: NoisyExperiment) -> NoisyFacts | None:
    overlaps = figures.overlaps(experiment)
    if overlaps.empty:
        return None
    settings, accuracy = experiment.manifest().settings, _accuracy(experiment)
    shares = [
        NoisyShare(
            wrong=float(part["wrong_share"].iloc[0]),
            found=dict(zip(map(_name, part["name"]), part["recall"].astype(float), strict=True)),
            accuracy=accuracy.get(float(part["share"].iloc[0])),
        )
        for _, part in overlaps.groupby("share")
    ]
    return NoisyFacts(
        name=experiment.name,
        kind=settings.kind,
        seeds=settings.seeds,
        measured=settings.mode == "finetune",
        shares=tuple(shares),
        command=noisy_command(experiment.run.name, experiment.name, settings),
    )


def _accuracy(experiment: NoisyExperiment) -> dict[float, float]:
    """Return the accuracy of unpruned models by the share of labels that was drawn."""
    curves: pd.DataFrame = figures.curves(experiment)
    if curves.empty:
        return {}
    whole = curves[curves["curve"] == "full"]
    return dict(zip(whole["share"].astype(float), whole["accuracy"].astype(float), strict=True))


def _name(key: str) -> str:
    if key == figures.CONSENSUS:
        return "all detectors together"
    return SCORES[key].label if key in SCORES else key
