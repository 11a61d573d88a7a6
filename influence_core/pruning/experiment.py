"""The folder of a pruning experiment: its settings, and what every cell left there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from influence_core.config import ComputeSettings
from influence_core.errors import RunError, RunExists, RunNotFound
from influence_core.pruning.cells import Cell, cells
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.files import atomic, write_parquet
from influence_core.store.run import Run, validate_name
from influence_core.store.workplace import WorkManifest, Workplace, new_version, now

_FACTS = b"outcome"


class ExperimentManifest(WorkManifest):
    """The contents of `experiment.json`.

    `encoder`, `epochs` and the counts of rows are those that models are trained and judged with,
    known once the work has begun.
    """

    settings: ExperimentSettings
    compute: ComputeSettings = ComputeSettings()
    encoder: str = ""
    epochs: int = 0
    train_rows: int = 0
    test_rows: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a cell left: `predicted` (test rows,) class indices, and what it took.

    `rows` were trained on, in `steps` optimisation steps and `seconds`; cells that were trained
    together share their seconds evenly by the work that each took. `embeddings` (test rows, D) are
    the pooled features of its encoder, where they are kept.
    """

    cell: Cell
    rows: int
    steps: int
    seconds: float
    predicted: npt.NDArray[np.int32]
    embeddings: npt.NDArray[np.float16] | None = None


@dataclass(frozen=True)
class Experiment(Workplace[ExperimentManifest]):
    """A handle on the folder of one experiment, `curves/<name>/` in that of its run."""

    @property
    def run(self) -> Run:
        """The run whose rows are pruned."""
        return Run(self.path.parent.parent)

    @property
    def manifest_file(self) -> Path:
        """`experiment.json`."""
        return self.path / "experiment.json"

    @property
    def manifest_type(self) -> type[ExperimentManifest]:
        """What `experiment.json` holds."""
        return ExperimentManifest

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"Experiment {self.name!r} of run {self.run.name!r}"

    @property
    def address(self) -> tuple[str, ...]:
        """Arguments by which a worker finds it."""
        return (self.run.name, "--experiment", self.name, "--root", str(self.run.path.parent))

    @property
    def cells_folder(self) -> Path:
        """`cells/`: one file a trained model."""
        return self.path / "cells"

    def file_of(self, cell: Cell) -> Path:
        """Return where the outcome of a cell lies once it is there."""
        return self.cells_folder / f"{cell.name}.parquet"

    def missing(self) -> list[Cell]:
        """List the cells that were not trained yet."""
        return [cell for cell in self.cells() if not self.file_of(cell).exists()]

    def cells(self) -> list[Cell]:
        """List all cells of the experiment."""
        return cells(self.manifest().settings)

    def keep(self, outcome: Outcome) -> None:
        """Write the outcome of a cell."""
        import pyarrow as pa

        if outcome.embeddings is not None:
            with atomic(self._embeddings_file(outcome.cell)) as partial:
                np.save(partial, outcome.embeddings, allow_pickle=False)
        facts = {"rows": outcome.rows, "steps": outcome.steps, "seconds": outcome.seconds}
        table = pa.table({"predicted": outcome.predicted})
        table = table.replace_schema_metadata({_FACTS: json.dumps(facts)})
        write_parquet(self.file_of(outcome.cell), table)

    def embeddings(self, cell: Cell) -> npt.NDArray[np.float16]:
        """Open the pooled features (test rows, D) of a fine-tuned cell, a memory map.

        The rows are those of the test split, in the order of the run's examples; a cell without a
        curve is an unpruned model.

        Raises:
            RunError: they were not kept, or the cell is not trained yet.
        """
        path = self._embeddings_file(cell)
        if not path.exists():
            raise RunError(
                f"{self.title} has no embeddings of {cell.name!r}: they are kept by fine-tuned "
                "models of an experiment with keep_embeddings."
            )
        stored: npt.NDArray[np.float16] = np.load(path, mmap_mode="r")
        return stored

    def _embeddings_file(self, cell: Cell) -> Path:
        return self.path / "embeddings" / f"{cell.name}.npy"

    def outcomes(self) -> Iterator[Outcome]:
        """Read what the trained cells left, in the order of the grid."""
        import pyarrow.parquet as pq

        for cell in self.cells():
            path = self.file_of(cell)
            if path.exists():
                table = pq.read_table(path)
                facts = json.loads(table.schema.metadata[_FACTS])
                predicted = table.column("predicted").to_numpy()
                yield Outcome(cell=cell, predicted=predicted, **facts)


def create_experiment(
    run: Run,
    name: str,
    settings: ExperimentSettings,
    compute: ComputeSettings | None = None,
) -> Experiment:
    """Make the folder of a new experiment.

    Raises:
        RunExists: the run has one of that name.
        RunError: the name is not allowed.
    """
    experiment = Experiment(run.curves_folder / validate_name(name))
    experiment.path.mkdir(parents=True, exist_ok=True)
    with experiment.lock():
        if experiment.manifest_file.exists():
            raise RunExists(
                f"Run {run.name!r} has an experiment {name!r} already; choose another name, or "
                "resume it."
            )
        experiment.empty()
        experiment.write(
            ExperimentManifest(
                name=name,
                created=now(),
                settings=settings,
                compute=compute or ComputeSettings(),
                content_version=new_version(),
            )
        )
    return experiment


def open_experiment(run: Run, name: str) -> Experiment:
    """Open an experiment of a run by name.

    Raises:
        RunNotFound: the run has none of that name.
    """
    experiment = Experiment(run.curves_folder / validate_name(name))
    if not experiment.manifest_file.exists():
        has = ", ".join(repr(one.name) for one in experiments(run)) or "none"
        raise RunNotFound(f"Run {run.name!r} has no experiment {name!r}; it has {has}.")
    return experiment


def experiments(run: Run) -> list[Experiment]:
    """Return the experiments of a run, newest first."""
    found = [Experiment(path.parent) for path in run.curves_folder.glob("*/experiment.json")]
    return sorted(found, key=lambda one: (-one.manifest_file.stat().st_mtime, one.name))
