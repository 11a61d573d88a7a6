"""What is compared: the answers of a run, or of the models of a pruning experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from influence_core.errors import ConfigError, RunError, rule
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.figures import Findings, Point
from influence_core.store.run import Run, open_run
from influence_core.store.state import dataset_of
from influence_core.store.units import read_units

Names = npt.NDArray[np.object_]

FULL = "full"
"""What the models on unpruned data are called."""


@dataclass(frozen=True)
class Side:
    """The answers of one or several models to the test rows of a run.

    `ids`, `texts` (both texts of a pair, joined) and `truth` are of each test row (T,), `predicted`
    those of each model and row (S, T); labels are names. Rows of one number in `units` (T,) belong
    together. `seeds` (S,) are those of an experiment's models.
    """

    title: str
    run: Run
    ids: Names
    texts: Names
    truth: Names
    predicted: Names
    units: npt.NDArray[np.int64]
    seeds: tuple[int, ...] = ()

    def only(self, seeds: Sequence[int]) -> Side:
        """Return the side with the models of some of its seeds, in their order."""
        places = [self.seeds.index(seed) for seed in seeds]
        return replace(self, predicted=self.predicted[places], seeds=tuple(seeds))


def parse(address: str, root: Path | None = None) -> Side:
    """Return the side that `RUN` or `RUN/EXPERIMENT/CURVE@FRACTION` names.

    >>> split_address("demo/half/vog-class-easy@0.45")
    ('demo', 'half', 'vog-class-easy', 0.45)

    Raises:
        ConfigError: the address is not written like this, or the experiment has no such models.
        RunNotFound: there is no such run or experiment.
        RunError: the run has no predictions for test rows.
    """
    name, experiment, curve, fraction = split_address(address)
    run = open_run(name, root)
    if experiment is None:
        return of_run(run)
    return of_point(Experiment.open(run, experiment), str(curve), fraction)


def split_address(address: str) -> tuple[str, str | None, str | None, float]:
    """Take an address apart; see `parse`.

    Raises:
        ConfigError: it is not written like that.
    """
    parts = address.split("/")
    if len(parts) == 1:
        return address, None, None, 0.0
    curve, _, share = parts[-1].partition("@")
    try:
        fraction = float(share or 0)
    except ValueError:
        fraction = -1.0
    if len(parts) != 3 or not 0 <= fraction < 1:
        must = "be a run, or RUN/EXPERIMENT/CURVE@FRACTION as demo/pruning/random@0.5"
        raise ConfigError(rule("side", must, address))
    return parts[0], parts[1], curve, fraction


def of_run(run: Run) -> Side:
    """Return what the final model of a run says of its test rows.

    Raises:
        RunError: the run has no predictions, or no test rows.
    """
    import pyarrow.parquet as pq

    if not run.predictions_file.exists():
        raise RunError(f"{run.title} has no predictions: finish it with `influence run --resume`.")
    said = pq.read_table(run.predictions_file, columns=["row", "predicted"])
    rows, tested = said["row"].to_numpy(), _tested(run)
    answers, answered = np.empty(len(tested), dtype=object), np.zeros(len(tested), np.bool_)
    answers[rows], answered[rows] = said["predicted"].to_numpy(), True
    tested = tested & answered
    if not tested.any():
        raise RunError(f"{run.title} has no predictions for its test rows.")
    return _side(run, run.title, tested, answers[tested][np.newaxis])


def of_point(experiment: Experiment, curve: str, fraction: float) -> Side:
    """Return what the models of a curve at a fraction say; the curve 'full' has one point.

    Raises:
        ConfigError: the experiment has no model of it (yet).
    """
    findings = Findings(experiment)
    point = _point(findings, curve, fraction)
    run = experiment.run
    names = np.array(dataset_of(run).label_names, dtype=object)
    where = f" at {fraction:.0%} pruned" if point.curve else ""
    title = f"{experiment.title}, {curve}{where}"
    seeds = findings.seeds(point)
    side = _side(run, title, _tested(run), names[findings.predicted(point, seeds)])
    return replace(side, seeds=seeds)


def _point(findings: Findings, curve: str, fraction: float) -> Point:
    has = {_name(point): point for point in findings.points}
    wanted = curve if curve == FULL else f"{curve}@{fraction:g}"
    if wanted not in has:
        listed = ", ".join(has) or "none yet"
        raise ConfigError(rule("side", f"name models that are there ({listed})", wanted))
    return has[wanted]


def _name(point: Point) -> str:
    return f"{point.curve.name}@{point.fraction:g}" if point.curve else FULL


def _tested(run: Run) -> npt.NDArray[np.bool_]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    split = pq.read_table(run.examples_file, columns=["split"])["split"]
    tested: npt.NDArray[np.bool_] = pc.equal(split, "test").to_numpy()
    if not tested.any():
        raise RunError(
            f"{run.title} has no test rows to be judged by. Make it from data with a split "
            "column, or let `influence run` hold some out."
        )
    return tested


def _side(run: Run, title: str, tested: npt.NDArray[np.bool_], predicted: Names) -> Side:
    import pyarrow.parquet as pq

    table = pq.read_table(run.examples_file, columns=["id", "text", "text_pair", "label"])
    kept = table.filter(tested).to_pydict()
    pairs = zip(kept["text"], kept["text_pair"], strict=True)
    return Side(
        title=title,
        run=run,
        ids=np.array(kept["id"], dtype=object),
        texts=np.array(["\x1f".join(filter(None, pair)) for pair in pairs], dtype=object),
        truth=np.array(kept["label"], dtype=object),
        predicted=predicted,
        units=read_units(run, dataset_of(run).group, "test"),
    )


def other_texts(first: str, second: str, differ: int, shared: int, split: str) -> RunError:
    """Return the refusal of sides that give `differ` of the ids they share to different texts."""
    return RunError(
        f"{first} and {second} are not of the same data: {differ:,} of {shared:,} ids of {split} "
        "rows stand for different texts."
    )
