"""The folder of a pruning experiment: its settings, and what every cell left there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from influence_core.errors import RunError
from influence_core.pruning.cells import Cell, cells
from influence_core.pruning.settings import ExperimentSettings
from influence_core.store.experiments import RunExperiment, TrainingManifest
from influence_core.store.files import atomic, write_parquet
from influence_core.store.run import Run

_FACTS = b"outcome"


class ExperimentManifest(TrainingManifest):
    """The contents of `experiment.json`."""

    settings: ExperimentSettings


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
class Experiment(RunExperiment[ExperimentManifest]):
    """A pruning experiment, `curves/<name>/` in the folder of its run."""

    KIND = "an experiment"
    FOLDER = "curves"
    MANIFEST = "experiment.json"
    OPTION = "--experiment"
    WORD = "pruning"

    @property
    def manifest_type(self) -> type[ExperimentManifest]:
        """What `experiment.json` holds."""
        return ExperimentManifest

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


def open_experiment(run: Run, name: str) -> Experiment:
    """Open a pruning experiment of a run by name.

    Raises:
        RunNotFound: the run has none of that name.
    """
    return Experiment.open(run, name)
