"""The cells of a pruning experiment: one trained model each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

from influence_core.config import TrainingSettings
from influence_core.pruning.settings import ExperimentSettings, StrategyName
from influence_core.selection.select import WITHOUT_SCORE, SelectionSettings
from influence_core.store.query import Normalise
from influence_core.training.schedule import enough_epochs, steps_in_epoch

_DRAWN: dict[StrategyName, dict[str, Any]] = {
    "easy": {"strategy": "cutoff", "prune": "easy"},
    "hard": {"strategy": "cutoff", "prune": "hard"},
    "both": {"strategy": "cutoff", "prune": "both"},
    "softmax": {"strategy": "softmax", "prune": "easy"},
    "linear": {"strategy": "linear", "prune": "easy"},
    "random": {"strategy": "random"},
    "stratified": {"strategy": "stratified"},
}


PROBE_STEPS = 1_000
"""Fewest optimisation steps of a probe on the whole data, unless epochs are asked for."""


@dataclass(frozen=True)
class Curve:
    """A way of pruning: the cells of one curve differ in their fraction and seed alone.

    `score` and `normalise` are None where no score decides.
    """

    strategy: StrategyName
    score: str | None = None
    normalise: Normalise | None = None

    @property
    def name(self) -> str:
        """Its name in tables and file names, as `vog-class-easy` or `random`."""
        return "-".join(part for part in (self.score, self.normalise, self.strategy) if part)


@dataclass(frozen=True)
class Cell:
    """A model to be trained on what its curve leaves at a fraction; on everything without one."""

    curve: Curve | None
    fraction: float
    seed: int

    @property
    def name(self) -> str:
        """Its name, which tells it from all cells of the experiment."""
        if self.curve is None:
            return f"full-seed{self.seed}"
        return f"{self.curve.name}-{self.fraction:g}-seed{self.seed}"

    def selection(self, settings: ExperimentSettings) -> SelectionSettings | None:
        """Return how the training rows are chosen; None where all stay.

        A cut-off draws nothing, so that it is the same for all seeds. What protects classes and
        clips suspicious rows belongs to the scores: the random curves stay what they are.
        """
        if self.curve is None:
            return None
        common = {"fraction": self.fraction, **_DRAWN[self.curve.strategy]}
        if self.curve.score is None:
            return SelectionSettings(**common, seed=self.seed)
        drawn = common["strategy"] != "cutoff"
        return SelectionSettings(
            **common,
            score=self.curve.score,
            normalise=self.curve.normalise or "raw",
            seed=self.seed if drawn else 0,
            **settings.model_dump(include={"per_class", "floor", "clip_suspicious", "clip_by"}),
        )


def cells(settings: ExperimentSettings) -> list[Cell]:
    """List all cells: the unpruned models first, then curve after curve."""
    seeds = range(settings.seed, settings.seed + settings.seeds)
    full = [Cell(None, 0.0, seed) for seed in seeds]
    fractions = sorted(set(settings.fractions))
    pruned = product(curves(settings), fractions, seeds)
    return [*full, *(Cell(curve, fraction, seed) for curve, fraction, seed in pruned)]


def curves(settings: ExperimentSettings) -> list[Curve]:
    """List the curves in the order in which they are asked for."""
    return list(dict.fromkeys(_curves(settings)))


def epochs_of(settings: ExperimentSettings, training: TrainingSettings, rows: int) -> int:
    """Return the epochs over the whole data of `rows` training rows.

    Without a wish they are those of the run. A probe's are as many more as its head takes to learn:
    one that has not compares how fast subsets are learnt, and prefers small ones.
    """
    if settings.epochs is not None:
        return settings.epochs
    fewest = PROBE_STEPS if settings.mode == "probe" else 0
    return enough_epochs(rows, training, fewest)


def steps_of(
    kept: int, rows: int, settings: ExperimentSettings, batch_size: int, epochs: int
) -> int:
    """Return the steps of a model that learns from `kept` of the training rows."""
    counted = rows if settings.equal == "steps" else kept
    return steps_in_epoch(counted, batch_size) * epochs


def _curves(settings: ExperimentSettings) -> Iterator[Curve]:
    if settings.curves:
        yield from map(_named, settings.curves)
        return
    for strategy in settings.strategies:
        if strategy in WITHOUT_SCORE:
            yield Curve(strategy)
            continue
        for score, normalise in product(settings.scores, settings.normalise):
            yield Curve(strategy, score, normalise)


def _named(name: str) -> Curve:
    """Return the curve that a `CurveName` means."""
    score, *drawn = name.rsplit("-", maxsplit=2)
    if not drawn:
        return Curve(cast(StrategyName, name))
    normalise, strategy = drawn
    return Curve(cast(StrategyName, strategy), score, cast(Normalise, normalise))
