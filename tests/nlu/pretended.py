"""A finished experiment with stacks that nobody trained: they guess, worse where less is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from influence_core.nlu.cells import Cell, draw
from influence_core.nlu.experiment import Outcome, StackExperiment
from influence_core.nlu.material import Material, material_of
from influence_core.nlu.settings import StackSettings
from influence_core.store.files import write_parquet
from influence_core.store.run import Run
from tests.factory import read

SMALL = StackSettings(techniques=("random", "vog-dataset"), fractions=(0.2, 0.5), seeds=3)


def with_intents(run: Run, intents: int = 3) -> Run:
    """Add a column of intents, `intents` of each label."""
    table = read(run.examples_file)
    names = [f"{label} {row % intents}" for row, label in enumerate(table["label"].to_pylist())]
    write_parquet(run.examples_file, table.append_column("intent", pa.array(names)))
    run.update()
    return run


def with_sources(run: Run, names: Sequence[object] | None, column: str = "source") -> Run:
    """Name the sources of all examples anew, or take their column away."""
    table = read(run.examples_file)
    kept = table.drop_columns([column]) if column in table.column_names else table
    told = kept if names is None else kept.append_column(column, pa.array(names))
    write_parquet(run.examples_file, told)
    run.update()
    return run


def pretend(
    run: Run, settings: StackSettings = SMALL, name: str = "guessed", stacks: int | None = None
) -> StackExperiment:
    """Write an experiment; of more than `stacks` the last are missing, as after a cancel."""
    experiment = StackExperiment.create(run, name, settings)
    material = material_of(run, settings, experiment.private_folder)
    for outcome in list(_outcomes(material))[:stacks]:
        experiment.keep(outcome)
    status = "complete" if stacks is None else "cancelled"
    experiment.update(status=status, **material.facts)
    return experiment


def _outcomes(material: Material) -> Iterator[Outcome]:
    truth = [material.truth[row] for row in material.train_rows]
    drawn = draw(material.run, material.settings, truth, material.prunable)
    for cell, rows in drawn.items():
        yield _guessed(material, cell, material.counted(rows))


def _guessed(material: Material, cell: Cell, rows: dict[str, int]) -> Outcome:
    generator = np.random.default_rng(cell.seed)
    meant = [material.truth[row] for row in material.test_rows]
    names = material.domain_names
    wrong = generator.random((3, len(meant))) < 0.1 + cell.fraction
    sure, unsure = generator.random((2, len(meant))).astype(np.float32)
    return Outcome(
        cell=cell,
        rows=rows,
        seconds=2.0,
        domains=[names[0] if out else one.domain for out, one in zip(wrong[0], meant, strict=True)],
        intents=["other" if out else one.intent for out, one in zip(wrong[1], meant, strict=True)],
        slots=[() if out else one.slots for out, one in zip(wrong[2], meant, strict=True)],
        confidence=sure,
        outside=unsure if material.settings.out_of_scope else None,
    )
