"""What pruning does to rare classes, by normalisation, with and without a floor.

The training rows of a balanced file are thinned until class sizes fall as 1 / rank, the ranks drawn
from a seed; the test rows stay balanced, so that every class is judged by as many. Heads are then
trained on what VoG and EL2N leave, `influence prune`'s own cells.

    python -m benchmarks.imbalance FOLDER --train train.csv --test test.csv --label intent
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.pairing import machine
from influence_core import pipeline
from influence_core.config import (
    ComputeSettings,
    DataSettings,
    RunSettings,
    ScoringSettings,
    TrainingSettings,
)
from influence_core.pruning.cells import Cell
from influence_core.pruning.experiment import Experiment
from influence_core.pruning.figures import Findings, Point
from influence_core.pruning.measure import prune
from influence_core.pruning.settings import ExperimentSettings
from influence_core.selection.retention import retention_of
from influence_core.selection.select import select
from influence_core.store.run import Run

SHARED = Path(__file__).parents[2] / "shared" / "data"
LARGEST, FEWEST, SEED = 100, 4, 0
RARE = 0.4
"""Share of the classes that count as rare, and as frequent."""

TRAINING = TrainingSettings(epochs=20, batch_size=16)
FRACTIONS, FLOORS = (0.3, 0.5, 0.7), (0, 1)


def thinned(rows: pd.DataFrame, label: str, generator: np.random.Generator) -> pd.DataFrame:
    """Keep `LARGEST` / rank rows of every class, at least `FEWEST`; ranks and rows are drawn."""
    ranked = generator.permutation(sorted(rows[label].unique()))
    sizes = {name: max(FEWEST, round(LARGEST / rank)) for rank, name in enumerate(ranked, 1)}
    shuffled = rows.iloc[generator.permutation(len(rows))]
    place = shuffled.groupby(label).cumcount()
    return shuffled[place < shuffled[label].map(sizes)].sort_index()


def skewed(folder: Path, train: Path, test: Path, label: str) -> Run:
    """Train a probe on thinned rows."""
    source = folder / "skewed.parquet"
    kept = thinned(pd.read_csv(train), label, np.random.default_rng(SEED))
    parts = [kept.assign(split="train"), pd.read_csv(test).assign(split="test")]
    pd.concat(parts).to_parquet(source)
    settings = RunSettings(
        data=DataSettings(source=str(source), label=label, split="split", min_class_size=1),
        training=TRAINING,
        scoring=ScoringSettings(scores=("vog", "el2n")),
    )
    return pipeline.run(name="skewed", settings=settings, root=folder / "runs")


def experiment(run: Run, floor: int) -> Experiment:
    """Train heads on what is left, every class protected by a floor."""
    settings = ExperimentSettings(
        scores=("vog", "el2n"),
        strategies=("easy", "random", "stratified"),
        normalise=("class", "dataset"),
        fractions=FRACTIONS,
        floor=floor,
    )
    return prune(run, settings, name=f"floor-{floor}", compute=ComputeSettings())


def lines(experiment: Experiment) -> Iterator[dict[str, object]]:
    """Yield for every point what is left of rare and of frequent classes, and their recall."""
    run, settings, findings = experiment.run, experiment.manifest().settings, Findings(experiment)
    for point in findings.points:
        kept = _kept(run, settings, point).sort_values(["before", "value"], kind="stable")
        few = round(RARE * len(kept))
        recalls = findings.recalls(point).set_index("label")["recall"]
        rare, frequent = kept.head(few), kept.tail(few)
        yield {
            "floor": settings.floor,
            "curve": point.curve.name if point.curve else "full",
            "pruned": point.fraction,
            "lost": float((kept["kept"] == 0).sum()),
            "rare kept": rare["kept"].sum() / rare["before"].sum(),
            "frequent kept": frequent["kept"].sum() / frequent["before"].sum(),
            "recall": recalls.mean(),
            "rare recall": recalls[rare["value"]].mean(),
            "frequent recall": recalls[frequent["value"]].mean(),
        }


def _kept(run: Run, settings: ExperimentSettings, point: Point) -> pd.DataFrame:
    """Return what is kept of each class, of the draw of the first seed."""
    wanted = Cell(point.curve, point.fraction, settings.seed).selection(settings)
    if wanted is not None:
        return retention_of(run, select(run, wanted).kept)
    return retention_of(run, np.arange(run.manifest().dataset.rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=Path, default=SHARED / "clinc150_train.csv")
    parser.add_argument("--test", type=Path, default=SHARED / "clinc150_test.csv")
    parser.add_argument("--label", default="intent")
    asked = parser.parse_args()
    print(machine(), flush=True)
    run = skewed(asked.folder, asked.train, asked.test, asked.label)
    found = [line for floor in FLOORS for line in lines(experiment(run, floor))]
    table = pd.DataFrame(found)
    table.to_csv(asked.folder / "imbalance.csv", index=False)
    print(table.to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
